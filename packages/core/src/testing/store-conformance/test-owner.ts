import assert from 'node:assert/strict'
import type { LockName } from '../../domain/ids.js'
import type { Fence } from '../../domain/lease.js'
import type { LockAnswer, Store } from '../../store/contract.js'

/** The lock that every owner of the suite asks for unless it says otherwise. */
export const LOCK = 'lock'

/** Long enough for a slow machine, where a test does not want a lease or a place to expire. */
const LONG_MS = 60_000

export interface AskOptions {
  readonly ttlMs?: number
  /** @default 60000 */
  readonly queueMs?: number
}

/** One acquisition of a lock, as a store sees it: who asks, and asks again. */
export class TestOwner {
  readonly #store: Store
  readonly #owner: string
  readonly #name: LockName

  constructor(store: Store, owner: string, name: LockName = LOCK) {
    this.#store = store
    this.#owner = owner
    this.#name = name
  }

  ask({ ttlMs = LONG_MS, queueMs = LONG_MS }: AskOptions = {}): Promise<LockAnswer> {
    const claim = { name: this.#name, owner: this.#owner }
    return this.#store.acquireLock({ ...claim, holder: `host-${this.#owner}`, ttlMs, queueMs })
  }

  /** Asks, must be granted the lock, and answers the fence. */
  async acquire(options: AskOptions = {}): Promise<Fence> {
    const answer = await this.ask(options)
    assert.ok(answer.outcome === 'acquired', `${this.#owner} should have been granted the lock`)
    return answer.fence
  }

  /** Asks, and must be refused. */
  async wait(options: AskOptions = {}): Promise<Extract<LockAnswer, { outcome: 'held' }>> {
    const answer = await this.ask(options)
    assert.ok(answer.outcome === 'held', `${this.#owner} should not have been granted the lock`)
    return answer
  }

  renew(fence: Fence, ttlMs = LONG_MS): Promise<boolean> {
    return this.#store.renewLock({ name: this.#name, owner: this.#owner, fence, ttlMs })
  }

  release(): Promise<boolean> {
    return this.#store.releaseLock({ name: this.#name, owner: this.#owner })
  }
}
