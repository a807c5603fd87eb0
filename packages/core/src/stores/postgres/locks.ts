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
import { LOCK_REMEMBERED_MS } from '../../store/periods.js'
import { recordOf, type LockRow, type PlaceRow } from '../sql/rows.js'
import type { Database } from './database.js'
import { keyOfLock } from './lock-keys.js'
import type { Transaction } from './transaction.js'

/** Nobody else takes a step on this lock until the end of the transaction. Answers what time it is then. */
function hold(tx: Transaction, name: LockName): Promise<EpochMs> {
  return tx.lock([keyOfLock(name)]).then(() => tx.readClock())
}

export async function acquireLock(tx: Transaction, request: LockRequest): Promise<LockAnswer> {
  const { name, owner, ttlMs, queueMs } = request
  const now = await hold(tx, name)
  const [last] = await tx.rows<LockRow>(
    'SELECT name, fence, owner, holder, acquired_at, held_until FROM @locks WHERE name = $1',
    [name],
  )
  const lock = last === undefined || last.owner === null || last.held_until <= now ? null : last
  if (lock?.owner === owner) {
    const heldUntil = now + ttlMs
    await tx.query('UPDATE @locks SET held_until = $2 WHERE name = $1', [name, heldUntil])
    return { outcome: 'acquired', fence: lock.fence, heldUntil }
  }
  const [first] = await tx.rows<PlaceRow>(
    'SELECT owner, waits_until FROM @lock_waiters WHERE name = $1 AND waits_until > $2 ORDER BY number LIMIT 1',
    [name, now],
  )
  if (lock === null && (first === undefined || first.owner === owner)) {
    return grant(tx, request, nextFence(last?.fence ?? 0, now), now)
  }
  if (queueMs > 0) await stand(tx, request, now)
  const freeAt = lock?.held_until ?? first!.waits_until
  return { outcome: 'held', holder: lock?.holder ?? null, freeInMs: freeAt - now }
}

async function grant(
  tx: Transaction,
  { name, owner, holder, ttlMs }: LockRequest,
  fence: Fence,
  now: EpochMs,
): Promise<LockAnswer> {
  const heldUntil = now + ttlMs
  await tx.query(
    `INSERT INTO @locks (name, fence, owner, holder, acquired_at, held_until) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (name) DO UPDATE SET fence = excluded.fence, owner = excluded.owner,
       holder = excluded.holder, acquired_at = excluded.acquired_at, held_until = excluded.held_until`,
    [name, fence, owner, holder, now, heldUntil],
  )
  await tx.query('DELETE FROM @lock_waiters WHERE name = $1 AND owner = $2', [name, owner])
  return { outcome: 'acquired', fence, heldUntil }
}

/** Takes a place at the end of the queue, or keeps the one that it has. */
async function stand(tx: Transaction, { name, owner, queueMs }: LockRequest, now: EpochMs): Promise<void> {
  // Whose place has expired begins anew, behind those who came meanwhile.
  await tx.query('DELETE FROM @lock_waiters WHERE name = $1 AND waits_until <= $2', [name, now])
  await tx.query(
    `INSERT INTO @lock_waiters (name, owner, waits_until) VALUES ($1, $2, $3)
     ON CONFLICT (name, owner) DO UPDATE SET waits_until = excluded.waits_until`,
    [name, owner, now + queueMs],
  )
}

export async function renewLock(
  tx: Transaction,
  { name, owner, fence, ttlMs }: LockRenewal,
): Promise<boolean> {
  const now = await hold(tx, name)
  const { count } = await tx.query(
    'UPDATE @locks SET held_until = $4 WHERE name = $1 AND owner = $2 AND fence = $3 AND held_until > $5',
    [name, owner, fence, now + ttlMs, now],
  )
  return count > 0
}

export async function releaseLock(tx: Transaction, { name, owner }: LockClaim): Promise<boolean> {
  const now = await hold(tx, name)
  const freed = await tx.query(
    'UPDATE @locks SET owner = NULL, held_until = $3 WHERE name = $1 AND owner = $2 AND held_until > $3',
    [name, owner, now],
  )
  const left = await tx.query('DELETE FROM @lock_waiters WHERE name = $1 AND owner = $2', [name, owner])
  if (freed.count > 0 || left.count > 0) tx.note('lock')
  return freed.count > 0
}

export async function listLocks(
  db: Database,
  { prefix = '', limit, cursor }: LockQuery,
): Promise<Page<LockRecord>> {
  const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'])[0]!
  const { rows } = await db.query<LockRow & { waiting: number }>(
    `SELECT name, fence, holder, acquired_at, held_until,
            (SELECT count(*) FROM @lock_waiters w WHERE w.name = locks.name AND w.waits_until > $1) AS waiting
     FROM @locks locks
     WHERE name > $2 AND starts_with(name, $3) AND owner IS NOT NULL AND held_until > $1
     ORDER BY name LIMIT $4`,
    [await db.now(), after, prefix, limit + 1],
  )
  const items = rows.slice(0, limit).map(recordOf)
  return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.name]) : null }
}

/** Skips those on which someone is at work. */
export async function forgetOldLocks(tx: Transaction): Promise<void> {
  await tx.query(
    `DELETE FROM @lock_waiters WHERE number IN (
       SELECT number FROM @lock_waiters WHERE waits_until <= $1 FOR UPDATE SKIP LOCKED)`,
    [tx.now],
  )
  await tx.query(
    `DELETE FROM @locks WHERE name IN (SELECT name FROM @locks WHERE held_until <= $1 FOR UPDATE SKIP LOCKED)`,
    [tx.now - LOCK_REMEMBERED_MS],
  )
}
