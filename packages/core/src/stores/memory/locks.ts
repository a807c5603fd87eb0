import type { EpochMs } from '../../domain/clock.js'
import type { LockName } from '../../domain/ids.js'
import { nextFence, type Fence } from '../../domain/lease.js'
import type {
  LockAnswer,
  LockClaim,
  LockQuery,
  LockRecord,
  LockRenewal,
  LockRequest,
  Page,
} from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { Hints } from '../../store/hints.js'
import { LOCK_REMEMBERED_MS } from '../../store/periods.js'
import type { StoreClock } from '../../store/store-clock.js'

interface Lock {
  /** Of the last grant; outlives it. */
  fence: Fence
  /** `null` once released. */
  owner: string | null
  holder: string
  acquiredAt: EpochMs
  heldUntil: EpochMs
  /** Until when each owner keeps its place: first come, first served, which is the order of a Map. */
  readonly queue: Map<string, EpochMs>
}

export class Locks {
  readonly #hints: Hints
  readonly #clock: StoreClock
  readonly #locks = new Map<LockName, Lock>()

  constructor(hints: Hints, clock: StoreClock) {
    this.#hints = hints
    this.#clock = clock
  }

  acquire(request: LockRequest): LockAnswer {
    const { name, owner, queueMs } = request
    const now = this.#clock.now()
    const lock = this.#locks.get(name) ?? blank()
    this.#locks.set(name, lock)
    leaveExpired(lock, now)
    const held = isHeld(lock, now)
    if (held && lock.owner === owner) {
      lock.heldUntil = now + request.ttlMs
      return { outcome: 'acquired', fence: lock.fence, heldUntil: lock.heldUntil }
    }
    const [first] = lock.queue
    if (!held && (first === undefined || first[0] === owner)) return this.#grant(lock, request, now)
    if (queueMs > 0) lock.queue.set(owner, now + queueMs)
    const freeAt = held ? lock.heldUntil : first![1]
    return { outcome: 'held', holder: held ? lock.holder : null, freeInMs: freeAt - now }
  }

  #grant(lock: Lock, { owner, holder, ttlMs }: LockRequest, now: EpochMs): LockAnswer {
    lock.queue.delete(owner)
    lock.fence = nextFence(lock.fence, now)
    lock.owner = owner
    lock.holder = holder
    lock.acquiredAt = now
    lock.heldUntil = now + ttlMs
    return { outcome: 'acquired', fence: lock.fence, heldUntil: lock.heldUntil }
  }

  renew({ name, owner, fence, ttlMs }: LockRenewal): boolean {
    const now = this.#clock.now()
    const lock = this.#locks.get(name)
    if (lock === undefined || !isHeld(lock, now) || lock.owner !== owner || lock.fence !== fence) return false
    lock.heldUntil = now + ttlMs
    return true
  }

  release({ name, owner }: LockClaim): boolean {
    const now = this.#clock.now()
    const lock = this.#locks.get(name)
    if (lock === undefined) return false
    const holds = isHeld(lock, now) && lock.owner === owner
    if (holds) {
      lock.owner = null
      lock.heldUntil = now
    }
    if (lock.queue.delete(owner) || holds) this.#hints.note('lock')
    return holds
  }

  list({ prefix = '', limit, cursor }: LockQuery): Page<LockRecord> {
    const after = cursor === undefined ? '' : (decodeCursor(cursor, ['string'])[0] as LockName)
    const now = this.#clock.now()
    const names = [...this.#locks]
      .filter(([name, lock]) => name > after && name.startsWith(prefix) && isHeld(lock, now))
      .map(([name]) => name)
      .toSorted()
    const items = names.slice(0, limit).map((name) => recordOf(name, this.#locks.get(name)!, now))
    return { items, nextCursor: names.length > limit ? encodeCursor([items.at(-1)!.name]) : null }
  }

  forgetOld(): void {
    const now = this.#clock.now()
    for (const [name, lock] of this.#locks) {
      leaveExpired(lock, now)
      if (lock.queue.size === 0 && lock.heldUntil <= now - LOCK_REMEMBERED_MS) this.#locks.delete(name)
    }
  }
}

function blank(): Lock {
  return { fence: 0 as Fence, owner: null, holder: '', acquiredAt: 0, heldUntil: 0, queue: new Map() }
}

function isHeld({ owner, heldUntil }: Lock, now: EpochMs): boolean {
  return owner !== null && heldUntil > now
}

function leaveExpired({ queue }: Lock, now: EpochMs): void {
  for (const [owner, until] of queue) if (until <= now) queue.delete(owner)
}

function recordOf(name: LockName, lock: Lock, now: EpochMs): LockRecord {
  const { holder, fence, acquiredAt, heldUntil, queue } = lock
  const waiting = [...queue.values()].filter((until) => until > now).length
  return { name, holder, fence, acquiredAt, heldUntil, waiting }
}
