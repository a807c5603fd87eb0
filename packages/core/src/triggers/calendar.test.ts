import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calendar, type CalendarLength } from './calendar.js'
import { civilFromDays, DAY_MS, daysFromCivil, daysInMonth } from './civil.js'
import { fires } from './fires.js'
import { checkTrigger, compileTrigger } from './registry.js'
import { wallTime, zoneOf } from './zone.js'

const AT = '2000-01-01T00:00:00Z'

function walls(json: ReturnType<typeof calendar>, count: number, after = AT): string[] {
  const zone = zoneOf(json.timezone ?? 'UTC')
  const found = fires(compileTrigger(json), { after: Date.parse(after), count })
  return [...found].map((at) => wallTime(at, zone))
}

describe('a calendar trigger', () => {
  test('takes the last day of a month that is too short, and does not drift', () => {
    expect(walls(calendar({ months: 1 }, { startDate: '2027-12-31', at: '09:00' }), 5)).toEqual([
      '2027-12-31T09:00:00+00:00',
      '2028-01-31T09:00:00+00:00',
      '2028-02-29T09:00:00+00:00',
      '2028-03-31T09:00:00+00:00',
      '2028-04-30T09:00:00+00:00',
    ])
  })

  test('leaves out a month that is too short when told to', () => {
    const json = calendar({ months: 1 }, { startDate: '2027-12-31', at: '09:00', overflow: 'skip' })
    expect(walls(json, 4).map((wall) => wall.slice(0, 7))).toEqual([
      '2027-12',
      '2028-01',
      '2028-03',
      '2028-05',
    ])
  })

  test.each<[CalendarLength, 'clamp' | 'skip', string[]]>([
    [{ years: 1 }, 'clamp', ['2024-02-29', '2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29']],
    [{ years: 1 }, 'skip', ['2024-02-29', '2028-02-29', '2032-02-29', '2036-02-29', '2040-02-29']],
    [{ years: 100 }, 'skip', ['2024-02-29', '2124-02-29', '2224-02-29', '2324-02-29', '2424-02-29']],
    [{ months: 6 }, 'skip', ['2024-02-29', '2024-08-29', '2025-08-29', '2026-08-29', '2027-08-29']],
    [{ weeks: 2 }, 'clamp', ['2024-02-29', '2024-03-14', '2024-03-28', '2024-04-11', '2024-04-25']],
    [{ days: 100 }, 'clamp', ['2024-02-29', '2024-06-08', '2024-09-16', '2024-12-25', '2025-04-04']],
  ])('every %j from 29 February, %s', (every, overflow, expected) => {
    const json = calendar(every, { startDate: '2024-02-29', at: '00:00', overflow })
    expect(walls(json, 5).map((wall) => wall.slice(0, 10))).toEqual(expected)
  })

  test('fires at each of its times, in order, whatever the order that they were written in', () => {
    const json = calendar({ days: 2 }, { startDate: '2026-01-01', at: ['17:00', '09:00:30', '17:00'] })
    expect(walls(json, 3)).toEqual([
      '2026-01-01T09:00:30+00:00',
      '2026-01-01T17:00:00+00:00',
      '2026-01-03T09:00:30+00:00',
    ])
  })

  test('keeps its time on the wall, and fires once at one that the clocks show twice or not at all', () => {
    const json = calendar({ days: 1 }, { startDate: '2026-03-28', at: '02:30', timezone: 'Europe/Berlin' })
    expect(walls(json, 3)).toEqual([
      '2026-03-28T02:30:00+01:00',
      '2026-03-29T03:30:00+02:00',
      '2026-03-30T02:30:00+02:00',
    ])
    expect(walls(json, 2, '2026-10-24T12:00:00Z')).toEqual([
      '2026-10-25T02:30:00+02:00',
      '2026-10-26T02:30:00+01:00',
    ])
    const both = { ...json, dst: { gap: 'skip', overlap: 'both' } } as const
    expect(walls(both, 2)).toEqual(['2026-03-28T02:30:00+01:00', '2026-03-30T02:30:00+02:00'])
    expect(walls(both, 2, '2026-10-24T12:00:00Z')).toEqual([
      '2026-10-25T02:30:00+02:00',
      '2026-10-25T02:30:00+01:00',
    ])
  })

  test('fires as one would count by hand', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: daysFromCivil(2020, 1, 1), max: daysFromCivil(2030, 1, 1) }),
        fc.constantFrom('years', 'months', 'weeks', 'days'),
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        fc.integer({ min: -2000, max: 20_000 }),
        (start, unit, amount, skips, ahead) => {
          const first = civilFromDays(start)
          const days: number[] = []
          for (let n = 0; n < 300; n++) {
            if (unit === 'weeks' || unit === 'days') {
              days.push(start + n * amount * (unit === 'weeks' ? 7 : 1))
              continue
            }
            const months = first.year * 12 + first.month - 1 + n * amount * (unit === 'years' ? 12 : 1)
            const [year, month] = [Math.floor(months / 12), (months % 12) + 1]
            const length = daysInMonth(year, month)
            if (first.day <= length || !skips)
              days.push(daysFromCivil(year, month, Math.min(first.day, length)))
          }
          const trigger = compileTrigger(
            calendar(
              { [unit]: amount },
              {
                startDate: new Date(start * DAY_MS).toISOString().slice(0, 10),
                at: '12:00',
                overflow: skips ? 'skip' : 'clamp',
              },
            ),
          )
          const at = Math.min(start + ahead, days.at(-1)!) * DAY_MS
          const noons = days.map((day) => (day + 0.5) * DAY_MS)
          expect(trigger.next(at - 1)).toBe(noons.find((noon) => noon >= at))
          expect(trigger.previous(at)).toBe(noons.findLast((noon) => noon < at) ?? null)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test.each<[object, string, string]>([
    [{ every: { months: 0 } }, 'every.months', 'calendar.amount'],
    [{ every: { months: 1.5 } }, 'every.months', 'calendar.amount'],
    [{ every: { month: 1 } }, 'every.month', 'field.unknown'],
    [{ every: { months: 1, days: 1 } }, 'every', 'calendar.every'],
    [{ every: {} }, 'every', 'calendar.every'],
    [{ every: undefined }, 'every', 'calendar.every'],
    [{ at: undefined }, 'at', 'time.ofDay'],
    [{ at: '9:00' }, 'at', 'time.ofDay'],
    [{ at: '24:00' }, 'at', 'time.ofDay'],
    [{ at: [] }, 'at', 'calendar.times'],
    [{ at: ['09:00', '25:00'] }, 'at[1]', 'time.ofDay'],
    [{ startDate: '2026-02-29' }, 'startDate', 'date.exists'],
    [{ startDate: '2026-02-28T09:00' }, 'startDate', 'date.exists'],
    [{ timezone: 'Mars' }, 'timezone', 'timezone.known'],
    [{ overflow: 'clam' }, 'overflow', 'calendar.overflow'],
    [{ dst: { gap: 'jump' } }, 'dst.gap', 'dst.gap'],
    [{ on: 1 }, 'on', 'field.unknown'],
  ])('%j is refused at %s by %s', (fields, path, rule) => {
    const json = { kind: 'calendar', every: { months: 1 }, at: '09:00', startDate: '2026-01-31', ...fields }
    expect(checkTrigger(json)).toMatchObject([{ path, rule }])
  })
})
