import type { Clock, EpochMs } from '../domain/clock.js'

interface Timer {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

/**
 * A clock that moves only when told to, so that tests never sleep. Timers follow the monotonic clock, as they do on a
 * real machine: a jump of the wall clock neither fires nor delays them.
 */
export class ManualClock implements Clock {
  #wall: EpochMs
  #elapsed = 0
  #timersSet = 0
  readonly #timers = new Set<Timer>()

  /** `now` is where the wall clock starts: a whole number of milliseconds since 1970. */
  constructor(now: EpochMs = Date.UTC(2026, 0, 1)) {
    this.#wall = now
  }

  now(): EpochMs {
    // Timers may end between two milliseconds; a wall clock shows whole ones.
    return Math.floor(this.#wall)
  }

  monotonic(): number {
    return this.#elapsed
  }

  setTimer(wake: () => void, delayMs: number): () => void {
    const timer = { at: this.#elapsed + Math.max(0, delayMs), order: this.#timersSet++, wake }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Makes the wall clock jump, forwards or back, as a person or NTP does. The monotonic clock stays. */
  set(now: EpochMs): void {
    this.#wall = now
  }

  /**
   * Moves both clocks forward by `ms`, firing the timers that fall due on the way in their order, each at its own
   * time. Whatever a timer sets off is let settle before the next one fires, and may set timers of its own.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await settle()
    for (let timer = this.#next(end); timer !== null; timer = this.#next(end)) {
      this.#timers.delete(timer)
      this.#moveTo(timer.at)
      timer.wake()
      await settle()
    }
    this.#moveTo(end)
  }

  #moveTo(elapsed: number): void {
    // Two advances at once may find the clock beyond their goal: it never goes back.
    if (elapsed <= this.#elapsed) return
    this.#wall += elapsed - this.#elapsed
    this.#elapsed = elapsed
  }

  #next(end: number): Timer | null {
    let earliest: Timer | null = null
    for (const timer of this.#timers) {
      if (timer.at > end) continue
      if (earliest === null || timer.at < earliest.at) earliest = timer
      else if (timer.at === earliest.at && timer.order < earliest.order) earliest = timer
    }
    return earliest
  }
}

// One turn of the event loop runs every microtask that is queued, and those that they queue. A few turns also let
// through what waits for a message port or another immediate.
const TURNS = 3

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
