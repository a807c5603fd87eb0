import { systemClock } from '../domain/clock.js'
import { EvertickError } from '../domain/errors.js'
import { uuidv7, type LockName } from '../domain/ids.js'
import { silentLogger } from '../domain/logger.js'
import { within } from '../engine/within.js'
import type { LockQuery, LockRecord, Page, Store } from '../store/contract.js'
import { HeldLock, type Grant } from './held-lock.js'
import type { LockContext } from './lock-context.js'
import { lockOptions } from './lock-request.js'
import type { Lock, LockClient, LockOptions, LockTaker } from './lock-types.js'
import { LockWait } from './lock-wait.js'
import { lockQuery } from './query.js'

/** What is done under a lock, and was aborted, is waited for so long before others may have the lock. */
const ABORT_GRACE_MS = 1000
/** A store that answers at all does so well within this. */
const RELEASE_GRACE_MS = 5000

/** Takes locks, and knows all that it took, so that none is left behind. */
class Locks implements LockTaker {
  readonly #context: LockContext
  readonly #held = new Set<HeldLock>()
  readonly #waits = new Set<LockWait>()
  /** What runs under locks by `with`. */
  readonly #bodies = new Set<Promise<unknown>>()
  /** Waits that are over, and are being taken out of the store. */
  readonly #leaving = new Set<Promise<void>>()
  #isStopped = false

  constructor(context: LockContext) {
    this.#context = context
  }

  acquire(name: LockName, options: LockOptions = {}): Promise<Lock> {
    return this.#acquire(name, options)
  }

  // Async, so that a wrong option is a rejection and not a throw.
  async #acquire(name: LockName, options: LockOptions): Promise<HeldLock> {
    const complete = lockOptions(name, options)
    if (this.#isStopped)
      throw new EvertickError('ILLEGAL_STATE', `Lock ${name} cannot be acquired any more: stopped`)
    const { signal } = options
    signal?.throwIfAborted()
    return new Promise<HeldLock>((granted, refused) => {
      const giveUp = (): void => wait.giveUp(signal?.reason)
      const over = (): void => {
        signal?.removeEventListener('abort', giveUp)
        this.#waits.delete(wait)
        const left = wait.left().finally(() => this.#leaving.delete(left))
        this.#leaving.add(left)
      }
      const wait = new LockWait(
        {
          ...complete,
          name,
          owner: uuidv7(this.#context.clock.now()),
          granted: (grant) => {
            over()
            granted(this.#hold(grant))
          },
          refused: (reason) => {
            over()
            refused(reason)
          },
        },
        this.#context,
      )
      this.#waits.add(wait)
      signal?.addEventListener('abort', giveUp, { once: true })
    })
  }

  async with<Result>(
    name: LockName,
    body: (lock: Pick<Lock, 'name' | 'fence' | 'signal'>) => Result | Promise<Result>,
    options: LockOptions = {},
  ): Promise<Result> {
    const lock = await this.#acquire(name, options)
    const ended = (async () => {
      try {
        const result = await body(lock)
        if (lock.lost !== null) throw lock.lost
        return result
      } finally {
        await lock.release()
      }
    })()
    this.#bodies.add(ended)
    try {
      return await ended
    } finally {
      this.#bodies.delete(ended)
    }
  }

  /** Waits until what runs under locks by `with` has ended, for `graceMs` at most. */
  async settle(graceMs: number): Promise<void> {
    await within(this.#context.clock, graceMs, this.#idle())
  }

  /** Ends all waits, aborts what is done under locks, and releases them. May be called twice. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const wait of this.#waits) wait.giveUp(stopping('It is not waited for any more'))
    for (const lock of this.#held) lock.abort(stopping(`Lock ${lock.name} is released`))
    await this.settle(ABORT_GRACE_MS)
    const released = [...this.#held].map((lock) => lock.release())
    await within(this.#context.clock, RELEASE_GRACE_MS, Promise.all([...released, ...this.#leaving]))
  }

  async #idle(): Promise<void> {
    while (this.#bodies.size > 0) await Promise.allSettled(this.#bodies)
  }

  #hold(grant: Grant): HeldLock {
    const lock = new HeldLock(grant, this.#context, (ended) => this.#held.delete(ended))
    this.#held.add(lock)
    return lock
  }
}

/** Locks over anything that has the verbs of {@link LockStore}; `stop` releases them all. */
export function createLocks(
  options: Pick<LockContext, 'store' | 'holder'> & Partial<LockContext>,
): LockTaker & { stop(): Promise<void> } {
  const { store, holder, clock = systemClock, random = Math.random, log = silentLogger } = options
  return new Locks({ store, holder, clock, random, log })
}

/** The locks of a store. */
export class StoreLocks extends Locks implements LockClient {
  readonly #store: Store

  constructor(context: LockContext & { readonly store: Store }) {
    super(context)
    this.#store = context.store
  }

  // Async, so that a wrong query is a rejection and not a throw.
  async list(query: Partial<LockQuery> = {}): Promise<Page<LockRecord>> {
    return this.#store.listLocks(lockQuery(query))
  }
}

function stopping(what: string): EvertickError {
  return new EvertickError('STOPPING', `${what}: the scheduler is stopping`)
}
