/** Cells of the shared memory: until when the session may be relied on, and when its owner was last heard. */
const UNTIL = 0
const HEARD = 1
/** Of {@link UNTIL} before the first renewal. Given up, it is negative: −1, or minus until when it was trusted. */
const NOT_YET = 0n
const GIVEN_UP_UNUSED = -1n

/**
 * Until when one session may be relied on, on the monotonic clock of the process, and when the thread that uses it last
 * gave a sign of life. It lies in memory that threads can share, so that a thread that has just woken up knows at once
 * where it stands, without waiting for a message. Given up is for good, by whichever thread.
 */
export class Trust {
  readonly memory: SharedArrayBuffer
  readonly #cells: BigInt64Array

  constructor(memory = new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#cells = new BigInt64Array(memory)
  }

  /** How many milliseconds of trust are left; `null` before the first renewal; 0 when it is over, for good. */
  leftMs(now: number): number | null {
    const until = Atomics.load(this.#cells, UNTIL)
    return until === NOT_YET ? null : Math.max(0, ms(until) - now)
  }

  /** The store renewed it. Answers `false`, and changes nothing, where it was given up meanwhile. */
  renew(until: number): boolean {
    for (;;) {
      const before = Atomics.load(this.#cells, UNTIL)
      if (before < 0n) return false
      if (Atomics.compareExchange(this.#cells, UNTIL, before, µs(until)) === before) return true
    }
  }

  /** Answers whether it had ever been trusted. */
  giveUp(): boolean {
    for (;;) {
      const before = Atomics.load(this.#cells, UNTIL)
      if (before < 0n) return before !== GIVEN_UP_UNUSED
      const after = before === NOT_YET ? GIVEN_UP_UNUSED : -before
      if (Atomics.compareExchange(this.#cells, UNTIL, before, after) === before) return before !== NOT_YET
    }
  }

  /** The thread that uses the session makes progress. */
  hear(now: number): void {
    Atomics.store(this.#cells, HEARD, µs(now))
  }

  /** How long the thread that uses the session has given no sign of life. */
  silentMs(now: number): number {
    return Math.max(0, now - ms(Atomics.load(this.#cells, HEARD)))
  }
}

/** Rounded down: trust may end too early, never too late. */
function µs(milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds * 1000))
}

function ms(microseconds: bigint): number {
  return Number(microseconds) / 1000
}
