import type { WallMs } from '../civil.js'
import { indexFrom, indexUntil } from '../day-times.js'
import type { WallTimes } from '../wall-times.js'

/** Times that are listed one by one. */
export class ListedTimes implements WallTimes {
  readonly #times: readonly WallMs[]

  constructor(times: readonly WallMs[]) {
    this.#times = times.toSorted((a, b) => a - b)
  }

  next(wall: WallMs): WallMs {
    return this.#times[indexFrom(this.#times, wall)] ?? Infinity
  }

  previous(wall: WallMs): WallMs {
    return this.#times[indexUntil(this.#times, wall)] ?? -Infinity
  }
}

/** All times but some. */
export class TimesWithout implements WallTimes {
  readonly #times: WallTimes
  readonly #without: ReadonlySet<WallMs>

  constructor(times: WallTimes, without: Iterable<WallMs>) {
    this.#times = times
    this.#without = new Set(without)
  }

  next(wall: WallMs): WallMs {
    let time = this.#times.next(wall)
    while (this.#without.has(time)) time = this.#times.next(time + 1)
    return time
  }

  previous(wall: WallMs): WallMs {
    let time = this.#times.previous(wall)
    while (this.#without.has(time)) time = this.#times.previous(time - 1)
    return time
  }
}

/** The times from `first` to `last`, both included. */
export class TimesBetween implements WallTimes {
  readonly #times: WallTimes
  readonly #first: WallMs
  readonly #last: WallMs

  constructor(times: WallTimes, first: WallMs, last: WallMs) {
    this.#times = times
    this.#first = first
    this.#last = last
  }

  next(wall: WallMs): WallMs {
    if (wall > this.#last) return Infinity
    const time = this.#times.next(Math.max(wall, this.#first))
    return time <= this.#last ? time : Infinity
  }

  previous(wall: WallMs): WallMs {
    if (wall < this.#first) return -Infinity
    const time = this.#times.previous(Math.min(wall, this.#last))
    return time >= this.#first ? time : -Infinity
  }
}

/**
 * The first `count` of the times. Counts from the beginning as far as it was asked, once: what was counted is kept, so
 * that the answers stay those of a pure function and a schedule that moves forward counts each time once.
 */
export class CountedTimes implements WallTimes {
  readonly #times: WallTimes
  readonly #count: number
  #counted = 0
  #reached: WallMs = -Infinity

  constructor(times: WallTimes, count: number) {
    this.#times = times
    this.#count = count
  }

  next(wall: WallMs): WallMs {
    const time = this.#times.next(wall)
    this.#countTo(time)
    return time <= this.#reached ? time : Infinity
  }

  previous(wall: WallMs): WallMs {
    this.#countTo(wall)
    return this.#times.previous(Math.min(wall, this.#reached))
  }

  #countTo(wall: WallMs): void {
    while (this.#reached < wall && this.#counted < this.#count) {
      const time = this.#times.next(this.#reached + 1)
      if (time === Infinity) return
      this.#reached = time
      this.#counted++
    }
  }
}
