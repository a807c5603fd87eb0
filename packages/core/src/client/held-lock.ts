import { LockLostError } from '../domain/errors.js'
import type { LockName } from '../domain/ids.js'
import { trustedUntil, type Fence } from '../domain/lease.js'
import { Loop } from '../engine/loop.js'
import type { LockClaim } from '../store/contract.js'
import { giveBack, type LockContext } from './lock-context.js'
import type { Lock } from './lock-types.js'

/** A grant, with when it was asked for: trust counts from there. */
export interface Grant extends LockClaim {
  readonly fence: Fence
  readonly ttlMs: number
  /** On the monotonic clock. */
  readonly sentAt: number
}

/** Renews the lock until it is released, and tells by its signal when it can no longer be relied on. */
export class HeldLock implements Lock {
  readonly name: LockName
  readonly fence: Fence
  readonly #grant: Grant
  readonly #context: LockContext
  readonly #ended: (lock: HeldLock) => void
  readonly #controller = new AbortController()
  readonly #renewing: Loop
  #trustedUntil: number
  #renewAt: number
  #cancelTimer: (() => void) | null = null
  #lost: LockLostError | null = null
  #released: Promise<void> | null = null

  /** `ended` is told once nothing more is to be done for it. */
  constructor(grant: Grant, context: LockContext, ended: (lock: HeldLock) => void) {
    this.name = grant.name
    this.fence = grant.fence
    this.#grant = grant
    this.#context = context
    this.#ended = ended
    const { clock, random, log } = context
    this.#renewing = new Loop({
      clock,
      random,
      log,
      name: `lock ${grant.name}`,
      // Often: a store that comes back while the lock can still be trusted must be found in time.
      longestPauseMs: grant.ttlMs / 10,
      step: () => this.#renew(),
    })
    this.#trustedUntil = -Infinity
    this.#renewAt = Infinity
    this.#renewed(grant.sentAt)
    this.#renewing.start()
  }

  get signal(): AbortSignal {
    // Looks at the clock itself: a paused process wakes before its timers fire.
    this.#isTrusted()
    return this.#controller.signal
  }

  /** Why it can no longer be relied on; `null` while it can. */
  get lost(): LockLostError | null {
    this.#isTrusted()
    return this.#lost
  }

  release(): Promise<void> {
    this.#released ??= this.#release()
    return this.#released
  }

  /** Ends what is done under the lock, with this reason, and goes on renewing it until it is released. */
  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  async #release(): Promise<void> {
    this.#cancelTimer?.()
    // Not after the renewal that may be under way: the store refuses it once the lock is released.
    await Promise.all([this.#renewing.stop(), giveBack(this.#grant, this.#context)])
    this.#ended(this)
  }

  async #renew(): Promise<number> {
    const { clock, store } = this.#context
    const { name, owner, ttlMs } = this.#grant
    // Before anything is sent: whoever was paused for too long gives up first.
    if (!this.#isTrusted()) return Infinity
    const dueInMs = this.#renewAt - clock.monotonic()
    if (dueInMs > 0) return dueInMs
    const sentAt = clock.monotonic()
    if (!(await store.renewLock({ name, owner, fence: this.fence, ttlMs }))) {
      this.#lose()
      return Infinity
    }
    this.#renewed(sentAt)
    return this.#renewAt - clock.monotonic()
  }

  #renewed(sentAt: number): void {
    // An answer that comes after we gave the lock up changes nothing.
    if (this.#released !== null || this.#lost !== null) return
    this.#trustedUntil = trustedUntil(sentAt, this.#grant.ttlMs)
    this.#renewAt = sentAt + this.#grant.ttlMs / 3
    this.#watch()
  }

  #watch(): void {
    const { clock } = this.#context
    this.#cancelTimer?.()
    const leftMs = this.#trustedUntil - clock.monotonic()
    // Again, when the timer was early.
    this.#cancelTimer = clock.setTimer(() => this.#isTrusted() && this.#watch(), Math.ceil(leftMs))
  }

  #isTrusted(): boolean {
    if (this.#lost !== null) return false
    if (this.#released !== null || this.#context.clock.monotonic() < this.#trustedUntil) return true
    this.#lose()
    return false
  }

  #lose(): void {
    if (this.#lost !== null || this.#released !== null) return
    this.#lost = new LockLostError(this.name, this.fence)
    this.#cancelTimer?.()
    this.#context.log.error(
      { lock: this.name, fence: this.fence },
      'A lock is lost: what was done under it is aborted',
    )
    this.#controller.abort(this.#lost)
    void this.#renewing.stop()
    this.#ended(this)
  }
}
