/** Milliseconds since 1970-01-01T00:00:00Z; always a whole number. */
export type EpochMs = number

/**
 * Time as a dependency. `now` is the wall clock and may jump; `monotonic` never goes back and has an arbitrary zero.
 * What is due is decided by the store's clock, what can still be trusted by the monotonic one.
 */
export interface Clock {
  now(): EpochMs
  monotonic(): number
  /** Calls `wake` once after `delayMs`; the returned function cancels it. */
  setTimer(wake: () => void, delayMs: number): () => void
}

// Node clamps longer timeouts to 1 ms, which would turn a long sleep into a busy loop.
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Its monotonic clock has the same zero in every thread of the process, which that of `performance.now` has not. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic() {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1000 + nanoseconds / 1e6
  },
  setTimer(wake, delayMs) {
    const timer = setTimeout(wake, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS))
    return () => clearTimeout(timer)
  },
}

/** A number in [0, 1). Injected wherever chance matters, so that tests can fix it. */
export type Random = () => number

/** ISO 8601 in UTC with milliseconds: the only form of time in HTTP and JSON. */
export function toIso(at: EpochMs): string {
  return new Date(at).toISOString()
}
