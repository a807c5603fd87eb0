import type { Clock, EpochMs } from '../../domain/clock.js'

/** The store's clock: that of the machine, except that it never goes back. */
export class StoreClock {
  readonly #clock: Clock
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): EpochMs {
    this.#last = Math.max(this.#last, this.#clock.now())
    return this.#last
  }
}
