import { civilFromDays } from './civil.js'
import { FIRST_DAY, firstOfMonth, LAST_DAY, monthIndexOf, type DayNumber } from './date.js'
import type { Dates } from './day-times.js'

/** Every `length` days from `start` on. */
export class DaySteps implements Dates {
  readonly #start: DayNumber
  readonly #length: number

  constructor(start: DayNumber, length: number) {
    this.#start = start
    this.#length = length
  }

  from(day: DayNumber): DayNumber {
    const step = this.#start + Math.max(0, Math.ceil((day - this.#start) / this.#length)) * this.#length
    return step <= LAST_DAY ? step : Infinity
  }

  until(day: DayNumber): DayNumber {
    if (day < this.#start) return -Infinity
    const last = Math.min(day, LAST_DAY)
    return this.#start + Math.floor((last - this.#start) / this.#length) * this.#length
  }
}

/**
 * Every `length` months from `start` on, always counted from there: a day that a month lacks is its last day or, when
 * months are skipped, no day, and the next month has the day of `start` again.
 */
export class MonthSteps implements Dates {
  readonly #month: number
  readonly #day: number
  readonly #length: number
  readonly #skips: boolean

  constructor(start: DayNumber, length: number, skips: boolean) {
    this.#month = monthIndexOf(start)
    this.#day = civilFromDays(start).day
    this.#length = length
    this.#skips = skips
  }

  from(day: DayNumber): DayNumber {
    const distance = monthIndexOf(clamped(day)) - this.#month
    for (let n = Math.max(0, Math.ceil(distance / this.#length)); ; n++) {
      const step = this.#step(n)
      if (step > LAST_DAY) return Infinity
      if (step >= day) return step
    }
  }

  until(day: DayNumber): DayNumber {
    const distance = monthIndexOf(clamped(day)) - this.#month
    for (let n = Math.floor(distance / this.#length); n >= 0; n--) {
      const step = this.#step(n)
      if (step <= day) return step
    }
    return -Infinity
  }

  /** The date of the n-th step; NaN, which is neither before nor after anything, for a month that is skipped. */
  #step(n: number): DayNumber {
    const month = this.#month + n * this.#length
    const first = firstOfMonth(month)
    const length = firstOfMonth(month + 1) - first
    if (this.#day <= length) return first + this.#day - 1
    return this.#skips && first <= LAST_DAY ? Number.NaN : first + length - 1
  }
}

/** Civil arithmetic wants numbers that are finite. */
function clamped(day: DayNumber): DayNumber {
  return Math.max(Math.min(day, LAST_DAY), FIRST_DAY)
}
