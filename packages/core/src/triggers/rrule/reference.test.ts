import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fires } from '../fires.js'
import { checkTrigger, compileTrigger } from '../registry.js'
import { zoneOf } from '../zone.js'
import { rrule } from './index.js'

const DAY_MS = 86_400_000
const NAMES = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'] as const
type Frequency = 'YEARLY' | 'MONTHLY' | 'WEEKLY' | 'DAILY' | 'HOURLY' | 'MINUTELY' | 'SECONDLY'

/** A rule as plain data: what the reference knows of it without having parsed it. */
interface Rule {
  readonly frequency: Frequency
  readonly interval: number
  readonly weekStart: number
  readonly months?: readonly number[]
  readonly weekNumbers?: readonly number[]
  readonly yearDays?: readonly number[]
  readonly monthDays?: readonly number[]
  readonly weekdays?: readonly (readonly [ordinal: number, weekday: number])[]
  readonly hours?: readonly number[]
  readonly minutes?: readonly number[]
  readonly seconds?: readonly number[]
  readonly positions?: readonly number[]
}

function text(rule: Rule): string {
  const lists: [string, readonly number[] | undefined][] = [
    ['BYMONTH', rule.months],
    ['BYWEEKNO', rule.weekNumbers],
    ['BYYEARDAY', rule.yearDays],
    ['BYMONTHDAY', rule.monthDays],
    ['BYHOUR', rule.hours],
    ['BYMINUTE', rule.minutes],
    ['BYSECOND', rule.seconds],
    ['BYSETPOS', rule.positions],
  ]
  const days = rule.weekdays?.map(([ordinal, weekday]) => `${ordinal === 0 ? '' : ordinal}${NAMES[weekday]}`)
  return [
    `FREQ=${rule.frequency}`,
    `INTERVAL=${rule.interval}`,
    `WKST=${NAMES[rule.weekStart]}`,
    ...lists.filter(([, list]) => list !== undefined).map(([name, list]) => `${name}=${list!.join(',')}`),
    ...(days === undefined ? [] : [`BYDAY=${days.join(',')}`]),
  ].join(';')
}

// The reference: looks at every day, and at every second of it, one after the other.

const dateOf = (day: number): Date => new Date(day * DAY_MS)
const yearOf = (day: number): number => dateOf(day).getUTCFullYear()
const dayNumber = (year: number, month: number, date: number): number => Date.UTC(year, month, date) / DAY_MS

function weekBegin(day: number, weekStart: number): number {
  let at = day
  while (dateOf(at).getUTCDay() !== weekStart) at--
  return at
}

/** Counts weeks through the year, one by one. */
function weekNumber(day: number, weekStart: number): [number: number, fromEnd: number] {
  const week = weekBegin(day, weekStart)
  const year = yearOf(week + 3)
  let [before, all] = [0, 0]
  for (let at = weekBegin(dayNumber(year - 1, 11, 25), weekStart); at <= dayNumber(year, 11, 31); at += 7) {
    if (yearOf(at + 3) !== year) continue
    all++
    if (at <= week) before++
  }
  return [before, before - all - 1]
}

function dayFits(rule: Rule, day: number, startDay: number): boolean {
  const date = dateOf(day)
  const start = dateOf(startDay)
  const [year, month, dom] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  const monthLength = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  const yearDay = day - dayNumber(year, 0, 1) + 1
  const yearLength = dayNumber(year + 1, 0, 1) - dayNumber(year, 0, 1)
  const { frequency, months, weekNumbers, yearDays, monthDays, weekdays } = rule
  if (months !== undefined && !months.includes(month + 1)) return false
  if (
    weekNumbers !== undefined &&
    !weekNumber(day, rule.weekStart).some((each) => weekNumbers.includes(each))
  )
    return false
  if (yearDays !== undefined && ![yearDay, yearDay - yearLength - 1].some((each) => yearDays.includes(each)))
    return false
  if (monthDays !== undefined && ![dom, dom - monthLength - 1].some((each) => monthDays.includes(each)))
    return false
  if (weekdays !== undefined) {
    const inYear = frequency === 'YEARLY' && months === undefined
    const [position, length] = inYear ? [yearDay, yearLength] : [dom, monthLength]
    const numbers = new Set([0, Math.ceil(position / 7), -Math.ceil((length - position + 1) / 7)])
    if (!weekdays.some(([ordinal, weekday]) => weekday === date.getUTCDay() && numbers.has(ordinal)))
      return false
  }
  const open = yearDays === undefined && monthDays === undefined && weekdays === undefined
  if (!open) return true
  if (weekNumbers !== undefined || frequency === 'WEEKLY') return date.getUTCDay() === start.getUTCDay()
  if (frequency === 'MONTHLY') return dom === start.getUTCDate()
  if (frequency === 'YEARLY') {
    return dom === start.getUTCDate() && (months !== undefined || month === start.getUTCMonth())
  }
  return true
}

/** Number of the period that holds a second of local time, from some beginning. */
function periodOf(rule: Rule, second: number): number {
  const day = Math.floor(second / 86_400)
  switch (rule.frequency) {
    case 'YEARLY':
      return yearOf(day)
    case 'MONTHLY':
      return yearOf(day) * 12 + dateOf(day).getUTCMonth()
    case 'WEEKLY':
      return Math.floor(weekBegin(day, rule.weekStart) / 7)
    case 'DAILY':
      return day
    case 'HOURLY':
      return Math.floor(second / 3600)
    case 'MINUTELY':
      return Math.floor(second / 60)
    default:
      return second
  }
}

/** The local times of the rule in [from, until), in milliseconds, looking at each second in steps of `grain`. */
function reference(rule: Rule, start: number, from: number, until: number, grain: number): number[] {
  const startSecond = start / 1000
  const startDay = Math.floor(startSecond / 86_400)
  const startTime = new Date(start)
  const sub = ['HOURLY', 'MINUTELY', 'SECONDLY'].indexOf(rule.frequency)
  const hours = rule.hours ?? (sub >= 0 ? null : [startTime.getUTCHours()])
  const minutes = rule.minutes ?? (sub >= 1 ? null : [startTime.getUTCMinutes()])
  const seconds = rule.seconds ?? (sub >= 2 ? null : [startTime.getUTCSeconds()])
  const first = periodOf(rule, startSecond)
  const byPeriod = new Map<number, number[]>()
  for (let day = Math.floor(from / DAY_MS); day * DAY_MS < until; day++) {
    if (!dayFits(rule, day, startDay)) continue
    for (let second = day * 86_400; second < (day + 1) * 86_400; second += grain) {
      const time = second - day * 86_400
      if (hours !== null && !hours.includes(Math.floor(time / 3600))) {
        second += 3600 - grain
        continue
      }
      if (minutes !== null && !minutes.includes(Math.floor(time / 60) % 60)) continue
      if (seconds !== null && !seconds.includes(time % 60)) continue
      const period = periodOf(rule, second)
      if ((((period - first) % rule.interval) + rule.interval) % rule.interval !== 0) continue
      byPeriod.set(period, [...(byPeriod.get(period) ?? []), second * 1000])
    }
  }
  return [...byPeriod.values()]
    .flatMap((list) =>
      list.filter((_, i) => rule.positions?.some((p) => p === i + 1 || p === i - list.length) ?? true),
    )
    .filter((wall) => wall >= start)
    .toSorted((a, b) => a - b)
}

// Rules.

const some = <T>(value: fc.Arbitrary<T>, maxLength = 4): fc.Arbitrary<T[]> =>
  fc.uniqueArray(value, { minLength: 1, maxLength, selector: (each) => JSON.stringify(each) })
const signed = (highest: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min: 1, max: highest }), fc.integer({ min: -highest, max: -1 }))
const maybe = <T>(value: fc.Arbitrary<T>, weight = 2): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight }, { arbitrary: value, weight: 1 })

/** Minutes and seconds in steps of `grain` seconds. */
function rules(frequencies: readonly Frequency[], grain: number): fc.Arbitrary<Rule> {
  const minute = fc.nat(59).map((n) => (grain < 60 ? n : Math.floor(n / (grain / 60)) * (grain / 60)))
  const second = grain < 60 ? fc.nat(59 / grain).map((n) => Math.floor(n) * grain) : fc.constant(0)
  return fc.constantFrom(...frequencies).chain((frequency) => {
    const yearly = frequency === 'YEARLY'
    const never = fc.constant(undefined)
    const fine = frequency === 'MINUTELY' || frequency === 'SECONDLY' || frequency === 'HOURLY'
    const ordinals =
      yearly || frequency === 'MONTHLY' ? fc.constantFrom(0, 0, 1, 2, 5, -1, -2, -5) : fc.constant(0)
    return fc
      .record({
        frequency: fc.constant(frequency),
        interval: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: fine ? 100 : 4 })),
        weekStart: fc.nat(6),
        months: maybe(some(fc.integer({ min: 1, max: 12 }), 5)),
        weekNumbers: yearly ? maybe(some(signed(53)), 3) : never,
        yearDays: yearly || fine ? maybe(some(signed(366), fine ? 200 : 6), 4) : never,
        monthDays: frequency === 'WEEKLY' ? never : maybe(some(signed(31), 8)),
        weekdays: maybe(some(fc.tuple(ordinals, fc.nat(6)))),
        hours: maybe(some(fc.nat(23), fine ? 12 : 3)),
        minutes: maybe(some(minute, 3)),
        seconds: frequency === 'HOURLY' && grain >= 60 ? never : maybe(some(second, 2)),
        positions: maybe(some(signed(6)), 3),
      })
      .map(({ weekNumbers, positions, ...others }): Rule => {
        const numbered = others.weekdays?.some(([ordinal]) => ordinal !== 0) ?? false
        const rule = Object.assign(others, { weekNumbers: numbered ? undefined : weekNumbers })
        // BYSETPOS picks from what other parts give.
        return Object.assign(rule, { positions: text(rule).includes(';BY') ? positions : undefined })
      })
  })
}

function compare(
  rule: Rule,
  dtstart: string,
  from: number,
  until: number,
  grain: number,
  zone: string,
): void {
  const start = Date.parse(`${dtstart}Z`)
  // BYSETPOS wants to see whole years, and local times are up to a day away from UTC.
  const margin = (grain >= 60 ? 400 : 2) * DAY_MS
  const walls = reference(rule, start, from - margin, until + margin, grain)
  const clock = zoneOf(zone)
  const expected = [...new Set(walls.map((wall) => clock.toInstant(wall)))]
    .filter((at) => at !== null)
    .filter((at) => at > from && at < until)
    .toSorted((a, b) => a - b)
  const json = rrule(text(rule), { dtstart, timezone: zone })
  if (expected.length === 0 && checkTrigger(json).some((problem) => problem.rule === 'rrule.neverFires'))
    return
  const trigger = compileTrigger(json)
  expect([...fires(trigger, { after: from, before: until })]).toEqual(expected)
  const backwards = []
  for (let at = trigger.previous(until); at !== null && at > from; at = trigger.previous(at))
    backwards.unshift(at)
  expect(backwards).toEqual(expected)
}

const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Pacific/Apia',
]

describe('a recurrence rule fires exactly when someone who looks at every day would say', () => {
  test('in years, months, weeks and days', () => {
    fc.assert(
      fc.property(
        rules(['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY'], 1800),
        fc.integer({ min: dayNumber(2008, 0, 1), max: dayNumber(2012, 11, 31) }),
        fc.nat(47),
        fc.nat(2000),
        fc.constantFrom(...ZONES),
        (rule, day, half, ahead, zone) => {
          const dtstart = new Date(day * DAY_MS + half * 1_800_000).toISOString().slice(0, 19)
          const from = (day + ahead - 100) * DAY_MS
          compare(rule, dtstart, from, from + 500 * DAY_MS, 1800, zone)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('in hours, minutes and seconds', () => {
    fc.assert(
      fc.property(
        rules(['HOURLY', 'MINUTELY', 'SECONDLY'], 1),
        fc.constantFrom(
          dayNumber(2024, 1, 28),
          dayNumber(2026, 2, 7),
          dayNumber(2026, 9, 24),
          dayNumber(2011, 11, 29),
        ),
        fc.nat(86_399),
        fc.nat(3 * 86_400),
        fc.constantFrom(...ZONES),
        (rule, day, second, ahead, zone) => {
          const dtstart = new Date(day * DAY_MS + second * 1000).toISOString().slice(0, 19)
          const from = (day - 1) * DAY_MS + ahead * 1000
          compare(rule, dtstart, from, from + DAY_MS / 2, 1, zone)
        },
      ),
      { numRuns: 60 },
    )
  })
})

test('the first times are counted, whatever was asked before', () => {
  fc.assert(
    fc.property(
      rules(['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY'], 1800),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.nat(3000), { maxLength: 4 }),
      (rule, count, questions) => {
        const options = { dtstart: '2010-03-05T02:30' }
        const endless = rrule(text(rule), options)
        fc.pre(checkTrigger(endless).length === 0)
        const expected = [...fires(compileTrigger(endless), { after: 0, count: count })]
        const trigger = compileTrigger(rrule(`${text(rule)};COUNT=${count}`, options))
        for (const days of questions) {
          const at = Date.UTC(2010, 0, 1) + days * DAY_MS
          expect(trigger.next(at)).toBe(expected.find((each) => each > at) ?? null)
          expect(trigger.previous(at)).toBe(expected.findLast((each) => each < at) ?? null)
        }
        expect([...fires(trigger, { after: 0 })]).toEqual(expected)
      },
    ),
    { numRuns: 300 },
  )
})
