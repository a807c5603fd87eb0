const MARKS = { up: '●', starting: '◔', frozen: '◌', dead: '✗', stopped: '○' }
const TONES = { up: 'green', starting: 'yellow', frozen: 'cyan', dead: 'red', stopped: 'gray' }
const MIB = 1024 * 1024
/** A node beats every three seconds, and is given up after ten. */
const LATE_BEAT_MS = 4500
const LEASE_MS = 10_000

const TITLES = ['NODE', 'STATE', 'BEAT', 'LOOP', 'CPU', 'MEMORY', 'SLOTS', 'HOLDS']
/** Below zero: numbers, to the right. The last column takes what is left. */
const WIDTHS = [7, 14, -6, -6, -5, -6, -6]
const GAP = '  '
const USED = WIDTHS.reduce((sum, width) => sum + Math.abs(width) + GAP.length, 0)

/** Who is there, how busy each is, and what it has in hand. */
export function nodeTable({ nodes, records, held }, { width, now, paint }) {
  const rows = nodes.map((node) =>
    nodeRow(node, records.get(node.name), held.of(node.life), width, now, paint),
  )
  return [paint('gray', TITLES.map(padded).join(GAP)), ...rows]
}

function nodeRow({ name, state, since }, record, runs, width, now, paint) {
  const isUp = state === 'up'
  const beatMs = record === undefined ? 0 : Math.max(0, now - record.lastBeatAt)
  const beatTone = beatMs > LEASE_MS ? 'red' : beatMs > LATE_BEAT_MS ? 'yellow' : 'reset'
  const measured = (text) => ['reset', record !== undefined && isUp ? text(record) : '']
  const cells = [
    ['reset', name],
    [TONES[state], `${MARKS[state]} ${stateText(state, now - since)}`],
    [beatTone, record === undefined ? '' : beatMs > LEASE_MS ? 'lapsed' : `${(beatMs / 1000).toFixed(1)} s`],
    measured(({ eventLoopDelayMs }) => `${Math.round(eventLoopDelayMs)} ms`),
    measured(({ cpu }) => `${Math.round(cpu * 100)} %`),
    measured(({ memoryBytes }) => `${Math.round(memoryBytes / MIB)} MB`),
    measured(({ slots }) => `${runs.length}/${slots}`),
    [isUp ? 'reset' : TONES[state], holdsText(runs, width - USED)],
  ]
  return cells.map(([tone, text], i) => paint(tone, padded(text, i))).join(GAP)
}

function padded(text, i) {
  const width = WIDTHS[i] ?? 0
  return width < 0 ? text.padStart(-width) : text.padEnd(width)
}

function stateText(state, sinceMs) {
  const seconds = Math.floor(sinceMs / 1000)
  if (state === 'dead') return `dead for ${seconds} s`
  return state === 'frozen' ? `frozen ${seconds} s` : state
}

/** The names of their schedules, as many as there is room for. */
function holdsText(runs, width) {
  const names = runs.map((run) => run.split('@')[0])
  const text = (shown) => {
    const rest = names.length - shown
    return [...names.slice(0, shown), ...(rest === 0 ? [] : [`+${rest}`])].join(' ')
  }
  let shown = names.length
  while (shown > 0 && text(shown).length > width) shown -= 1
  return text(shown)
}
