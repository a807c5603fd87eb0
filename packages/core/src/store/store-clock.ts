import type { Clock, EpochMs } from '../domain/clock.js'

/** How fast time goes while the wall clock is behind what was already told. */
const CATCHING_UP_RATE = 0.5

/**
 * The clock of a store that lives on this machine. It follows the wall clock, but never goes back: when the wall clock
 * was set back, time goes on at half its speed until the wall clock has caught up. So nothing fires twice, and
 * nothing stands still.
 */
export class StoreClock {
  readonly #clock: Clock
  /** The last moment at which the wall clock was followed, on both clocks. */
  #followed = -Infinity
  #followedAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): EpochMs {
    const wall = this.#clock.now()
    const monotonic = this.#clock.monotonic()
    const slowed = this.#followed + (monotonic - this.#followedAt) * CATCHING_UP_RATE
    if (wall < slowed) return Math.floor(slowed)
    this.#followed = wall
    this.#followedAt = monotonic
    return wall
  }
}
