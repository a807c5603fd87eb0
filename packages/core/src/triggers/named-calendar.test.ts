import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calendarNames } from './calendar-names.js'
import { DAY_MS } from './civil.js'
import { checkCalendar, compileCalendar } from './named-calendar.js'

const iso = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)
const dayOf = (date: string): number => Date.parse(date) / DAY_MS
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

describe('a named calendar', () => {
  test('has the days that any of its fields names', () => {
    const calendar = compileCalendar({
      name: 'closed',
      description: 'When nobody is here',
      dates: ['2026-05-01'],
      weekdays: ['SUN'],
      ranges: [{ from: '2026-08-01', to: '2026-08-14' }],
      yearly: ['12-25', '02-29'],
    })
    expect(calendar.name).toBe('closed')
    const has = ['2026-05-01', '2026-08-01', '2026-08-14', '2026-11-29', '2031-12-25', '2028-02-29']
    const hasNot = ['2027-05-01', '2026-07-31', '2026-08-15', '2026-11-28', '2026-12-24', '2027-03-01']
    expect(has.map((date) => calendar.has(dayOf(date)))).toEqual(has.map(() => true))
    expect(hasNot.map((date) => calendar.has(dayOf(date)))).toEqual(hasNot.map(() => false))
  })

  test('finds its days and the others in both directions as a walk would', () => {
    const near = fc.integer({ min: dayOf('2027-12-01'), max: dayOf('2028-04-01') })
    const someRange = fc
      .tuple(near, fc.nat(20))
      .map(([from, length]) => ({ from: iso(from), to: iso(from + length) }))
    const definition = fc.record({
      dates: fc.array(near.map(iso), { maxLength: 6 }),
      ranges: fc.array(someRange, { maxLength: 4 }),
      weekdays: fc.subarray(WEEKDAYS, { maxLength: 5 }),
      yearly: fc.subarray(['01-01', '02-28', '02-29', '03-01', '12-31'], { maxLength: 4 }),
    })
    fc.assert(
      fc.property(definition, near, (fields, day) => {
        const calendar = compileCalendar({ name: 'any', ...fields })
        const { days } = calendar
        const has = (at: number): boolean => calendar.has(at)
        const walk = (step: 1 | -1, wanted: boolean): number | null => {
          for (let at = day; Math.abs(at - day) < 3000; at += step) if (has(at) === wanted) return at
          return null
        }
        const finite = (found: number): number | null => (Math.abs(found - day) < 3000 ? found : null)
        expect(finite(days.from(day))).toBe(walk(1, true))
        expect(finite(days.until(day))).toBe(walk(-1, true))
        expect(finite(days.outsideFrom(day))).toBe(walk(1, false))
        expect(finite(days.outsideUntil(day))).toBe(walk(-1, false))
        const named = (date: string): boolean =>
          fields.dates.includes(date) ||
          fields.ranges.some(({ from, to }) => date >= from && date <= to) ||
          fields.weekdays.includes(WEEKDAYS[new Date(date).getUTCDay()]!) ||
          fields.yearly.includes(date.slice(5))
        expect(has(day)).toBe(named(iso(day)))
      }),
      { numRuns: 2000 },
    )
  })

  test.each<[unknown, string, string]>([
    [null, '', 'calendar.object'],
    [{}, 'name', 'calendar.name'],
    [{ name: 'a b' }, 'name', 'calendar.name'],
    [{ name: 'a', description: 5 }, 'description', 'calendar.description'],
    [{ name: 'a', yearly: ['13-01'] }, 'yearly[0]', 'dates.yearly'],
    [{ name: 'a', yearly: ['02-30'] }, 'yearly[0]', 'dates.yearly'],
    [{ name: 'a', dates: ['tomorrow'] }, 'dates[0]', 'date.exists'],
    [{ name: 'a', dates: Array(5001).fill('2026-01-01') }, 'dates', 'dates.list'],
    [{ name: 'a', weekday: [] }, 'weekday', 'field.unknown'],
  ])('%j is refused at %j by %s', (definition, path, rule) => {
    expect(checkCalendar(definition)).toMatchObject([{ path, rule }])
    expect(() => compileCalendar(definition)).toThrow(expect.objectContaining({ code: 'INVALID_CALENDAR' }))
  })

  test('that is good has no problems', () => {
    expect(checkCalendar({ name: 'holidays-de', yearly: ['12-25'] })).toEqual([])
  })

  test('says what it has when a field is misspelt', () => {
    expect(checkCalendar({ name: 'a', weekday: [] })[0]!.message).toBe(
      'The calendar has no field "weekday" (it has name, description, dates, weekdays, ranges, yearly); did you mean "weekdays"?',
    )
  })
})

describe('the calendars of a trigger', () => {
  test('are found however deep, each once', () => {
    const with_ = (calendar: string): object => ({ kind: 'cron', exclude: { calendar } })
    expect(
      calendarNames({
        ...with_('b'),
        kind: 'any',
        triggers: [with_('a'), { kind: 'all', triggers: [with_('c'), with_('a')] }],
      }),
    ).toEqual(['a', 'b', 'c'])
  })

  test.each([
    null,
    'text',
    {},
    { exclude: 5 },
    { exclude: { calendar: 5 } },
    { triggers: [undefined, 5, null] },
  ])('of %j are none', (json) => {
    expect(calendarNames(json)).toEqual([])
  })
})
