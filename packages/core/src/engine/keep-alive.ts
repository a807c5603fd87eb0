import type { Logger } from '../domain/logger.js'
import type { Clock } from '../domain/clock.js'
import { SessionExpiredError } from '../domain/errors.js'
import type { RunId, SessionId } from '../domain/ids.js'
import type { LeaseTiming } from '../domain/lease.js'
import type { NodeInfo, Store } from '../store/contract.js'
import type { Session } from './session.js'

export interface KeepAliveOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly session: Session
  readonly timing: LeaseTiming
  readonly describe: () => Omit<NodeInfo, 'session'>
  readonly cancel: (runs: readonly RunId[]) => void
  /** Told who is alive after each heartbeat. */
  readonly alive: (own: SessionId, sessions: readonly SessionId[]) => void
}

/** The third loop: renew the session, and learn which runs are to be cancelled. */
export class KeepAlive {
  readonly #options: KeepAliveOptions
  #load: number | null = null

  constructor(options: KeepAliveOptions) {
    this.#options = options
  }

  /** The load of the cluster as the store last told it; `null` before it has. */
  get load(): number | null {
    return this.#load
  }

  async step(): Promise<number> {
    const { store, clock, log, session, timing, describe, cancel, alive } = this.#options
    const { id } = session
    const sentAt = clock.monotonic()
    try {
      const answer = await store.heartbeat({ ...describe(), session: id, leaseMs: timing.leaseMs })
      session.renewed(id, sentAt)
      this.#load = answer.load
      alive(id, answer.sessions)
      if (answer.cancel.length > 0) cancel(answer.cancel)
    } catch (error) {
      if (!(error instanceof SessionExpiredError)) throw error
      log.warn({ session: id }, 'The session expired before it was renewed; a new one begins')
      session.lose(id)
      return 0
    }
    return timing.renewMs
  }
}
