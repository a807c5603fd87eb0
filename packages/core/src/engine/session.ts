import type { Clock } from '../domain/clock.js'
import { uuidv7, type SessionId } from '../domain/ids.js'
import { Trust } from './trust.js'

/**
 * This node's session, and whether it may be relied on. Once trust has run out the session is dead for good:
 * what it held may be with others, so a new one is begun and nothing of the old is renewed.
 */
export class Session {
  readonly #clock: Clock
  readonly #onLost: () => void
  #id: SessionId
  #trust: Trust
  #cancelTimer: (() => void) | null = null

  constructor(clock: Clock, onLost: () => void) {
    this.#clock = clock
    this.#onLost = onLost
    this.#id = uuidv7(clock.now())
    this.#trust = this.#newTrust()
  }

  get id(): SessionId {
    return this.#id
  }

  /** Of the present session, for whoever renews it. */
  get trust(): Trust {
    return this.#trust
  }

  /**
   * Whether leases may be taken and used. Looks at the clock itself: a paused process wakes before its timers fire.
   * To ask is a sign of life.
   */
  isTrusted(): boolean {
    const now = this.#clock.monotonic()
    this.#trust.hear(now)
    const leftMs = this.#trust.leftMs(now)
    if (leftMs === null) return false
    if (leftMs > 0) {
      this.#cancelTimer ??= this.#clock.setTimer(() => this.#lookAgain(), Math.ceil(leftMs))
      return true
    }
    this.lose(this.#id)
    return false
  }

  /** Trust ends here, unless it has been renewed since the timer was set. */
  #lookAgain(): void {
    this.#cancelTimer = null
    this.isTrusted()
  }

  /** Gives the session `id` up, and begins a new one, which is trusted from its first heartbeat on. */
  lose(id: SessionId): void {
    if (id !== this.#id) return
    const wasTrusted = this.end()
    this.#id = uuidv7(this.#clock.now())
    if (wasTrusted) this.#onLost()
  }

  /** No trust and no timer from now on. Answers whether there had been any. */
  end(): boolean {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    const wasTrusted = this.#trust.giveUp()
    this.#trust = this.#newTrust()
    return wasTrusted
  }

  #newTrust(): Trust {
    const trust = new Trust()
    trust.hear(this.#clock.monotonic())
    return trust
  }
}
