import type { Clock, Random } from '../domain/clock.js'
import type { SessionId } from '../domain/ids.js'
import type { LeaseTiming } from '../domain/lease.js'
import type { Logger } from '../domain/logger.js'
import type { HeartbeatAnswer, Store } from '../store/contract.js'
import { Loop } from './loop.js'
import type { NodeDescription } from './blocked-load.js'
import { Renewal } from './renewal.js'
import type { Session } from './session.js'

/**
 * Keeps the node's session alive: the third loop. From which thread and over which connection is decided by whoever
 * makes it.
 */
export interface KeepAlive {
  start(): void
  /** Beats now: a new session has begun, or there may be something to cancel. */
  wake(): void
  /** From its end on nothing is renewed. */
  stop(): Promise<void>
}

export interface KeepAliveOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly timing: LeaseTiming
  readonly session: Session
  readonly describe: () => NodeDescription
  /** The present session was renewed. */
  readonly answered: (answer: HeartbeatAnswer) => void
  /** That session is over; where it is still the present one, a new one has to begin, and this be woken. */
  readonly expired: (session: SessionId) => void
}

/** On the thread and the connection of everything else: a handler that blocks the one holds up the heartbeat. */
export class LocalKeepAlive implements KeepAlive {
  readonly #loop: Loop

  constructor(store: Store, options: KeepAliveOptions) {
    const { session, describe, answered } = options
    const renewal = new Renewal({
      ...options,
      store,
      sleepMs: options.timing.renewMs,
      // What is given up is not renewed, so it is the present one.
      answered: (_, answer) => answered(answer),
      current() {
        // Being here is progress; and where trust has run out, what is renewed is the session after it.
        session.isTrusted()
        return { session: session.id, trust: session.trust, node: describe() }
      },
    })
    this.#loop = keepAliveLoop(options, renewal)
  }

  start(): void {
    this.#loop.start()
  }

  wake(): void {
    this.#loop.wake()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }
}

/** Pauses are short: a store that comes back while the lease can still be trusted must be found in time. */
export function keepAliveLoop(
  { clock, random, log, timing }: Pick<KeepAliveOptions, 'clock' | 'random' | 'log' | 'timing'>,
  renewal: Renewal,
): Loop {
  return new Loop({
    name: 'keep-alive',
    clock,
    random,
    log,
    longestPauseMs: timing.renewMs / 6,
    step: () => renewal.step(),
  })
}
