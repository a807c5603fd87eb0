import type { Clock } from '../domain/clock.js'
import { uuidv7, type SessionId } from '../domain/ids.js'
import { trustedUntil } from '../domain/lease.js'

/**
 * This node's session, and until when it may be relied on. Once trust has run out the session is dead for good:
 * what it held may be with others, so a new one is begun and nothing of the old is renewed.
 */
export class Session {
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #onLost: () => void
  #id: SessionId
  #trustedUntil: number | null = null
  #cancelTimer: (() => void) | null = null

  constructor(clock: Clock, leaseMs: number, onLost: () => void) {
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#onLost = onLost
    this.#id = uuidv7(clock.now())
  }

  get id(): SessionId {
    return this.#id
  }

  /** Whether leases may be taken and used. Looks at the clock itself: a paused process wakes before its timers fire. */
  isTrusted(): boolean {
    if (this.#trustedUntil === null) return false
    if (this.#clock.monotonic() < this.#trustedUntil) return true
    this.lose(this.#id)
    return false
  }

  /** The store renewed the session `id` by a heartbeat that was sent at `sentAt` on the monotonic clock. */
  renewed(id: SessionId, sentAt: number): void {
    // An answer that comes after we gave the session up changes nothing.
    if (id !== this.#id) return
    this.#trustedUntil = trustedUntil(sentAt, this.#leaseMs)
    this.#cancelTimer?.()
    const leftMs = this.#trustedUntil - this.#clock.monotonic()
    this.#cancelTimer = this.#clock.setTimer(() => void this.isTrusted(), Math.ceil(leftMs))
  }

  /** Gives the session `id` up, and begins a new one, which is trusted from its first heartbeat on. */
  lose(id: SessionId): void {
    if (id !== this.#id) return
    const wasTrusted = this.#trustedUntil !== null
    this.end()
    this.#id = uuidv7(this.#clock.now())
    if (wasTrusted) this.#onLost()
  }

  /** No trust and no timer from now on. */
  end(): void {
    this.#trustedUntil = null
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }
}
