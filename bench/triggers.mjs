// Time of one next(): dense, daily and rare crons, in UTC and in a zone with daylight saving.
//   node bench/triggers.mjs [--json]
import { compileTrigger } from '@evertick/core'

const CASES = [
  ['every second', '* * * * * *'],
  ['every 5 minutes', '*/5 * * * *'],
  ['daily', '30 2 * * *'],
  ['weekdays', '0 9 * * MON-FRI'],
  ['29 February', '0 0 29 2 *'],
]
const ZONES = ['UTC', 'Europe/Berlin']
const START = Date.UTC(2026, 0, 1)
const ROUNDS = 200_000

const figures = {}
for (const [name, expression] of CASES) {
  figures[name] = {}
  for (const timezone of ZONES) {
    const trigger = compileTrigger({ kind: 'cron', expression, timezone })
    // Once over the same years warms the zone's table and the compiler.
    walk(trigger)
    const before = performance.now()
    const steps = walk(trigger)
    figures[name][timezone] = `${(((performance.now() - before) * 1000) / steps).toFixed(3)} µs`
  }
}
if (process.argv.includes('--json')) console.log(JSON.stringify(figures))
else console.table(figures)

/** Steps over at most 40 years, again and again, so that each round finds the same table. */
function walk(trigger) {
  const end = START + 40 * 365.25 * 86_400_000
  let at = START
  for (let step = 0; step < ROUNDS; step++) {
    at = trigger.next(at) ?? START
    if (at > end) at = START
  }
  return ROUNDS
}
