import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EpochMs } from '../../domain/clock.js'
import { fires } from '../fires.js'
import { compileTrigger } from '../registry.js'
import { cron } from './index.js'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

// Gaps and overlaps of 15 minutes to a day, at midnight and elsewhere, and zones without any.
const TRANSITIONS: readonly (readonly [zone: string, around: string])[] = [
  ['UTC', '2024-02-29T00:00:00Z'],
  ['Asia/Shanghai', '2025-12-31T16:00:00Z'],
  ['Europe/Berlin', '2026-03-29T01:00:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00:00Z'],
  ['Europe/Dublin', '2024-10-27T01:00:00Z'],
  ['America/New_York', '2026-03-08T07:00:00Z'],
  ['America/New_York', '2026-11-01T06:00:00Z'],
  ['Australia/Lord_Howe', '2024-10-05T15:30:00Z'],
  ['Australia/Lord_Howe', '2024-04-06T15:00:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00:00Z'],
  ['America/Sao_Paulo', '2018-02-18T02:00:00Z'],
  ['America/Havana', '2024-03-10T05:00:00Z'],
  ['America/Havana', '2024-11-03T05:00:00Z'],
  ['America/St_Johns', '2011-03-13T03:31:00Z'],
  ['America/St_Johns', '2010-11-07T02:31:00Z'],
  ['Africa/Casablanca', '2024-03-10T02:00:00Z'],
  ['Africa/Cairo', '2024-10-31T21:00:00Z'],
  ['Antarctica/Troll', '2024-03-31T01:00:00Z'],
  ['Antarctica/Troll', '2024-10-27T01:00:00Z'],
  ['Antarctica/Casey', '2018-03-10T17:00:00Z'],
  ['Asia/Kathmandu', '1985-12-31T18:30:00Z'],
  ['Asia/Pyongyang', '2015-08-14T15:00:00Z'],
  ['Asia/Pyongyang', '2018-05-04T15:00:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00:00Z'],
  ['Pacific/Kwajalein', '1993-08-21T12:00:00Z'],
]

describe('a cron fires exactly when someone who watches the clock on the wall would say', () => {
  test('in whole minutes, for days around a change of the clocks', () => {
    const scans = TRANSITIONS.map(([zone, around]) => scan(zone, around, 3 * DAY_MS, 60_000))
    fc.assert(
      fc.property(
        arbitraryCron(),
        fc.constantFrom(...scans),
        offsetIn(DAY_MS),
        (expression, watched, offset) => {
          compare(expression, watched, offset, 1.5 * DAY_MS)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('in seconds, for hours around a change of the clocks', () => {
    const hourly = TRANSITIONS.filter(([zone]) => zone !== 'Pacific/Apia' && zone !== 'Pacific/Kwajalein')
    const scans = hourly.map(([zone, around]) => scan(zone, around, 8 * HOUR_MS, 10_000))
    fc.assert(
      fc.property(
        arbitraryCron(10),
        fc.constantFrom(...scans),
        offsetIn(3 * HOUR_MS),
        (expression, watched, offset) => {
          compare(expression, watched, offset, 4 * HOUR_MS)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('whatever the expression', () => {
  const anywhere = fc.constantFrom(...new Set(TRANSITIONS.map(([zone]) => zone)))
  const nearChange = fc
    .tuple(fc.constantFrom(...TRANSITIONS), offsetIn(DAY_MS))
    .map(([[, around], offset]) => Date.parse(around) + offset)
  const anytime = fc.oneof(fc.integer({ min: Date.UTC(1890, 0, 1), max: Date.UTC(2100, 0, 1) }), nearChange)

  test('fire times rise, and the same ones are found from wherever one asks', () => {
    fc.assert(
      fc.property(
        arbitraryCron(1),
        anywhere,
        anytime,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        ({ expression }, zone, after, fraction) => {
          const trigger = compileTrigger(cron(expression, { timezone: zone }))
          let last = after
          for (const at of fires(trigger, { after, count: 5 })) {
            expect(at).toBeGreaterThan(last)
            expect(trigger.next(last + Math.floor(fraction * (at - last)))).toBe(at)
            // A search that comes from afar jumps; one from nearby looks at everything on the way.
            expect(trigger.next(Math.max(last, at - DAY_MS))).toBe(at)
            last = at
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('the clock on the wall of a zone that never changes matches each fire time', () => {
    fc.assert(
      fc.property(arbitraryCron(1), anytime, (expression, after) => {
        const trigger = compileTrigger(cron(expression.expression))
        for (const at of fires(trigger, { after, count: 20 }))
          expect(matches(expression, new Date(at))).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})

interface Watched {
  readonly zone: string
  readonly middle: EpochMs
  readonly wall: WallScan
  /** What fast-check prints in place of the thousands of readings. */
  readonly [fc.toStringMethod]: () => string
}

function scan(zone: string, around: string, reachMs: number, stepMs: number): Watched {
  const middle = Date.parse(around)
  return {
    zone,
    middle,
    wall: scanWall(zone, middle - reachMs, middle + reachMs, stepMs),
    [fc.toStringMethod]: () => `${zone} around ${around}`,
  }
}

function offsetIn(reachMs: number): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: -reachMs, max: reachMs }), fc.integer({ min: -3, max: 3 }))
}

function compare(expression: ReferenceCron, watched: Watched, offset: number, aheadMs: number): void {
  const after = watched.middle + offset
  const before = after + aheadMs
  const expected = referenceFires(expression, watched.wall).filter((at) => at > after && at < before)
  const trigger = compileTrigger(cron(expression.expression, { timezone: watched.zone }))
  expect([...fires(trigger, { after, before })]).toEqual(expected)
}

// The reference: slow, and written from the design alone.

/** A cron as sets of values: what the tests know of an expression without having parsed it. */
interface ReferenceCron {
  readonly expression: string
  readonly seconds: ReadonlySet<number>
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  readonly anyDay: boolean
  readonly anyWeekday: boolean
  readonly wildcard: boolean
}

/** What the clock on the wall showed at each step of real time. */
interface WallScan {
  readonly stepMs: number
  readonly times: readonly { readonly at: EpochMs; readonly wall: number; readonly date: Date }[]
}

/** Reads the wall clock of a zone from `from` to `until`, slowly, one step of real time after the other. */
function scanWall(zone: string, from: EpochMs, until: EpochMs, stepMs: number): WallScan {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
  const times = []
  for (let at = from; at <= until; at += stepMs) {
    const [, day, month, year, hour, minute, second] = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)$/
      .exec(format.format(at))!
      .map(Number) as [number, number, number, number, number, number, number]
    const wall = Date.UTC(year, month - 1, day, hour, minute, second)
    times.push({ at, wall, date: new Date(wall) })
  }
  return { stepMs, times }
}

/**
 * All fire times in the scan, by the rules of the design read literally: step through real time, look at the wall.
 * Within a day of the start of the scan it may not know what the clocks had shown before.
 */
function referenceFires(cron: ReferenceCron, { stepMs, times }: WallScan): EpochMs[] {
  if (cron.wildcard) return times.filter(({ date }) => matches(cron, date)).map(({ at }) => at)
  const found = new Set<EpochMs>()
  const slots = new Set<number>()
  let last: WallScan['times'][number] | null = null
  let furthest = -Infinity
  for (const now of times) {
    last ??= now
    // Slots that the clock jumped over, read with the offset before the jump.
    for (let slot = last.wall + stepMs; slot < now.wall; slot += stepMs) {
      const midnight = Math.floor(slot / DAY_MS) * DAY_MS
      const leftOut = last.wall < midnight && now.wall >= midnight + DAY_MS
      if (slot > furthest && !leftOut && matches(cron, new Date(slot)))
        found.add(slot - (last.wall - last.at))
    }
    if (!slots.has(now.wall)) {
      slots.add(now.wall)
      if (matches(cron, now.date)) found.add(now.at)
    }
    furthest = Math.max(furthest, now.wall)
    last = now
  }
  return [...found].toSorted((a, b) => a - b)
}

function matches(cron: ReferenceCron, date: Date): boolean {
  if (!cron.seconds.has(date.getUTCSeconds()) || !cron.minutes.has(date.getUTCMinutes())) return false
  if (!cron.hours.has(date.getUTCHours()) || !cron.months.has(date.getUTCMonth() + 1)) return false
  const byDay = cron.days.has(date.getUTCDate())
  const byWeekday = cron.weekdays.has(date.getUTCDay())
  return cron.anyDay || cron.anyWeekday ? byDay && byWeekday : byDay || byWeekday
}

// Expressions with their meaning.

/** A field as text, next to the values that it means, worked out without the parser. */
interface Field {
  readonly text: string
  readonly values: readonly number[]
  readonly any: boolean
  readonly open: boolean
}

interface Range {
  readonly min: number
  readonly max: number
  /** Values are multiples of this, for a reference that steps through time in larger steps. */
  readonly unit?: number
}

function values(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step)
}

function term({ min, max, unit = 1 }: Range): fc.Arbitrary<Field> {
  const value = fc.integer({ min: Math.ceil(min / unit), max: Math.floor(max / unit) }).map((n) => n * unit)
  const step = fc
    .integer({ min: 1, max: Math.max(1, Math.floor((max - min) / 2 / unit)) })
    .map((n) => n * unit)
  const single = value.map((v): Field => ({ text: `${v}`, values: [v], any: false, open: false }))
  const stepped = step.map((n): Field => ({
    text: `*/${n}`,
    values: values(min, max, n),
    any: n === 1,
    open: true,
  }))
  const from = fc
    .tuple(value, step)
    .map(([v, n]): Field => ({ text: `${v}/${n}`, values: values(v, max, n), any: false, open: v === min }))
  // Ranges step by the unit, so that they stay within what a coarse reference sees.
  const range = fc.tuple(value, value, step).map(([a, b, n]): Field => {
    const text = n === 1 && unit === 1 ? `${a}-${b}` : `${a}-${b}/${n}`
    const all = a <= b ? values(a, b, 1) : [...values(a, max, 1), ...values(min, b, 1)]
    return { text, values: all.filter((_, i) => i % n === 0), any: false, open: a === min && b === max }
  })
  return unit === 1 ? fc.oneof(single, stepped, from, range) : fc.oneof(single, stepped, from)
}

function field(range: Range, anyWeight: number): fc.Arbitrary<Field> {
  const any: Field = { text: '*', values: values(range.min, range.max, 1), any: true, open: true }
  const list = fc.array(term(range), { minLength: 1, maxLength: 3 }).map((terms): Field => ({
    text: terms.map(({ text }) => text).join(','),
    values: terms.flatMap((each) => each.values),
    any: terms.some((each) => each.any),
    open: terms.some((each) => each.open),
  }))
  return range.unit === undefined && anyWeight > 0
    ? fc.oneof({ arbitrary: fc.constant(any), weight: anyWeight }, { arbitrary: list, weight: 2 })
    : list
}

/** Expressions of 5 fields, or of 6 whose seconds are multiples of `secondsUnit`. All of them fire. */
function arbitraryCron(secondsUnit?: number): fc.Arbitrary<ReferenceCron> {
  const seconds: fc.Arbitrary<Field | null> =
    secondsUnit === undefined ? fc.constant(null) : field({ min: 0, max: 59, unit: secondsUnit }, 0)
  // Many hours in the night, where the clocks change.
  const hours = fc.oneof(field({ min: 0, max: 23 }, 1), nightHours)
  return fc
    .tuple(
      seconds,
      field({ min: 0, max: 59 }, 1),
      hours,
      field({ min: 1, max: 31 }, 6),
      field({ min: 1, max: 12 }, 12),
      field({ min: 0, max: 6 }, 6),
    )
    .map(([second, minute, hour, day, month, weekday]): ReferenceCron => {
      const written = [second, minute, hour, day, month, weekday].filter((each) => each !== null)
      return {
        expression: written.map(({ text }) => text).join(' '),
        seconds: new Set(second?.values ?? [0]),
        minutes: new Set(minute.values),
        hours: new Set(hour.values),
        days: new Set(day.values),
        months: new Set(month.values),
        weekdays: new Set(weekday.values),
        anyDay: day.any,
        anyWeekday: weekday.any,
        wildcard: minute.open || hour.open || second?.open === true,
      }
    })
    .filter(
      ({ days, months, anyWeekday }) =>
        !anyWeekday || [...months].some((month) => [...days].some((day) => day <= (month === 2 ? 28 : 30))),
    )
}

const nightHours = fc
  .uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 })
  .map((hours): Field => ({ text: hours.join(','), values: hours, any: false, open: false }))
