import type { Clock, Random } from '../domain/clock.js'
import type { Logger } from '../domain/logger.js'
import type { LockClaim, Store, StoreInfo } from '../store/contract.js'

/** What locks need of a store, or of an HTTP API in front of one. */
export interface LockStore extends Pick<Store, 'acquireLock' | 'renewLock' | 'releaseLock' | 'watch'> {
  readonly info: Pick<StoreInfo, 'notifies'>
}

export interface LockContext {
  readonly store: LockStore
  /** Who holds the locks, for people. */
  readonly holder: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

const TRIES = 3
const PAUSE_MS = 100

/**
 * Frees the lock or its place in the queue. Never throws: after a few tries the rest is left to the end of the lease.
 */
export async function giveBack(
  { name, owner }: LockClaim,
  { store, clock, log }: LockContext,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await store.releaseLock({ name, owner })
      return
    } catch (error) {
      if (tries === TRIES) {
        log.warn(
          { err: error, lock: name },
          'A lock could not be released; it becomes free when its lease ends',
        )
        return
      }
      await new Promise<void>((resolve) => void clock.setTimer(resolve, PAUSE_MS))
    }
  }
}
