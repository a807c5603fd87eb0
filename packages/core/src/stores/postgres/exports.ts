import type { CalendarName } from '../../domain/calendar.js'
import type { ExportQuery, Page } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import { scheduleExport, type ScheduleExport, type TombstoneExport } from '../../store/exports.js'
import type { Database } from './database.js'
import { QUEUE, runOf, type RunRow } from '../sql/rows.js'
import { SELECT_RUN, SELECT_SCHEDULE, wholeScheduleOf, type WholeScheduleRow } from './rows.js'

interface ExportedRow extends WholeScheduleRow {
  /** JSON; `null` where there are none. */
  open: string | null
  calendars: string | null
}

// One statement, so that a schedule and its runs are of one moment.
const SELECT_EXPORTS = `
SELECT schedule.*,
  (SELECT json_agg(open) FROM (${SELECT_RUN} WHERE runs.schedule_id = schedule.id AND runs.queue > 0) open) AS open,
  (SELECT json_agg(calendar) FROM @schedule_calendars WHERE schedule_id = schedule.id) AS calendars
FROM (${SELECT_SCHEDULE} WHERE s.id > $1 ORDER BY s.id LIMIT $2) schedule ORDER BY schedule.id`

export async function exportSchedules(
  db: Database,
  { limit, cursor }: ExportQuery,
): Promise<Page<ScheduleExport>> {
  const { rows } = await db.query<ExportedRow>(SELECT_EXPORTS, [after(cursor), limit + 1])
  const items = rows.slice(0, limit).map(exportOf)
  return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.id]) : null }
}

function exportOf(row: ExportedRow): ScheduleExport {
  const open = JSON.parse(row.open ?? '[]') as RunRow[]
  return scheduleExport(
    wholeScheduleOf(row),
    {
      calendars: JSON.parse(row.calendars ?? '[]') as CalendarName[],
      calendarsRevision: row.calendars_revision,
      afterRunMs: row.after_run_ms,
    },
    open.map((run) => Object.assign(runOf(run), { blocked: run.queue === QUEUE.blocked })),
  )
}

export async function exportTombstones(
  db: Database,
  { limit, cursor }: ExportQuery,
): Promise<Page<TombstoneExport>> {
  const { rows } = await db.query<Omit<TombstoneExport, 'kind'>>(
    `SELECT id, revision, high_water_mark AS "highWaterMark", expires_at AS "expiresAt"
     FROM @tombstones WHERE id > $1 AND expires_at > $2 ORDER BY id LIMIT $3`,
    [after(cursor), await db.now(), limit + 1],
  )
  const items = rows.slice(0, limit).map((row) => Object.assign(row, { kind: 'tombstone' as const }))
  return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.id]) : null }
}

function after(cursor: string | undefined): string {
  return cursor === undefined ? '' : String(decodeCursor(cursor, ['string'])[0])
}
