import { codeOf, EvertickError } from '../domain/errors.js'
import type { LockName } from '../domain/ids.js'
import { trustedUntil } from '../domain/lease.js'
import { Loop } from '../engine/loop.js'
import type { LockAnswer } from '../store/contract.js'
import type { Grant } from './held-lock.js'
import { giveBack, type LockContext } from './lock-context.js'
import type { CompleteLockOptions } from './lock-request.js'

/** What a lost or impossible notification costs at most. */
const POLL_MS = 500
const POLL_UNNOTIFIED_MS = 200
/** A waiter that died holds the others up for so long; a living one may miss a few polls. */
const PLACE_MS = 3000
const LONGEST_PAUSE_MS = 1000

export interface LockWaitOptions extends CompleteLockOptions {
  readonly name: LockName
  readonly owner: string
  /** Called at most once, in the very step in which the lock is granted. */
  readonly granted: (grant: Grant) => void
  /** Called at most once, instead. */
  readonly refused: (reason: unknown) => void
}

/** One owner that stands in the queue of a lock, until it is granted, or the wait is over. */
export class LockWait {
  readonly #options: LockWaitOptions
  readonly #context: LockContext
  readonly #asking: Loop
  readonly #deadline: number
  readonly #unwatch: () => void
  #isOver = false
  /** Whether the store may hold anything for us: a place, or a grant whose answer was lost. */
  #mayStand = false

  constructor(options: LockWaitOptions, context: LockContext) {
    const { clock, random, log, store } = context
    this.#options = options
    this.#context = context
    this.#deadline = clock.monotonic() + options.waitMs
    this.#asking = new Loop({
      clock,
      random,
      log,
      name: `wait for lock ${options.name}`,
      longestPauseMs: LONGEST_PAUSE_MS,
      step: () => this.#ask(),
    })
    this.#unwatch =
      options.waitMs === 0 ? () => {} : store.watch((hint) => hint === 'lock' && this.#asking.wake())
    this.#asking.start()
  }

  /** Ends the wait for this reason, unless it is over. */
  giveUp(reason: unknown): void {
    if (!this.#end()) return
    this.#options.refused(reason)
  }

  /** Resolves when nothing of the wait is left, here or in the store. Never rejects. */
  async left(): Promise<void> {
    // A call that is under way may still bring a grant.
    await this.#asking.stop()
    if (this.#mayStand) await giveBack(this.#options, this.#context)
  }

  async #ask(): Promise<number> {
    const { name, owner, ttlMs, waitMs } = this.#options
    const { store, holder, clock } = this.#context
    const sentAt = clock.monotonic()
    let answer: LockAnswer
    this.#mayStand = true
    try {
      answer = await store.acquireLock({ name, owner, holder, ttlMs, queueMs: waitMs === 0 ? 0 : PLACE_MS })
    } catch (error) {
      if (!mayComeRight(error) || clock.monotonic() >= this.#deadline) this.giveUp(error)
      if (this.#isOver) return Infinity
      throw error
    }
    const now = clock.monotonic()
    if (answer.outcome === 'acquired' && now < trustedUntil(sentAt, ttlMs)) {
      if (this.#end()) {
        this.#mayStand = false
        this.#options.granted({ name, owner, fence: answer.fence, ttlMs, sentAt })
      }
      return Infinity
    }
    if (waitMs === 0 && answer.outcome === 'held') this.#mayStand = false
    if (now >= this.#deadline) this.giveUp(timeout(name, waitMs, answer))
    if (this.#isOver) return Infinity
    // Granted, but the answer came too late to rely on: asking again begins the lease anew.
    if (answer.outcome === 'acquired') return 0
    const pollMs = store.info.notifies ? POLL_MS : POLL_UNNOTIFIED_MS
    return Math.max(1, Math.min(pollMs, answer.freeInMs, this.#deadline - now))
  }

  /** Whether this ended it. */
  #end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#unwatch()
    return true
  }
}

function mayComeRight(error: unknown): boolean {
  const code = codeOf(error)
  return code === undefined || code === 'STORE_UNAVAILABLE' || code === 'STORE_FULL'
}

function timeout(name: LockName, waitMs: number, answer: LockAnswer): EvertickError {
  const inTime = waitMs === 0 ? 'at once' : `within ${waitMs} ms`
  const why =
    answer.outcome === 'acquired'
      ? 'the store answered too late'
      : answer.holder === null
        ? 'others wait for it'
        : `${answer.holder} holds it`
  return new EvertickError('LOCK_TIMEOUT', `Lock ${name} was not to be had ${inTime}: ${why}`)
}
