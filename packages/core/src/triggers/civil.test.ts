import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { civilFromDays, DAY_MS, daysFromCivil, daysInMonth, FIRST_INSTANT, LAST_INSTANT } from './civil.js'

test('dates and days since 1970 agree with Date for every year that triggers know', () => {
  const days = fc.integer({ min: FIRST_INSTANT / DAY_MS, max: Math.floor(LAST_INSTANT / DAY_MS) })
  fc.assert(
    fc.property(days, (day) => {
      const date = new Date(day * DAY_MS)
      const expected = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
      expect(civilFromDays(day)).toEqual(expected)
      expect(daysFromCivil(expected.year, expected.month, expected.day)).toBe(day)
    }),
    { numRuns: 2000 },
  )
})

test('a month is as long as the calendar says', () => {
  expect([2023, 2024, 1900, 2000].map((year) => daysInMonth(year, 2))).toEqual([28, 29, 28, 29])
  expect([1, 4, 12].map((month) => daysInMonth(2026, month))).toEqual([31, 30, 31])
})
