const BARS = '▁▂▃▄▅▆▇█'
const MOST_SECONDS = 60
const LABEL = 17
const LONGEST_MS = 10_000

/** How many fires there were on each node, second by second. */
export function fireLines({ nodes, figures }, { width, now, paint }) {
  const count = secondsShown(width)
  const byNode = nodes.map(({ name }) => [name, figures.rates(name, count, now)])
  const totals = figures.totals(count, now)
  const most = Math.max(...byNode.flatMap(([, values]) => values))
  const toned = (tone) => (value) => (value === 0 ? 'red' : tone)
  return [
    paint('gray', `${'FIRES PER SECOND'.padEnd(LABEL)}${`the last ${count} s`.padStart(count)}`),
    ...byNode.map(
      ([name, values]) => `${label(name, values.at(-1))}${bars(values, most, toned('green'), paint)}`,
    ),
    `${label('together', totals.at(-1))}${bars(totals, Math.max(...totals), toned('blue'), paint)}`,
  ]
}

/** How late they were. */
export function latenessLines({ figures }, { width, now, paint }) {
  const count = secondsShown(width)
  const { p50, p99 } = figures.lateness(5, now)
  const levels = figures.p99s(count, now)
  const drawn = levels.map((ms) => (ms === null ? null : Math.log(1 + ms)))
  const toned = (_value, i) => (levels[i] < 100 ? 'green' : levels[i] <= 1000 ? 'yellow' : 'red')
  return [
    paint('gray', `${'LATENESS'.padEnd(LABEL)}${'the 99th percentile, from 1 ms to 10 s'.padStart(count)}`),
    label('p50', p50 === null ? '-' : `${p50} ms`),
    `${label('p99', p99 === null ? '-' : `${p99} ms`)}${bars(drawn, Math.log(1 + LONGEST_MS), toned, paint)}`,
  ]
}

function secondsShown(width) {
  return Math.min(MOST_SECONDS, width - LABEL)
}

function label(name, value) {
  return `${name.padEnd(8)}${String(value ?? 0).padStart(LABEL - 10)}  `
}

/** One character for each value; nothing for `null`, a dot for zero. */
function bars(values, most, toneOf, paint) {
  const drawn = values.map((value, i) => {
    if (value === null) return ' '
    const height = Math.min(1, value / most) * (BARS.length - 1)
    return paint(toneOf(value, i), value === 0 ? '·' : BARS[Math.round(height)])
  })
  return drawn.join('')
}
