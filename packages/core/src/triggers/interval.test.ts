import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { interval, type IntervalLength } from './interval.js'
import { fires } from './fires.js'
import { checkTrigger, compileTrigger } from './registry.js'

const instant = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2200, 0, 1) })

describe('an interval', () => {
  test('fires at its start and at exact multiples after it', () => {
    const trigger = compileTrigger(
      interval({ minutes: 1, seconds: 30 }, { start: '2026-01-01T00:00:05+08:00' }),
    )
    const found = [...fires(trigger, { after: 0, count: 3 })].map((at) => new Date(at).toISOString())
    expect(found).toEqual([
      '2025-12-31T16:00:05.000Z',
      '2025-12-31T16:01:35.000Z',
      '2025-12-31T16:03:05.000Z',
    ])
  })

  test('without a start counts from 1970, and fires never before', () => {
    const trigger = compileTrigger(interval({ seconds: 30 }))
    expect(trigger.next(Date.UTC(1960, 0, 1))).toBe(0)
    expect(trigger.next(Date.UTC(2026, 0, 1) + 1)).toBe(Date.UTC(2026, 0, 1) + 30_000)
  })

  test('is real time: a day is 24 hours', () => {
    const trigger = compileTrigger(interval({ days: 1 }, { start: '2026-03-28T02:30:00+01:00' }))
    expect(trigger.next(Date.parse('2026-03-28T02:30:00+01:00'))).toBe(
      Date.parse('2026-03-29T03:30:00+02:00'),
    )
  })

  test('goes on by its length from wherever one asks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), instant, instant, (everyMs, start, after) => {
        const trigger = compileTrigger(interval({ milliseconds: everyMs }, { start: new Date(start) }))
        const at = trigger.next(after)!
        expect(at).toBeGreaterThan(after)
        expect((at - start) % everyMs).toBe(0)
        expect(at === start || at - everyMs <= after).toBe(true)
        expect(at).toBeGreaterThanOrEqual(start)
        expect(trigger.next(at)).toBe(at + everyMs)
        expect(trigger.next(at - 1)).toBe(at)
        expect(trigger.previous(at + 1)).toBe(at)
        expect(trigger.previous(at)).toBe(at === start ? null : at - everyMs)
      }),
    )
  })

  test('counts what an enumeration would', () => {
    const near = fc.integer({ min: -500, max: 500 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90 }), near, near, near, (everyMs, start, after, until) => {
        const trigger = compileTrigger(interval({ milliseconds: everyMs }, { start: new Date(start) }))
        expect(trigger.count!(after, until)).toBe([...fires(trigger, { after, before: until + 1 })].length)
      }),
    )
  })

  test('counts as far as it fires, to the year 9999', () => {
    const trigger = compileTrigger(interval({ weeks: 1 }))
    expect(trigger.count!(0, Infinity)).toBe(Math.floor(Date.UTC(10_000, 0, 1) / (7 * 86_400_000)))
  })

  test('after completion fires its length after the instant asked about, and says so', () => {
    const trigger = compileTrigger(interval({ minutes: 5 }, { after: 'completion' }))
    expect(trigger.afterCompletion).toBe(true)
    expect(trigger.next(1000)).toBe(301_000)
    expect(trigger.next(1000.5)).toBe(301_000)
    expect(trigger.previous(301_000)).toBe(1000)
    expect(compileTrigger(interval({ minutes: 5 })).afterCompletion).toBeUndefined()
  })

  test('after completion fires first at its start, and stops at its end', () => {
    const json = interval({ minutes: 5 }, { after: 'completion', start: new Date(60_000) })
    const trigger = compileTrigger({ ...json, end: new Date(700_000).toISOString() })
    expect(trigger.afterCompletion).toBe(true)
    expect([trigger.next(0), trigger.next(59_999), trigger.next(60_000)]).toEqual([60_000, 60_000, 360_000])
    expect([trigger.next(400_000), trigger.next(400_001)]).toEqual([700_000, null])
  })

  test('after something else than completion is refused', () => {
    expect(checkTrigger({ kind: 'interval', every: { days: 1 }, after: 'start' })).toEqual([
      {
        path: 'after',
        rule: 'interval.after',
        message: 'after must be "completion", or left out to count from the start, but was "start"',
      },
    ])
  })

  test('leaves the object that it was given alone', () => {
    const every = { seconds: 5 }
    const json = interval(every)
    every.seconds = 6
    expect(json.every).toEqual({ seconds: 5 })
  })

  test.each<[unknown, string, string, string]>([
    [
      { seconds: 0 },
      'every.seconds',
      'interval.positive',
      'every must be at least 1 millisecond in all, but was {"seconds":0}',
    ],
    [
      { hours: 0, days: 0 },
      'every',
      'interval.positive',
      'every must be at least 1 millisecond in all, but was {"hours":0,"days":0}',
    ],
    [{}, 'every', 'interval.positive', 'every must be at least 1 millisecond in all, but was {}'],
    [
      { seconds: -5 },
      'every.seconds',
      'interval.positive',
      'every.seconds must be a whole number of at least 0, but was -5',
    ],
    [
      { hours: 1.5 },
      'every.hours',
      'interval.positive',
      'every.hours must be a whole number of at least 0, but was 1.5',
    ],
    [
      { days: '1' },
      'every.days',
      'interval.positive',
      'every.days must be a whole number of at least 0, but was "1"',
    ],
    [
      { second: 5 },
      'every.second',
      'field.unknown',
      'every has no field "second" (it has weeks, days, hours, minutes, seconds, milliseconds); did you mean "seconds"?',
    ],
    [
      { weeks: 9e9, days: 1 },
      'every',
      'interval.range',
      'every must be at most 9007199254740991 milliseconds in all, but was {"weeks":9000000000,"days":1}',
    ],
    [
      '30s',
      'every',
      'interval.units',
      'every must be an object of weeks, days, hours, minutes, seconds, milliseconds, such as {"seconds":30}, but was "30s"',
    ],
  ])('every %j is refused', (every, path, rule, message) => {
    expect(checkTrigger({ kind: 'interval', every })).toEqual([{ path, rule, message }])
  })

  test('refuses a start without an offset', () => {
    expect(
      checkTrigger(interval({ days: 1 } satisfies IntervalLength, { start: '2026-01-01T00:00:00' })),
    ).toEqual([
      {
        path: 'start',
        rule: 'time.instant',
        message:
          'start must be a time of ISO 8601 with its offset from UTC, such as "2026-12-01T09:00:00Z" or ' +
          '"2026-12-01T09:00:00+08:00", but was "2026-01-01T00:00:00"',
      },
    ])
  })
})
