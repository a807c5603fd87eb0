import type { EpochMs } from '../../domain/clock.js'
import type { DueSchedule, Peek } from '../../store/contract.js'
import { BACKLOG_AFTER_MS, ON_TIME_SHARE } from '../../store/periods.js'
import { nowSql } from './clock.js'
import type { Database } from './database.js'
import type { SqlValue } from './sql.js'
import { SHARDS } from './schedules.js'

const ALL = Array.from({ length: SHARDS }, (_, shard) => shard)

const NOW = '(SELECT now FROM clock)'
const LYING = `(SELECT now - ${BACKLOG_AFTER_MS} FROM clock)`

const OWN = 'unnest($1::smallint[])'
const OTHERS = 'unnest($2::smallint[])'
const EVERY = 'unnest($1::smallint[] || $2::smallint[])'

/** One walk along the index for each of the shards. */
function walk(columns: string, shards: string, range: string, limit: string): string {
  return `
  SELECT found.* FROM ${shards} AS shards (shard) CROSS JOIN LATERAL (
    SELECT ${columns} FROM @schedules schedules
    WHERE schedules.shard = shards.shard AND state = 'active' AND due_at IS NOT NULL AND due_at ${range}
    ORDER BY due_at LIMIT ${limit}) found
  ORDER BY found.due_at LIMIT ${limit}`
}

const COLUMNS = 'id, revision, fire_time, due_at, fires, stretched_ms, calendars_revision'

/**
 * The time is read once, so that it bounds the walks along the index; `clock_timestamp()` compared with each row would
 * read whole shards (60 ms instead of 0.02 among 100,000 rows).
 */
export const PEEK = `
WITH clock AS MATERIALIZED (SELECT ${nowSql('$4::bigint')} AS now),
moment AS MATERIALIZED (
  SELECT now, (SELECT value FROM @counters WHERE name = 'calendars') AS all_calendars_revision,
         (${walk('due_at', OWN, `> ${NOW}`, '1')}) AS next_own,
         (${walk('due_at', OTHERS, `> ${LYING}`, '1')}) AS next_of_others
  FROM clock),
due AS (
  (SELECT false AS is_backlog, on_time.* FROM (${walk(COLUMNS, OWN, `> ${LYING} AND due_at <= ${NOW}`, '$3')}) on_time)
  UNION ALL
  (SELECT true, backlog.* FROM (${walk(COLUMNS, EVERY, `<= ${LYING}`, '$3')}) backlog))
SELECT moment.*, due.* FROM moment LEFT JOIN due ON true`

interface DueRow {
  now: EpochMs
  all_calendars_revision: number
  next_own: EpochMs | null
  next_of_others: EpochMs | null
  /** `null` when nothing is due; then the columns below are empty as well. */
  is_backlog: boolean | null
  id: string
  revision: number
  fire_time: EpochMs
  due_at: EpochMs
  fires: number
  stretched_ms: number | null
  calendars_revision: number | null
}

export function peekValues(limit: number, shards: readonly number[], told: EpochMs): SqlValue[] {
  const others = ALL.filter((shard) => !shards.includes(shard))
  return [shards, others, limit, told]
}

export async function peek(db: Database, limit: number, shards: readonly number[] = ALL): Promise<Peek> {
  const { rows } = await db.query<DueRow>(PEEK, peekValues(limit, shards, db.told))
  const { now, all_calendars_revision: calendarsRevision, next_own, next_of_others } = rows[0]!
  const byDueTime = (isBacklog: boolean): DueSchedule[] =>
    rows
      .filter((row) => row.is_backlog === isBacklog)
      .map(dueOf)
      .toSorted((a, b) => a.dueAt - b.dueAt)
  const onTime = byDueTime(false)
  const room = Math.max(limit - onTime.length, Math.floor(limit * (1 - ON_TIME_SHARE)))
  const backlog = byDueTime(true).slice(0, room)
  const more = backlog.length === room || backlog.length + onTime.length >= limit
  const next = Math.min(next_own ?? Infinity, (next_of_others ?? Infinity) + BACKLOG_AFTER_MS)
  return {
    due: [...backlog, ...onTime.slice(0, limit - backlog.length)],
    calendarsRevision,
    now: db.tell(now),
    nextDueAt: more ? now : next === Infinity ? null : next,
  }
}

function dueOf(row: DueRow): DueSchedule {
  return {
    id: row.id,
    revision: row.revision,
    fireTime: row.fire_time,
    dueAt: row.due_at,
    fires: row.fires,
    stretchedMs: row.stretched_ms,
    calendarsRevision: row.calendars_revision,
  }
}
