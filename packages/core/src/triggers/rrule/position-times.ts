import { DAY_MS, type WallMs } from '../civil.js'
import { FIRST_DAY, LAST_DAY, type DayNumber } from '../date.js'
import { indexFrom, indexUntil, type Dates } from '../day-times.js'
import type { WallTimes } from '../wall-times.js'
import type { Periods } from './periods.js'

// Of the period that a search begins in, part may be over.
const LONGEST_PERIOD = 366

/** BYSETPOS in years, months and weeks: the times of each period at some positions. Keeps the period asked for last. */
export class PositionTimes implements WallTimes {
  readonly #days: Dates
  readonly #periods: Periods
  readonly #times: readonly number[]
  readonly #positions: readonly number[]
  #start: DayNumber = Infinity
  #chosen: readonly WallMs[] = []

  /** `days` are all days of the periods, also those of the first period before the rule begins. */
  constructor(days: Dates, periods: Periods, times: readonly number[], positions: readonly number[]) {
    this.#days = days
    this.#periods = periods
    this.#times = times
    this.#positions = positions
  }

  next(wall: WallMs): WallMs {
    const begin = Math.max(Math.floor(wall / DAY_MS), FIRST_DAY)
    const end = Math.min(begin + this.#periods.cycleDays + LONGEST_PERIOD, LAST_DAY)
    for (let from = this.#periods.alignUp(begin); ;) {
      const day = this.#days.from(this.#periods.startOf(from))
      if (day > end) return Infinity
      const chosen = this.#chosenIn(this.#periods.startOf(day))
      const index = indexFrom(chosen, wall)
      if (index < chosen.length) return chosen[index]!
      from = this.#periods.alignUp(this.#periods.endOf(day))
      if (from > end) return Infinity
    }
  }

  previous(wall: WallMs): WallMs {
    const begin = Math.min(Math.floor(wall / DAY_MS), LAST_DAY)
    const end = Math.max(begin - this.#periods.cycleDays - LONGEST_PERIOD, FIRST_DAY)
    for (let until = this.#periods.alignDown(begin); ;) {
      const day = this.#days.until(this.#periods.endOf(until) - 1)
      if (day < end) return -Infinity
      const start = this.#periods.startOf(day)
      const chosen = this.#chosenIn(start)
      const index = indexUntil(chosen, wall)
      if (index >= 0) return chosen[index]!
      until = this.#periods.alignDown(start - 1)
    }
  }

  /** The times of the period that begins on `start`. */
  #chosenIn(start: DayNumber): readonly WallMs[] {
    if (start === this.#start) return this.#chosen
    const end = this.#periods.endOf(start)
    const days: DayNumber[] = []
    for (let day = this.#days.from(start); day < end; day = this.#days.from(day + 1)) days.push(day)
    const count = this.#times.length
    this.#chosen = chosenIndices(this.#positions, days.length * count).map(
      (index) => days[Math.floor(index / count)]! * DAY_MS + this.#times[index % count]!,
    )
    this.#start = start
    return this.#chosen
  }
}

/** The indices that positions mean in a list of some length: rising, each once. */
export function chosenIndices(positions: readonly number[], length: number): readonly number[] {
  const indices = positions
    .map((position) => (position > 0 ? position - 1 : length + position))
    .filter((index) => index >= 0 && index < length)
  return [...new Set(indices)].toSorted((a, b) => a - b)
}
