import { civilFromDays, daysFromCivil, daysInMonth } from '../civil.js'
import { nextBit, previousBit } from '../cron/fields.js'
import { FIRST_DAY, LAST_DAY, type DayNumber } from '../date.js'
import type { Dates } from '../day-times.js'
import type { DayPattern } from './day-pattern.js'
import type { Periods } from './periods.js'

/** The days of a rule that its pattern allows and that lie in its periods. Keeps the month that was asked for last. */
export class RuleDays implements Dates {
  readonly #pattern: DayPattern
  readonly #periods: Periods
  readonly #first: DayNumber
  #monthStart = 0
  #monthEnd = 0
  #days = 0

  /** None lies before `first`. */
  constructor(pattern: DayPattern, periods: Periods, first: DayNumber) {
    this.#pattern = pattern
    this.#periods = periods
    this.#first = first
  }

  from(day: DayNumber): DayNumber {
    let at = Math.max(day, this.#first, FIRST_DAY)
    const end = Math.min(at + this.#periods.cycleDays, LAST_DAY)
    for (;;) {
      at = this.#periods.alignUp(at)
      if (at > end) return Infinity
      this.#keepMonthOf(at)
      const bit = nextBit(this.#days, at - this.#monthStart)
      if (bit === -1) at = this.#monthEnd
      else {
        const found = this.#monthStart + bit
        at = this.#periods.alignUp(found)
        if (at === found) return at
      }
    }
  }

  until(day: DayNumber): DayNumber {
    let at = Math.min(day, LAST_DAY)
    const end = Math.max(at - this.#periods.cycleDays, this.#first)
    for (;;) {
      if (at < end) return -Infinity
      at = this.#periods.alignDown(at)
      if (at < end) return -Infinity
      this.#keepMonthOf(at)
      const bit = previousBit(this.#days, at - this.#monthStart)
      if (bit === -1) at = this.#monthStart - 1
      else {
        const found = this.#monthStart + bit
        at = this.#periods.alignDown(found)
        if (at === found) return at < end ? -Infinity : at
      }
    }
  }

  #keepMonthOf(day: DayNumber): void {
    if (day >= this.#monthStart && day < this.#monthEnd) return
    const { year, month } = civilFromDays(day)
    this.#monthStart = daysFromCivil(year, month, 1)
    this.#monthEnd = this.#monthStart + daysInMonth(year, month)
    this.#days = this.#pattern.daysOf(year, month)
  }
}
