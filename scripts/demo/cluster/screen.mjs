import { nodeTable } from './node-table.mjs'
import { fireLines, latenessLines } from './timeline.mjs'

const TONES = { good: 'green', warn: 'yellow', bad: 'red' }
const MOST_COLUMNS = 120
/** With fewer, empty lines are left out. */
const ENOUGH_ROWS = 30
const LEAST_EVENTS = 6
const KEYS = [
  ['1 2 3', 'kill -9, or start'],
  ['f', 'freeze, or thaw'],
  ['r', 'kill Redis'],
  ['q', 'quit'],
]

/**
 * The picture of a cluster as lines of text, for a terminal of at least 80 columns and 24 rows. `paint(format, text)` colours.
 * `events` are `{ at, tone, text }`, oldest first; `notice` stands in the place of the keys where it is not `null`.
 */
export function screen(cluster, { columns, rows, paint, began, events, notice }) {
  const area = { width: Math.min(columns, MOST_COLUMNS) - 4, now: Date.now(), paint }
  const gap = rows < ENOUGH_ROWS ? [] : ['']
  const top = [
    [...gap, heading(cluster, began, area)],
    nodeTable(cluster, area),
    fireLines(cluster, area),
    latenessLines(cluster, area),
    [verdict(cluster, area)],
  ].flatMap((lines) => lines.concat(gap))
  const bottom = [
    ...gap,
    notice === null ? keys(paint) : paint('yellow', notice),
    paint('gray', hint(cluster)),
  ]
  const room = rows - top.length - bottom.length
  const shown = events.slice(-room).map((event) => eventLine(event, area))
  const free = Array.from({ length: Math.min(room, LEAST_EVENTS) - shown.length }, () => '')
  return [...top, ...shown, ...free, ...bottom].map((line) => `  ${line}`)
}

/** The same in one line, for where nothing can be drawn. */
export function statusLine({ nodes, audit, figures }) {
  const now = Date.now()
  const rate = ({ name, state }) =>
    `${name} ${state === 'up' ? (figures.rates(name, 1, now)[0] ?? 0) : state}`
  const { p50, p99 } = figures.lateness(5, now)
  return [
    `           fires/s: ${nodes.map(rate).join(', ')}`,
    `lateness p50 ${p50 ?? '-'} ms, p99 ${p99 ?? '-'} ms`,
    `${audit.counts.taken} taken over`,
    `missed ${audit.count('missed')}`,
    `ran twice ${audit.count('twice')}`,
  ].join(' · ')
}

function heading({ redis, redisState, redisSince, nodes, schedules }, began, { width, now, paint }) {
  const elapsed = Math.floor((now - began) / 1000)
  const clock = `${Math.floor(elapsed / 60)}:${String(elapsed % 60).padStart(2, '0')}`
  const left = `${schedules} schedules on ${nodes.length} nodes, for ${clock}`
  const isDown = redisState === 'down'
  const away = ((now - redisSince) / 1000).toFixed(1)
  const right = isDown ? `✗ Redis away for ${away} s` : `● Redis on port ${redis.port}`
  const space = ' '.repeat(Math.max(2, width - 'Evertick  '.length - left.length - right.length))
  return `${paint('bold', 'Evertick')}  ${left}${space}${paint(isDown ? 'red' : 'green', right)}`
}

/** What matters, most to the left and right; what does not fit is left out between. */
function verdict({ audit, failures }, { width, paint }) {
  const { fireTimes, taken, again } = audit.counts
  const others = audit.count('early') + failures.length
  const count = (name, number) => [`${name} `, String(number), number === 0 ? 'green' : 'red']
  const first = [
    ['', `${fireTimes.toLocaleString('en')} fires`, 'bold'],
    ['taken over ', String(taken), 'bold'],
  ]
  const last = [count('missed', audit.count('missed')), count('ran twice', audit.count('twice'))]
  if (others > 0) last.push(count('other faults', others))
  const between = [
    ['under way ', String(audit.waiting), 'reset'],
    ['tried again ', String(again), 'reset'],
  ]
  const parts = (some) => [...first, ...some, ...last]
  const lengthOf = (some) =>
    parts(some).reduce((sum, [name, number]) => sum + name.length + number.length + 5, -5)
  while (between.length > 0 && lengthOf(between) > width) between.pop()
  return parts(between)
    .map(([name, number, tone]) => `${name}${paint(tone, number)}`)
    .join(paint('gray', '  ·  '))
}

function eventLine({ at, tone, text }, { width, paint }) {
  const time = new Date(at).toTimeString().slice(0, 8)
  return `${paint('gray', time)}  ${paint(TONES[tone], text.replaceAll('\n', ' ').slice(0, width - time.length - 2))}`
}

function keys(paint) {
  return KEYS.map(([key, what]) => `${paint('bold', key)} ${what}`).join(paint('gray', '  ·  '))
}

function hint({ nodes }) {
  const up = nodes.find(({ state }) => state === 'up')
  return up === undefined ? '' : `look closer: npx evertick runs --follow --server ${up.url}`
}
