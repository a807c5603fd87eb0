// Cron triggers beside croner and cron-parser: time of one next() in UTC and in a zone with daylight saving, of one
// parse, of the first question to a zone, and memory per schedule.
//   node bench/triggers.mjs [--json]
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compileTrigger } from '@evertick/core'
import { CronExpressionParser } from 'cron-parser'
import { Cron } from 'croner'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

const CASES = [
  ['every second', '* * * * * *'],
  ['every 5 minutes', '*/5 * * * *'],
  ['daily', '30 2 * * *'],
  ['weekdays', '0 9 * * MON-FRI'],
  ['last day of the month', '0 0 L * *'],
  ['29 February', '0 0 29 2 *'],
  ['29 February, a Monday', '0 0 29 2 +MON'],
]
const ZONES = ['UTC', 'Europe/Berlin']
const START = Date.UTC(2026, 0, 1)
const END = START + 40 * 365.25 * 86_400_000
// So long each figure is measured; a slow one has fewer rounds.
const MEASURE_MS = 300
const SCHEDULES = 20_000
// None of them used before they are measured.
const COLD_ZONES = [
  'America/Chicago',
  'America/Sao_Paulo',
  'Africa/Casablanca',
  'Asia/Tehran',
  'Australia/Lord_Howe',
  'Europe/Dublin',
  'Pacific/Apia',
  'America/St_Johns',
]

/** Each makes a trigger, asks for its next fire time after one, and walks from one to the next. */
const LIBRARIES = {
  evertick: {
    make: (expression, timezone) => compileTrigger({ kind: 'cron', expression, timezone }),
    first: (trigger, after) => trigger.next(after),
    walker: (trigger) => (at) => trigger.next(at),
  },
  croner: {
    make: (expression, timezone) => new Cron(expression, { timezone, paused: true }),
    first: (job, after) => job.nextRun(new Date(after)).getTime(),
    walker: (job) => (at) => job.nextRun(new Date(at))?.getTime() ?? null,
  },
  'cron-parser': {
    make: (expression, tz) => CronExpressionParser.parse(expression, { tz, currentDate: new Date(START) }),
    first: (iterator) => iterator.next().getTime(),
    // It keeps its own place.
    walker: (iterator) => (at) => {
      if (at === START) iterator.reset(new Date(START))
      return iterator.next().getTime()
    },
  },
}

const figures = {
  'µs per next()': table(CASES, ZONES, ({ make, walker }, expression, zone) => {
    const next = walker(make(expression, zone))
    let at = START
    return perRound(() => {
      at = next(at) ?? START
      // Again and again over the same years, so that each round finds the same transitions.
      if (at > END) at = START
    })
  }),
  'µs to make one': table(CASES, ['UTC'], ({ make }, expression, zone) =>
    perRound(() => make(expression, zone)),
  ),
  'ms for the first next() in a zone': table(
    [['daily', '30 2 * * *']],
    ['cold'],
    ({ make, first }, expression) => {
      const before = performance.now()
      for (const zone of COLD_ZONES) first(make(expression, zone), START)
      return (performance.now() - before) / COLD_ZONES.length
    },
  ),
  'bytes per schedule': table([['daily', null]], ZONES, ({ make, first }, _expression, zone) => {
    first(make('0 0 * * *', zone), START)
    const made = Array.from({ length: SCHEDULES })
    const before = heapUsed()
    for (let i = 0; i < SCHEDULES; i++) {
      made[i] = make(`${i % 60} ${Math.floor(i / 60) % 24} * * MON-FRI`, zone)
      first(made[i], START)
    }
    return (heapUsed() - before) / made.length
  }),
}
figures['µs to refuse 31 February'] = {
  evertick: round(perRound(() => refuses(() => compileTrigger({ kind: 'cron', expression: '0 0 31 2 *' })))),
}

if (process.argv.includes('--json')) console.log(JSON.stringify(figures))
else {
  for (const [title, rows] of Object.entries(figures)) {
    console.log(`\n${title}`)
    console.table(rows)
  }
}

function table(cases, zones, measure) {
  const rows = {}
  for (const [name, expression] of cases) {
    rows[name] = {}
    for (const zone of zones) {
      for (const [library, calls] of Object.entries(LIBRARIES)) {
        rows[name][`${library}, ${zone}`] = attempt(() => round(measure(calls, expression, zone)))
      }
    }
  }
  return rows
}

/** Microseconds of one round. */
function perRound(run) {
  // Once to warm up the compiler and the zone, then in earnest.
  repeat(run, MEASURE_MS / 3)
  const { rounds, ms } = repeat(run, MEASURE_MS)
  return (ms * 1000) / rounds
}

function repeat(run, ms) {
  const start = performance.now()
  let rounds = 0
  let elapsed = 0
  // The clock is read once in a while, for reading it takes longer than a fast round.
  for (let batch = 1; elapsed < ms; batch = elapsed < ms / 100 ? batch * 2 : batch) {
    for (let i = 0; i < batch; i++) run()
    rounds += batch
    elapsed = performance.now() - start
  }
  return { rounds, ms: elapsed }
}

/** What a library cannot read has no figure. */
function attempt(measure) {
  try {
    return measure()
  } catch {
    return '–'
  }
}

function refuses(make) {
  try {
    make()
  } catch {
    return
  }
  throw new Error('It was not refused')
}

function heapUsed() {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed
}

function round(value) {
  return Number(value.toPrecision(3))
}
