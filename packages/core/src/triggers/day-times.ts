import { DAY_MS, type WallMs } from './civil.js'
import type { DayNumber } from './date.js'
import type { WallTimes } from './wall-times.js'

/** Calendar dates in order. Pure, like a trigger. */
export interface Dates {
  /** The first one on or after `day`; Infinity beyond the years that triggers know. */
  from(day: DayNumber): DayNumber
  /** The last one on or before `day`; −Infinity before the first. */
  until(day: DayNumber): DayNumber
}

/** The same times on each of some dates. */
export class DayTimes implements WallTimes {
  readonly #dates: Dates
  readonly #times: readonly number[]

  /** `times` are milliseconds since midnight, rising, at least one. */
  constructor(dates: Dates, times: readonly number[]) {
    this.#dates = dates
    this.#times = times
  }

  next(wall: WallMs): WallMs {
    const today = Math.floor(wall / DAY_MS)
    let day = this.#dates.from(today)
    if (day === today) {
      const index = indexFrom(this.#times, wall - today * DAY_MS)
      if (index < this.#times.length) return day * DAY_MS + this.#times[index]!
      day = this.#dates.from(today + 1)
    }
    return day * DAY_MS + this.#times[0]!
  }

  previous(wall: WallMs): WallMs {
    const today = Math.floor(wall / DAY_MS)
    let day = this.#dates.until(today)
    if (day === today) {
      const index = indexUntil(this.#times, wall - today * DAY_MS)
      if (index >= 0) return day * DAY_MS + this.#times[index]!
      day = this.#dates.until(today - 1)
    }
    return day * DAY_MS + this.#times.at(-1)!
  }
}

/** Of the first value of a rising list that is at least `value`; its length when there is none. */
export function indexFrom(list: readonly number[], value: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (list[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Of the last value of a rising list that is at most `value`; −1 when there is none. */
export function indexUntil(list: readonly number[], value: number): number {
  const index = indexFrom(list, value)
  return list[index] === value ? index : index - 1
}
