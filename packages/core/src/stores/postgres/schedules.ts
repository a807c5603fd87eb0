import { EvertickError } from '../../domain/errors.js'
import { hash32, type ScheduleId } from '../../domain/ids.js'
import type { Schedule } from '../../domain/schedule.js'
import type { Page, ScheduleQuery } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import { TOMBSTONE_MS } from '../../store/periods.js'
import { DELETED } from '../../store/reasons.js'
import { refer } from './calendars.js'
import type { Database } from './database.js'
import { Filter } from './filter.js'
import { holdSchedules } from './held-schedules.js'
import { SELECT_SCHEDULE, wholeScheduleOf, type WholeScheduleRow } from './rows.js'
import { cancelAllOf, holdOpenRuns } from './run-endings.js'
import type { Queryable } from './sql.js'
import type { Transaction } from './transaction.js'

/** An order of looking, and nothing more: anyone may commit any row. Fixed, for rows keep theirs. */
export const SHARDS = 16

export function shardOf(id: ScheduleId): number {
  return hash32(id) % SHARDS
}

export async function getSchedules(db: Queryable, ids: readonly ScheduleId[]): Promise<(Schedule | null)[]> {
  const rows = await readSchedules(db, ids)
  return ids.map((id) => rows.get(id)).map((row) => (row === undefined ? null : wholeScheduleOf(row)))
}

export async function readSchedules(
  db: Queryable,
  ids: readonly ScheduleId[],
): Promise<ReadonlyMap<ScheduleId, WholeScheduleRow>> {
  const { rows } = await db.query<WholeScheduleRow>(`${SELECT_SCHEDULE} WHERE s.id = ANY ($1::text[])`, [ids])
  return new Map(rows.map((row) => [row.id, row]))
}

export async function listSchedules(db: Database, query: ScheduleQuery): Promise<Page<Schedule>> {
  const filter = new Filter()
  if (query.cursor !== undefined) filter.where('s.id > ?', ...decodeCursor(query.cursor, ['string']))
  if (query.state !== undefined) filter.where('s.state = ?', query.state)
  if (query.task !== undefined) filter.where('d.task = ?', query.task)
  if (query.calendar !== undefined)
    filter.where('s.id IN (SELECT schedule_id FROM @schedule_calendars WHERE calendar = ?)', query.calendar)
  // Ids are ASCII, so every id with this prefix sorts below the prefix followed by the last ASCII character.
  if (query.prefix !== undefined) filter.where('s.id >= ? AND s.id < ?', query.prefix, `${query.prefix}\x7F`)
  const rows = await filter.select<WholeScheduleRow>(db, SELECT_SCHEDULE, 's.id', query.limit + 1)
  const items = rows.slice(0, query.limit).map((row) => wholeScheduleOf(row))
  return { items, nextCursor: rows.length > query.limit ? encodeCursor([items.at(-1)!.id]) : null }
}

/** @throws {EvertickError} REVISION_CONFLICT */
export async function deleteSchedule(tx: Transaction, id: ScheduleId, revision?: number): Promise<boolean> {
  const row = (await holdSchedules(tx, [id])).get(id)
  if (row === undefined) return false
  if (revision !== undefined && row.revision !== revision) {
    throw new EvertickError(
      'REVISION_CONFLICT',
      `Schedule ${id} has revision ${row.revision}, not ${revision}`,
    )
  }
  await holdOpenRuns(tx, [id])
  await cancelAllOf(tx, id, DELETED)
  await tx.query(
    `INSERT INTO @tombstones (id, revision, high_water_mark, expires_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, high_water_mark = excluded.high_water_mark,
       expires_at = excluded.expires_at`,
    [id, row.revision, row.high_water_mark, tx.now + TOMBSTONE_MS],
  )
  await tx.query('DELETE FROM @schedules WHERE id = $1', [id])
  await tx.query('DELETE FROM @definitions WHERE id = $1', [id])
  await refer(tx, new Map([[id, []]]))
  return true
}
