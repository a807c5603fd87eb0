import { describe, expect, test } from 'vitest'
import type { EpochMs } from '../../domain/clock.js'
import { calendarDate } from './reference/calendar-date.js'
import { PLACES } from './reference/places.js'
import { SeededRandom } from './reference/random.js'
import { changeFrom, WatchedClock } from './reference/wall-clock.js'
import { writeCron, type WrittenCron } from './reference/written-cron.js'
import { compileCron } from './reference/compile.js'

// CRON_CASES=2000000 CRON_SEED=7 npx vitest run --project unit cron/differential
const CASES = Number(process.env['CRON_CASES'] ?? 100_000)
const SEED = Number(process.env['CRON_SEED'] ?? 1)
// Ten times as many cases may take ten times as long.
const TIMEOUT_MS = 300_000 * Math.max(1, CASES / 100_000)

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
// A dense expression would make each case long, and each further fire time tells less.
const MOST_FIRES = 50

describe('a cron fires exactly when someone who watches the clock on the wall would say', () => {
  test(
    'in whole minutes, for days around changes of the clocks that are known to be hard',
    () => {
      const clocks = PLACES.map(
        ([zone, at]) => new WatchedClock(zone, Date.parse(at), 4 * DAY_MS, 60_000),
      ).filter(({ even }) => even)
      const random = new SeededRandom(SEED)
      const cases = CASES * 0.5
      let fired = 0
      for (let i = 0; i < cases; i++) {
        const clock = random.pick(clocks)
        fired += compare(random, clock, writeCron(random, clock), DAY_MS, 1.5 * DAY_MS)
      }
      // Most expressions fire within the window, so that the comparison is of something.
      expect(fired).toBeGreaterThan(cases / 2)
    },
    TIMEOUT_MS,
  )

  test(
    'in whole minutes, around the changes of any zone in any year',
    () => {
      const random = new SeededRandom(SEED + 1)
      const zones = Intl.supportedValuesOf('timeZone')
      const perClock = 400
      let fired = 0
      const cases = CASES * 0.35
      for (let done = 0; done < cases;) {
        const from = Date.UTC(random.int(1900, 2037), random.int(0, 11), 1)
        const zone = random.pick(zones)
        const middle = changeFrom(zone, from, 200) ?? from
        const clock = new WatchedClock(zone, middle, 4 * DAY_MS, 60_000)
        // Before standard time, offsets have seconds that a look every minute does not see.
        if (!clock.even) continue
        for (let i = 0; i < perClock && done < cases; i++, done++) {
          fired += compare(random, clock, writeCron(random, clock), DAY_MS, 1.5 * DAY_MS)
        }
      }
      expect(fired).toBeGreaterThan(cases / 2)
    },
    TIMEOUT_MS,
  )

  test(
    'in seconds, for hours around a change of the clocks',
    () => {
      const hourly = PLACES.filter(([zone]) => !/Apia|Kwajalein|Manila/.test(zone))
      const places = [...hourly, ['Africa/Monrovia', '1972-01-07T00:44:30Z'] as const]
      const clocks = places
        .map(([zone, at]) => new WatchedClock(zone, Date.parse(at), 12 * HOUR_MS, 10_000))
        .filter(({ even }) => even)
      const random = new SeededRandom(SEED + 2)
      const cases = CASES * 0.1
      let fired = 0
      for (let i = 0; i < cases; i++) {
        const clock = random.pick(clocks)
        const written = writeCron(random, { year: clock.year, secondsUnit: 10 })
        fired += compare(random, clock, written, 3 * HOUR_MS, 5 * HOUR_MS)
      }
      expect(fired).toBeGreaterThan(cases / 4)
    },
    TIMEOUT_MS,
  )

  test(
    'on the dates that the calendar has, leap years and centuries among them',
    () => {
      const random = new SeededRandom(SEED + 3)
      const cases = CASES * 0.05
      let fired = 0
      for (let i = 0; i < cases; i++) {
        const year = random.pick([1900, 1999, 2000, 2023, 2024, 2025, 2026, 2096, 2099, 2100])
        const written = atMidnight(writeCron(random, { year }))
        const first = Date.UTC(year, 0, 1) / DAY_MS
        const expected: EpochMs[] = []
        for (let day = first; day < first + 500; day++) {
          if (written.date(calendarDate(day))) expected.push(day * DAY_MS)
        }
        fired += same(random, written, 'UTC', expected, first * DAY_MS - 1, (first + 500) * DAY_MS)
      }
      expect(fired).toBeGreaterThan(cases * 10)
    },
    TIMEOUT_MS,
  )
})

function compare(
  random: SeededRandom,
  clock: WatchedClock,
  written: WrittenCron,
  reachMs: number,
  aheadMs: number,
): number {
  const reach = random.chance(0.2) ? 3 : reachMs
  const after = clock.middle + random.int(-reach, reach)
  const before = after + random.int(1, aheadMs)
  return same(random, written, clock.zone, clock.fires(written, after, before), after, before)
}

/** Forwards and backwards; how many fire times were expected. */
function same(
  random: SeededRandom,
  written: WrittenCron,
  zone: string,
  expected: readonly EpochMs[],
  after: EpochMs,
  before: EpochMs,
): number {
  const trigger = compileCron(written, zone)
  if (trigger === null) {
    // Refused as one that never fires; nobody may have seen it fire.
    if (expected.length > 0) fail(written, zone, after, before, expected, [])
    return 0
  }
  const some = Math.min(expected.length, MOST_FIRES)
  const forwards: EpochMs[] = []
  let at = trigger.next(after)
  while (at !== null && at < before && forwards.length < MOST_FIRES) {
    forwards.push(at)
    at = trigger.next(at)
  }
  if (!equal(forwards, expected.slice(0, some))) fail(written, zone, after, before, expected, forwards)
  const backwards: EpochMs[] = []
  at = trigger.previous(before)
  while (at !== null && at > after && backwards.length < MOST_FIRES) {
    backwards.unshift(at)
    at = trigger.previous(at)
  }
  if (!equal(backwards, expected.slice(expected.length - some))) {
    fail(written, zone, after, before, expected, backwards)
  }
  if (expected.length > 0) {
    // From anywhere between two of them, the same ones are found.
    const i = random.int(0, expected.length - 1)
    const [low, high] = [expected[i - 1] ?? after, expected[i]!]
    const between = random.int(low, high - 1)
    if (trigger.next(between) !== high) fail(written, zone, between, before, [high], [trigger.next(between)])
    if (i > 0 && trigger.previous(between + 1) !== low) {
      fail(written, zone, between + 1, before, [low], [trigger.previous(between + 1)])
    }
  }
  return expected.length
}

function equal(a: readonly EpochMs[], b: readonly EpochMs[]): boolean {
  return a.length === b.length && a.every((at, i) => at === b[i])
}

function fail(
  written: WrittenCron,
  zone: string,
  after: EpochMs,
  before: EpochMs,
  expected: readonly EpochMs[],
  found: readonly (EpochMs | null)[],
): never {
  const { expression, scheduleId, dayMatch, dst } = written
  const text = (at: EpochMs | null | undefined): string => (at == null ? 'none' : new Date(at).toISOString())
  const i = expected.findIndex((at, index) => found[index] !== at)
  const which = i === -1 ? expected.length : i
  throw new Error(
    `${JSON.stringify({ expression, scheduleId, dayMatch, dst, zone })} between ${text(after)} and ${text(before)}: ` +
      `fire ${which} of ${expected.length} should be ${text(expected[which])}, but is ${text(found[which])} ` +
      `of ${found.length} (seed ${SEED})`,
  )
}

/** The same dates, once a day. */
function atMidnight(written: WrittenCron): WrittenCron {
  const words = written.expression.split(' ')
  const times = words.length === 5 ? 2 : 3
  const expression = [...Array.from({ length: times }, () => '0'), ...words.slice(times)].join(' ')
  return { ...written, expression, wildcard: false }
}
