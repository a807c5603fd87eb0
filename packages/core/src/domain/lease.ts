import type { RunId } from './ids.js'

declare const fenceBrand: unique symbol

/**
 * A number that rises with every grant of a lease on the same run or lock: `max(last + 1, store time in µs)`, so that it
 * rises even if the store loses writes. A write under an older fence is refused.
 */
export type Fence = number & { readonly [fenceBrand]: true }

export function nextFence(last: number, storeNowMs: number): Fence {
  return Math.max(last + 1, storeNowMs * 1000) as Fence
}

/** The right to run one attempt. */
export interface Lease {
  readonly runId: RunId
  readonly fence: Fence
}

/** How long a node's session lives without a heartbeat, and how often it beats. */
export interface LeaseTiming {
  /** @default 10000 */
  readonly leaseMs: number
  /** Renew at about a third: two lost renewals still leave a margin. @default 3000 */
  readonly renewMs: number
  /**
   * For how long handlers may block the event loop and yet keep what they hold, where a thread of its own renews the
   * session: on a store that was opened from its URL and that other threads can open too. Elsewhere the margin of the
   * lease is all they have. @default 60000
   */
  readonly maxBlockMs: number
}

export const LEASE_DEFAULTS: LeaseTiming = Object.freeze({
  leaseMs: 10_000,
  renewMs: 3000,
  maxBlockMs: 60_000,
})

/** How often a thread that has others renew its session gives them a sign of life. */
export function signOfLifeMs({ renewMs }: LeaseTiming): number {
  return Math.min(500, renewMs / 3)
}

/**
 * Until when, on the monotonic clock, a node may rely on a session or lock whose renewal it *sent* at `sentAt`.
 * Counting from the reply would trust a lease that the store already gave away.
 */
export function trustedUntil(sentAt: number, leaseMs: number): number {
  return sentAt + leaseMs - Math.min(Math.max(1000, leaseMs * 0.1), leaseMs / 2)
}
