import type { LockName, NodeId } from '../domain/ids.js'
import type { LockQuery, LockRecord, Page } from '../store/contract.js'

export interface LockOptions {
  /**
   * How long the lock stays taken when its holder dies. While the holder lives it is renewed at a third of this.
   * @default 10000
   */
  readonly ttlMs?: number
  /** How long to wait for it; 0: try once; `Infinity`: until `signal`. @default 30000 */
  readonly waitMs?: number
  /** Ends the wait, with its reason. Once the lock is acquired it means nothing. */
  readonly signal?: AbortSignal
}

/** A lock that is held. `await using` releases it. */
export interface Lock extends AsyncDisposable {
  readonly name: LockName
  /** Hand it to what the lock protects, so that it can refuse whoever comes with an older one. */
  readonly fence: number
  /**
   * Aborts when the lock can no longer be relied on, before anybody else can have it: with LEASE_LOST when it was
   * not renewed in time, with STOPPING when the scheduler stops. Not when it is released.
   */
  readonly signal: AbortSignal
  /** Lets others have it. May be called twice, and when it was lost. Never throws: what is not released expires. */
  release(): Promise<void>
}

/** Locks by name, each with one holder among all that share the store. They can be used without `start`. */
export interface LockTaker {
  /**
   * Waits for its turn, first come, first served, and keeps the lock until it is released or lost. A lock that is
   * held can not be acquired a second time, not even by its own holder.
   * @throws {InvalidError} INVALID_OPTION
   * @throws {EvertickError} LOCK_TIMEOUT when the wait is over; STORE_UNAVAILABLE when it is, and the store did not
   * answer; STOPPING
   */
  acquire(name: LockName, options?: LockOptions): Promise<Lock>
  /**
   * Runs `body` under the lock, and releases it however `body` ends. When the lock was lost before it ended well, this
   * rejects with LEASE_LOST: others may have been at work at the same time.
   */
  with<Result>(
    name: LockName,
    body: (lock: Pick<Lock, 'name' | 'fence' | 'signal'>) => Result | Promise<Result>,
    options?: LockOptions,
  ): Promise<Result>
}

export interface LockClient extends LockTaker {
  /** Those that are held now, by name; at most 100 unless `limit` says otherwise (up to 1000). */
  list(query?: Partial<LockQuery>): Promise<Page<LockRecord>>
}

export interface LeaderEvent {
  readonly node: NodeId
  /** Rises from leader to leader. */
  readonly fence: number
}

/** What a node does while it is leader. */
export interface LeaderTerm {
  /** Aborts when the node is no longer leader, before another one is. */
  readonly signal: AbortSignal
  readonly fence: number
}

/**
 * One node among all that share the store. A node takes part once it is started and one of these was used; who uses
 * none pays nothing.
 */
export interface Leader {
  readonly isLeader: boolean
  /** Which node is leader, by the store; `null` for none. Asking this takes no part. */
  current(): Promise<NodeId | null>
  /** Events of this node. Returns what removes the listener. */
  on(type: 'elected' | 'resigned', listener: (event: LeaderEvent) => void): () => void
  /**
   * Runs `duty` whenever this node becomes leader, once per term; one that fails is run again after a growing pause. At
   * the end of the term its signal aborts, and the node does not become leader again before `duty` has settled.
   * Returns what ends this for good, and resolves when `duty` has settled.
   */
  runOnLeader(duty: (term: LeaderTerm) => unknown): () => Promise<void>
}
