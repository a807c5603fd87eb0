import { EvertickError } from '../domain/errors.js'
import type { NodeId } from '../domain/ids.js'
import { Events } from '../engine/events.js'
import { Loop, type LoopOptions } from '../engine/loop.js'
import { within } from '../engine/within.js'
import { Duty } from './duty.js'
import type { Leader, LeaderEvent, LeaderTerm, Lock, LockClient } from './lock-types.js'

/** The lock whose holder is the leader. */
const LEADER_LOCK = 'evertick.leader'

export interface CampaignOptions extends Pick<LoopOptions, 'clock' | 'random' | 'log'> {
  readonly node: NodeId
  readonly locks: LockClient
  /** How long a leader that dies is one. */
  readonly ttlMs: number
}

/** Stands for leader by waiting for a lock, and is leader while it holds it. Knows of nothing but locks. */
export class Campaign implements Leader {
  readonly #options: CampaignOptions
  readonly #events: Events<{ elected: LeaderEvent; resigned: LeaderEvent }>
  readonly #loop: Loop
  readonly #duties = new Set<Duty>()
  readonly #stopping = new AbortController()
  /** What makes this node leader. */
  #lock: Lock | null = null
  #isStarted = false
  #isUsed = false

  constructor(options: CampaignOptions) {
    const { clock, random, log } = options
    this.#options = options
    this.#events = new Events(log)
    this.#loop = new Loop({ clock, random, log, name: 'leader', step: () => this.#stand() })
  }

  get isLeader(): boolean {
    this.#use()
    return this.#lock !== null && !this.#lock.signal.aborted
  }

  on(type: 'elected' | 'resigned', listener: (event: LeaderEvent) => void): () => void {
    this.#use()
    return this.#events.on(type, listener)
  }

  runOnLeader(body: (term: LeaderTerm) => unknown): () => Promise<void> {
    this.#use()
    const duty = new Duty(body, this.#options)
    this.#duties.add(duty)
    if (this.isLeader) duty.begin(this.#lock!.fence)
    return async () => {
      await duty.close(new EvertickError('CANCELLED', 'The duty of the leader was ended'))
      this.#duties.delete(duty)
    }
  }

  async current(): Promise<NodeId | null> {
    const { items } = await this.#options.locks.list({ prefix: LEADER_LOCK, limit: 1 })
    return items[0]?.name === LEADER_LOCK ? items[0].holder : null
  }

  start(): void {
    this.#isStarted = true
    if (this.#isUsed) this.#loop.start()
  }

  /** Resigns as soon as the duties have heeded their signals, or the grace is over. May be called twice. */
  async stop(graceMs: number): Promise<void> {
    this.#isStarted = false
    this.#stopping.abort(new EvertickError('STOPPING', 'This node is no longer leader: it is stopping'))
    // A lock that duties still keep is released with all others.
    await within(this.#options.clock, graceMs, this.#loop.stop())
  }

  #use(): void {
    if (this.#isUsed) return
    this.#isUsed = true
    if (this.#isStarted) this.#loop.start()
  }

  async #stand(): Promise<number> {
    const { locks, ttlMs } = this.#options
    const { signal } = this.#stopping
    let lock: Lock
    try {
      lock = await locks.acquire(LEADER_LOCK, { ttlMs, waitMs: Infinity, signal })
    } catch (error) {
      if (signal.aborted) return Infinity
      throw error
    }
    await this.#serve(lock)
    return 0
  }

  /** Is leader until the lock is lost, or the node stops. */
  async #serve(lock: Lock): Promise<void> {
    const { node, log } = this.#options
    const event = { node, fence: lock.fence }
    this.#lock = lock
    log.info(event, 'This node is leader')
    for (const duty of this.#duties) duty.begin(lock.fence)
    // Last, for a listener may add a duty, which then begins by itself.
    this.#events.emit('elected', event)
    const reason = await firstAbort([lock.signal, this.#stopping.signal])
    const ended = Promise.all(Array.from(this.#duties, (duty) => duty.end(reason)))
    this.#lock = null
    log.info(event, 'This node is no longer leader')
    this.#events.emit('resigned', event)
    await ended
    await lock.release()
  }
}

/** The reason of the first of these signals that aborts. */
function firstAbort(signals: readonly AbortSignal[]): Promise<unknown> {
  const listening = new AbortController()
  return new Promise((resolve) => {
    for (const signal of signals) {
      const aborted = (): void => {
        listening.abort()
        resolve(signal.reason)
      }
      if (signal.aborted) aborted()
      else signal.addEventListener('abort', aborted, { signal: listening.signal })
    }
  })
}
