import type { EpochMs } from '../../domain/clock.js'
import type { LockName } from '../../domain/ids.js'
import { nextFence } from '../../domain/lease.js'
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
import { recordOf, type LockRow, type PlaceRow } from '../sql/rows.js'
import type { Database } from './database.js'

/** Locks and their queues. What writes runs inside a transaction. */
export class Locks {
  readonly #db: Database
  readonly #hints: Hints

  constructor(db: Database, hints: Hints) {
    this.#db = db
    this.#hints = hints
  }

  acquire(request: LockRequest): LockAnswer {
    const { name, owner, ttlMs, queueMs } = request
    const now = this.#db.now()
    const lock = this.#holding(name, now)
    if (lock?.owner === owner) {
      const heldUntil = now + ttlMs
      this.#db.statement('UPDATE locks SET held_until = ? WHERE name = ?').run(heldUntil, name)
      return { outcome: 'acquired', fence: lock.fence, heldUntil }
    }
    const first = this.#firstWaiter(name, now)
    if (lock === null && (first === null || first.owner === owner)) return this.#grant(request, now)
    if (queueMs > 0) this.#stand(request, now)
    const freeAt = lock?.held_until ?? first!.waits_until
    return { outcome: 'held', holder: lock?.holder ?? null, freeInMs: freeAt - now }
  }

  #grant({ name, owner, holder, ttlMs }: LockRequest, now: EpochMs): LockAnswer {
    const db = this.#db
    const last = db.statement('SELECT fence FROM locks WHERE name = ?').get(name) as
      | { fence: number }
      | undefined
    const fence = nextFence(last?.fence ?? 0, now)
    const heldUntil = now + ttlMs
    db.statement(
      `INSERT INTO locks (name, fence, owner, holder, acquired_at, held_until) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET fence = excluded.fence, owner = excluded.owner,
         holder = excluded.holder, acquired_at = excluded.acquired_at, held_until = excluded.held_until`,
    ).run(name, fence, owner, holder, now, heldUntil)
    db.statement('DELETE FROM lock_waiters WHERE name = ? AND owner = ?').run(name, owner)
    return { outcome: 'acquired', fence, heldUntil }
  }

  /** Takes a place at the end of the queue, or keeps the one that it has. */
  #stand({ name, owner, queueMs }: LockRequest, now: EpochMs): void {
    const db = this.#db
    // Whose place has expired begins anew, behind those who came meanwhile.
    db.statement('DELETE FROM lock_waiters WHERE name = ? AND waits_until <= ?').run(name, now)
    db.statement(
      `INSERT INTO lock_waiters (name, owner, waits_until) VALUES (?, ?, ?)
       ON CONFLICT (name, owner) DO UPDATE SET waits_until = excluded.waits_until`,
    ).run(name, owner, now + queueMs)
  }

  renew({ name, owner, fence, ttlMs }: LockRenewal): boolean {
    const now = this.#db.now()
    const { changes } = this.#db
      .statement(
        'UPDATE locks SET held_until = ? WHERE name = ? AND owner = ? AND fence = ? AND held_until > ?',
      )
      .run(now + ttlMs, name, owner, fence, now)
    return Number(changes) > 0
  }

  release({ name, owner }: LockClaim): boolean {
    const db = this.#db
    const now = db.now()
    const freed = db
      .statement(
        'UPDATE locks SET owner = NULL, held_until = ?1 WHERE name = ?2 AND owner = ?3 AND held_until > ?1',
      )
      .run(now, name, owner)
    const left = db.statement('DELETE FROM lock_waiters WHERE name = ? AND owner = ?').run(name, owner)
    if (Number(freed.changes) > 0 || Number(left.changes) > 0) this.#hints.note('lock')
    return Number(freed.changes) > 0
  }

  list({ prefix = '', limit, cursor }: LockQuery): Page<LockRecord> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'])[0]!
    const rows = this.#db
      .statement(
        `SELECT *, (SELECT count(*) FROM lock_waiters w WHERE w.name = locks.name AND w.waits_until > ?1) AS waiting
         FROM locks
         WHERE name > ?2 AND substr(name, 1, length(?3)) = ?3 AND owner IS NOT NULL AND held_until > ?1
         ORDER BY name LIMIT ?4`,
      )
      .all(this.#db.now(), after, prefix, limit + 1) as (LockRow & { waiting: number })[]
    const items = rows.slice(0, limit).map(recordOf)
    return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.name]) : null }
  }

  forgetOld(): void {
    const db = this.#db
    const now = db.now()
    db.statement('DELETE FROM lock_waiters WHERE waits_until <= ?').run(now)
    db.statement('DELETE FROM locks WHERE held_until <= ?').run(now - LOCK_REMEMBERED_MS)
  }

  /** As it is held now; `null` when it is free. */
  #holding(name: LockName, now: EpochMs): LockRow | null {
    const row = this.#db
      .statement('SELECT * FROM locks WHERE name = ? AND owner IS NOT NULL AND held_until > ?')
      .get(name, now)
    return (row as LockRow | undefined) ?? null
  }

  #firstWaiter(name: LockName, now: EpochMs): PlaceRow | null {
    const row = this.#db
      .statement(
        'SELECT owner, waits_until FROM lock_waiters WHERE name = ? AND waits_until > ? ORDER BY number LIMIT 1',
      )
      .get(name, now)
    return (row as PlaceRow | undefined) ?? null
  }
}
