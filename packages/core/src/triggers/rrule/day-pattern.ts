import { civilFromDays, daysFromCivil, daysInMonth } from '../civil.js'
import { weekdayOf, type DayNumber } from '../date.js'
import type { NthWeekday, RecurrenceRule } from './rule.js'

const ANY_MONTH = 0b1_1111_1111_1110

/**
 * Which days the BY parts of a rule allow, month by month. Every part narrows, also where RFC 5545 says that it expands: a
 * period without parts has all its days, and the days of several parts are those that all of them name. What a rule leaves
 * open, its first time decides.
 */
export class DayPattern {
  readonly #months: number
  readonly #monthDays: readonly number[] | null
  readonly #yearDays: readonly number[] | null
  readonly #weekNumbers: readonly number[] | null
  readonly #weekdays: readonly NthWeekday[] | null
  readonly #weekStart: number
  /** Whether the weekdays are numbered within the year, and not within the month. */
  readonly #inYear: boolean

  constructor(rule: RecurrenceRule, start: DayNumber) {
    const { frequency, months, monthDays, yearDays, weekNumbers, weekdays } = rule
    const { month, day } = civilFromDays(start)
    const isOpen = monthDays === null && yearDays === null && weekdays === null
    const isBare = isOpen && weekNumbers === null
    const onDay = isBare && (frequency === 'YEARLY' || frequency === 'MONTHLY')
    const onWeekday = isOpen && (frequency === 'WEEKLY' || weekNumbers !== null)
    this.#months = maskOf(months ?? (onDay && frequency === 'YEARLY' ? [month] : null))
    this.#monthDays = onDay ? [day] : monthDays
    this.#yearDays = yearDays
    this.#weekNumbers = weekNumbers
    this.#weekdays = onWeekday ? [{ weekday: weekdayOf(start), ordinal: 0 }] : weekdays
    this.#weekStart = rule.weekStart
    this.#inYear = frequency === 'YEARLY' && months === null
  }

  /** The days of a month as bits, bit 0 for its first. `month` is 1 to 12. */
  daysOf(year: number, month: number): number {
    if ((this.#months & (1 << month)) === 0) return 0
    const first = daysFromCivil(year, month, 1)
    const length = daysInMonth(year, month)
    let days = 2 ** length - 1
    if (this.#monthDays !== null) days &= byNumber(this.#monthDays, 0, length)
    if (this.#yearDays !== null || this.#inYear) {
      const yearStart = daysFromCivil(year, 1, 1)
      const yearLength = daysFromCivil(year + 1, 1, 1) - yearStart
      if (this.#yearDays !== null) days &= byNumber(this.#yearDays, yearStart - first, yearLength)
      if (this.#inYear && this.#weekdays !== null) {
        days &= byWeekday(this.#weekdays, first, yearStart - first, yearLength)
      }
    }
    if (!this.#inYear && this.#weekdays !== null) days &= byWeekday(this.#weekdays, first, 0, length)
    if (this.#weekNumbers !== null) days &= this.#byWeekNumber(this.#weekNumbers, first, length)
    return days
  }

  /** Week 1 is the first with four days in the year. A week belongs to the year in which most of it lies. */
  #byWeekNumber(numbers: readonly number[], first: DayNumber, length: number): number {
    let days = 0
    for (let week = this.#weekOf(first); week < first + length; week += 7) {
      const { year } = civilFromDays(week + 3)
      const one = this.#weekOf(daysFromCivil(year, 1, 4))
      const number = (week - one) / 7 + 1
      const count = (this.#weekOf(daysFromCivil(year + 1, 1, 4)) - one) / 7
      if (numbers.includes(number) || numbers.includes(number - count - 1)) days |= bits(week - first, 7)
    }
    return days
  }

  /** The day on which the week of a date begins. */
  #weekOf(day: DayNumber): DayNumber {
    return day - ((weekdayOf(day) - this.#weekStart + 7) % 7)
  }
}

function maskOf(months: readonly number[] | null): number {
  return months === null ? ANY_MONTH : months.reduce((mask, month) => mask | (1 << month), 0)
}

/** Numbered days of a stretch, as bits of a month. `offset` is where the stretch begins, in days from the first bit. */
function byNumber(numbers: readonly number[], offset: number, length: number): number {
  let days = 0
  for (const number of numbers) {
    if (Math.abs(number) <= length) days |= bits(offset + (number > 0 ? number - 1 : length + number), 1)
  }
  return days
}

function byWeekday(
  weekdays: readonly NthWeekday[],
  first: DayNumber,
  offset: number,
  length: number,
): number {
  let days = 0
  for (const { weekday, ordinal } of weekdays) {
    if (ordinal === 0) {
      for (let i = (weekday - weekdayOf(first) + 7) % 7; i < 31; i += 7) days |= bits(i, 1)
      continue
    }
    const start = (weekday - weekdayOf(first + offset) + 7) % 7
    const last = start + Math.floor((length - 1 - start) / 7) * 7
    const index = ordinal > 0 ? start + (ordinal - 1) * 7 : last + (ordinal + 1) * 7
    if (index >= 0 && index < length) days |= bits(offset + index, 1)
  }
  return days
}

/** `count` bits from bit `from` on, those of them that are 0 to 30. */
function bits(from: number, count: number): number {
  let mask = 0
  for (let i = Math.max(from, 0); i < Math.min(from + count, 31); i++) mask |= 1 << i
  return mask
}
