import { civilFromDays } from './civil.js'
import { FIRST_DAY, firstOfMonth, LAST_DAY, monthIndexOf, weekdayOf, type DayNumber } from './date.js'

/** Both ends included. */
export interface DateRange {
  readonly from: DayNumber
  readonly to: DayNumber
}

interface DateSetParts {
  readonly ranges: readonly DateRange[]
  /** Bit 0 for Sunday. */
  readonly weekdays: number
  /** Per month, bit 0 for its first day; empty when no day comes every year. */
  readonly yearly: readonly number[]
}

// Weekdays and days of the year come again after 400 years, which are whole weeks: whoever finds none by then never will.
const CYCLE_DAYS = 146_097
// 29 February may be eight years away.
const YEARLY_MONTHS = 8 * 12 + 1

/** Calendar dates: listed ones, weekdays and days of every year. */
export class DateSet {
  readonly #ranges: readonly DateRange[]
  readonly #weekdays: number
  readonly #yearly: readonly number[]

  constructor({ ranges, weekdays, yearly }: DateSetParts) {
    this.#ranges = merged(ranges)
    this.#weekdays = weekdays
    this.#yearly = yearly
  }

  has(day: DayNumber): boolean {
    return this.#hasAgain(day) || this.#rangeOf(day) !== null
  }

  /** The first member on or after a date, or Infinity. */
  from(day: DayNumber): DayNumber {
    const start = Math.max(day, FIRST_DAY)
    const range = this.#ranges[this.#indexFrom(start)]
    const listed = range === undefined ? Infinity : Math.max(range.from, start)
    let weekly = Infinity
    for (let i = 6; i >= 0; i--) if (this.#hasWeekday(start + i)) weekly = start + i
    return within(Math.min(listed, weekly, this.#yearlyFrom(start)))
  }

  /** The last member on or before a date, or −Infinity. */
  until(day: DayNumber): DayNumber {
    const end = Math.min(day, LAST_DAY)
    const after = this.#indexFrom(end)
    const range = this.#ranges[after] !== undefined && this.#ranges[after].from <= end ? after : after - 1
    const listed = range < 0 ? -Infinity : Math.min(this.#ranges[range]!.to, end)
    let weekly = -Infinity
    for (let i = 6; i >= 0; i--) if (this.#hasWeekday(end - i)) weekly = end - i
    return within(Math.max(listed, weekly, this.#yearlyUntil(end)))
  }

  /** The first date on or after this one that is no member, or Infinity. */
  outsideFrom(day: DayNumber): DayNumber {
    let at = day
    for (let i = 0; i < CYCLE_DAYS && at <= LAST_DAY; i++) {
      const range = this.#rangeOf(at)
      if (range !== null) at = range.to + 1
      else if (this.#hasAgain(at)) at++
      else return at
    }
    return Infinity
  }

  /** The last date on or before this one that is no member, or −Infinity. */
  outsideUntil(day: DayNumber): DayNumber {
    let at = day
    for (let i = 0; i < CYCLE_DAYS && at >= FIRST_DAY; i++) {
      const range = this.#rangeOf(at)
      if (range !== null) at = range.from - 1
      else if (this.#hasAgain(at)) at--
      else return at
    }
    return -Infinity
  }

  /** What is in either. */
  with(other: DateSet): DateSet {
    return new DateSet({
      ranges: [...this.#ranges, ...other.#ranges],
      weekdays: this.#weekdays | other.#weekdays,
      yearly: Array.from({ length: 12 }, (_, i) => (this.#yearly[i] ?? 0) | (other.#yearly[i] ?? 0)),
    })
  }

  #hasWeekday(day: DayNumber): boolean {
    return (this.#weekdays & (1 << weekdayOf(day))) !== 0
  }

  /** By a rule that comes again for ever. */
  #hasAgain(day: DayNumber): boolean {
    if (this.#hasWeekday(day)) return true
    if (this.#yearly.length === 0) return false
    const date = civilFromDays(day)
    return (this.#yearly[date.month - 1]! & (1 << (date.day - 1))) !== 0
  }

  #rangeOf(day: DayNumber): DateRange | null {
    const range = this.#ranges[this.#indexFrom(day)]
    return range !== undefined && range.from <= day ? range : null
  }

  /** Of the first range that ends on or after a date. */
  #indexFrom(day: DayNumber): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ranges[middle]!.to < day) low = middle + 1
      else high = middle
    }
    return low
  }

  #yearlyFrom(day: DayNumber): DayNumber {
    if (this.#yearly.length === 0) return Infinity
    const month = monthIndexOf(day)
    for (let i = month; i <= month + YEARLY_MONTHS; i++) {
      const first = firstOfMonth(i)
      const found = [...this.#daysOf(i)].find((each) => first + each >= day)
      if (found !== undefined) return first + found
    }
    return Infinity
  }

  #yearlyUntil(day: DayNumber): DayNumber {
    if (this.#yearly.length === 0) return -Infinity
    const month = monthIndexOf(day)
    for (let i = month; i >= month - YEARLY_MONTHS; i--) {
      const first = firstOfMonth(i)
      const found = [...this.#daysOf(i)].findLast((each) => first + each <= day)
      if (found !== undefined) return first + found
    }
    return -Infinity
  }

  /** The days that come every year, of a month that is counted from the year 0; 0 for its first. */
  *#daysOf(month: number): Generator<number, void, undefined> {
    const days = this.#yearly[month % 12]!
    const length = firstOfMonth(month + 1) - firstOfMonth(month)
    for (let i = 0; i < length; i++) if ((days & (1 << i)) !== 0) yield i
  }
}

function merged(ranges: readonly DateRange[]): DateRange[] {
  const result: DateRange[] = []
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last === undefined || range.from > last.to + 1) result.push(range)
    else if (range.to > last.to) result[result.length - 1] = { from: last.from, to: range.to }
  }
  return result
}

function within(day: DayNumber): DayNumber {
  return day > LAST_DAY ? Infinity : day < FIRST_DAY ? -Infinity : day
}
