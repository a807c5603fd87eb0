import type { Random } from './clock.js'

/**
 * When a failed attempt is tried again. The delay before attempt n + 1 is
 * `initialDelayMs * factor ** (n - 1)`, at most `maxDelayMs`, of which `jitter` (0 to 1) is left to chance:
 * with 1 ("full jitter") it lies anywhere between 0 and that delay, with 0 it is exact.
 */
export interface RetryPolicy {
  /** Attempts in all, the first included. @default 5 */
  readonly maxAttempts: number
  /** @default 1000 */
  readonly initialDelayMs: number
  /** @default 300000 */
  readonly maxDelayMs: number
  /** @default 2 */
  readonly factor: number
  /** @default 1 */
  readonly jitter: number
}

export const RETRY_DEFAULTS: RetryPolicy = Object.freeze({
  maxAttempts: 5,
  initialDelayMs: 1000,
  maxDelayMs: 300_000,
  factor: 2,
  jitter: 1,
})

/** Milliseconds to wait after attempt number `attempt` (1 for the first) failed, or `null` when it was the last. */
export function retryDelayMs(policy: RetryPolicy | null, attempt: number, random: Random): number | null {
  if (policy === null || attempt >= policy.maxAttempts) return null
  // Kept finite: nothing times infinity would be no number at all.
  const growth = Math.min(policy.factor ** (attempt - 1), Number.MAX_VALUE)
  const delayMs = Math.min(policy.maxDelayMs, policy.initialDelayMs * growth)
  return Math.round(delayMs * (1 - policy.jitter * random()))
}
