import type { Clock } from '../domain/clock.js'
import { SessionExpiredError } from '../domain/errors.js'
import type { SessionId } from '../domain/ids.js'
import { signOfLifeMs, trustedUntil, type LeaseTiming } from '../domain/lease.js'
import type { Logger } from '../domain/logger.js'
import type { HeartbeatAnswer, Store } from '../store/contract.js'
import { BlockedLoad, type NodeDescription } from './blocked-load.js'
import type { Trust } from './trust.js'

export interface RenewalOptions {
  readonly store: Pick<Store, 'heartbeat'>
  readonly clock: Clock
  readonly log: Logger
  readonly timing: LeaseTiming
  /** How long to sleep between two heartbeats, unless woken. */
  readonly sleepMs: number
  /** The session to keep alive, and what is known of the node. */
  readonly current: () => {
    readonly session: SessionId
    readonly trust: Trust
    readonly node: NodeDescription
  }
  /** The session was renewed. */
  readonly answered: (session: SessionId, answer: HeartbeatAnswer) => void
  /** The session is over, and its trust given up: nothing more is renewed until there is a new one. */
  readonly expired: (session: SessionId) => void
}

/** Renews the session, as long as the thread that uses it makes progress. */
export class Renewal {
  readonly #options: RenewalOptions
  readonly #load: BlockedLoad
  /** That was let die, so that it is told of once. */
  #silent: SessionId | null = null

  constructor(options: RenewalOptions) {
    this.#options = options
    this.#load = new BlockedLoad(options.clock)
  }

  /** One heartbeat. Answers how many milliseconds to sleep unless woken. */
  async step(): Promise<number> {
    const { store, clock, timing, sleepMs, current, answered } = this.#options
    const { session, trust, node } = current()
    const sentAt = clock.monotonic()
    // Nobody relies on it any more: after a pause of the process it is not brought back, whichever thread wakes first.
    if (trust.leftMs(sentAt) === 0) return this.#over(session, trust)
    const silentMs = trust.silentMs(sentAt)
    if (silentMs > timing.maxBlockMs) return this.#letDie(session, silentMs)
    this.#silent = null
    // One sign of life may be late; two are missing.
    const blockedMs = silentMs > 2 * signOfLifeMs(timing) ? silentMs : 0
    try {
      const answer = await store.heartbeat({
        ...this.#load.describe(node, blockedMs),
        session,
        leaseMs: timing.leaseMs,
      })
      if (trust.renew(trustedUntil(sentAt, timing.leaseMs))) answered(session, answer)
    } catch (error) {
      if (!(error instanceof SessionExpiredError)) throw error
      return this.#over(session, trust)
    }
    return sleepMs
  }

  #over(session: SessionId, trust: Trust): number {
    trust.giveUp()
    this.#options.expired(session)
    return Infinity
  }

  #letDie(session: SessionId, silentMs: number): number {
    const { log, timing } = this.#options
    if (this.#silent !== session) {
      const { maxBlockMs } = timing
      log.error(
        { session, silentMs: Math.round(silentMs), maxBlockMs },
        'The main thread makes no progress; its session is not renewed until it does',
      )
    }
    this.#silent = session
    return timing.renewMs / 6
  }
}
