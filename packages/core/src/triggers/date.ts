import { InvalidError } from '../domain/errors.js'
import { civilFromDays, daysFromCivil, daysInMonth, SECOND_MS } from './civil.js'
import { quote } from './problems.js'

/** A calendar date, as days since 1970-01-01. */
export type DayNumber = number

/** Wall clocks are up to a day away from UTC, whose years are 1 to 9999. */
export const FIRST_DAY: DayNumber = daysFromCivil(1, 1, 1) - 1
export const LAST_DAY: DayNumber = daysFromCivil(9999, 12, 31) + 1

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/
const TIME_OF_DAY = /^(\d\d):(\d\d)(?::(\d\d))?$/

/** @throws {InvalidError} INVALID_TRIGGER with a problem at `field`, for anything but a date that exists. */
export function readDate(field: string, value: unknown): DayNumber {
  const match = typeof value === 'string' ? DATE.exec(value) : null
  if (match !== null) {
    const [year, month, day] = match.slice(1).map(Number) as [number, number, number]
    if (year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)) {
      return daysFromCivil(year, month, day)
    }
  }
  throw new InvalidError('INVALID_TRIGGER', [
    {
      path: field,
      rule: 'date.exists',
      message: `${field} must be a date that exists, such as "2026-12-25", but was ${quote(value)}`,
    },
  ])
}

/** `09:00` or `09:00:30` as milliseconds since midnight. @throws {InvalidError} INVALID_TRIGGER with a problem at `field`. */
export function readTimeOfDay(field: string, value: unknown): number {
  const match = typeof value === 'string' ? TIME_OF_DAY.exec(value) : null
  if (match !== null) {
    const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)]
    if (hour <= 23 && minute <= 59 && second <= 59) {
      return ((hour * 60 + minute) * 60 + second) * SECOND_MS
    }
  }
  throw new InvalidError('INVALID_TRIGGER', [
    {
      path: field,
      rule: 'time.ofDay',
      message: `${field} must be a time of day such as "09:00" or "23:59:30", but was ${quote(value)}`,
    },
  ])
}

/** 0 for Sunday to 6 for Saturday. */
export function weekdayOf(day: DayNumber): number {
  // 1970-01-01 was a Thursday. The day may lie long before it.
  return (((day + 4) % 7) + 7) % 7
}

/** Months since the year 0, so that neighbouring months differ by one. */
export function monthIndexOf(day: DayNumber): number {
  const { year, month } = civilFromDays(day)
  return year * 12 + month - 1
}

/** The first day of a month that is counted as in {@link monthIndexOf}. */
export function firstOfMonth(monthIndex: number): DayNumber {
  return daysFromCivil(Math.floor(monthIndex / 12), (((monthIndex % 12) + 12) % 12) + 1, 1)
}
