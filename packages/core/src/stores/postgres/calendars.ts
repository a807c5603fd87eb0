import type { Calendar, CalendarName } from '../../domain/calendar.js'
import { EvertickError } from '../../domain/errors.js'
import type { ScheduleId } from '../../domain/ids.js'
import { calendarInUse } from '../../store/calendar-in-use.js'
import type {
  CalendarQuery,
  CalendarSnapshot,
  Page,
  PutCalendar,
  PutCalendarResult,
} from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { CalendarExport } from '../../store/exports.js'
import { revisionAfter, sameCalendar } from '../../store/imported-calendar.js'
import { calendarOf, type CalendarRow } from '../sql/rows.js'
import type { Database } from './database.js'
import { CALENDARS, CALENDARS_OF_CALLERS } from './lock-keys.js'
import type { Transaction } from './transaction.js'

const COLUMNS =
  'calendars.name, calendars.revision, calendars.definition, calendars.created_at, calendars.updated_at'

const NEXT_REVISION = `UPDATE @counters SET value = value + 1 WHERE name = 'calendars' RETURNING value`

export async function putCalendar(
  tx: Transaction,
  { definition, expect }: PutCalendar,
): Promise<PutCalendarResult> {
  await tx.lock([CALENDARS_OF_CALLERS, CALENDARS])
  const { name } = definition
  const existing = await find(tx, name)
  if (expect === 'absent' ? existing !== null : existing?.revision !== expect) {
    return { outcome: 'conflict', calendar: existing }
  }
  const [next] = await tx.rows<{ value: number }>(NEXT_REVISION)
  const [row] = await tx.rows<CalendarRow>(
    `INSERT INTO @calendars AS calendars (name, revision, definition, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
     ON CONFLICT (name) DO UPDATE SET
       revision = excluded.revision, definition = excluded.definition, updated_at = excluded.updated_at
     RETURNING ${COLUMNS}`,
    [name, next!.value, JSON.stringify(definition), tx.now],
  )
  return { outcome: existing === null ? 'created' : 'updated', calendar: calendarOf(row!) }
}

/** Writes a calendar of another store; see {@link revisionAfter}. */
export async function restoreCalendar(tx: Transaction, item: CalendarExport): Promise<void> {
  await tx.lock([CALENDARS_OF_CALLERS, CALENDARS])
  const { name, revision, definition, createdAt, updatedAt, calendarsRevision } = item
  const [all] = await tx.rows<{ value: number }>(`SELECT value FROM @counters WHERE name = 'calendars'`)
  const isChanged = !sameCalendar(await find(tx, name), item)
  await tx.query(`UPDATE @counters SET value = $1 WHERE name = 'calendars'`, [
    revisionAfter(all!.value, calendarsRevision, isChanged),
  ])
  await tx.query(
    `INSERT INTO @calendars (name, revision, definition, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, definition = excluded.definition,
       created_at = excluded.created_at, updated_at = excluded.updated_at`,
    [name, revision, JSON.stringify(definition), createdAt, updatedAt],
  )
}

/** One statement, so that all are of one moment. */
export async function getCalendars(db: Database, names: readonly CalendarName[]): Promise<CalendarSnapshot> {
  const { rows } = await db.query<CalendarRow & { total: number }>(
    `SELECT counters.value AS total, ${COLUMNS} FROM @counters counters
     LEFT JOIN @calendars calendars ON calendars.name = ANY ($1::text[])
     WHERE counters.name = 'calendars'`,
    [names],
  )
  const found = new Map(rows.map((row) => [row.name, row]))
  const calendars = names.map((name) => found.get(name)).map((row) => (row ? calendarOf(row) : null))
  return { calendars, revision: rows[0]!.total }
}

export async function listCalendars(db: Database, { limit, cursor }: CalendarQuery): Promise<Page<Calendar>> {
  const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'])[0]!
  const { rows } = await db.query<CalendarRow>(
    `SELECT ${COLUMNS} FROM @calendars calendars WHERE name > $1 ORDER BY name LIMIT $2`,
    [after, limit + 1],
  )
  const items = rows.slice(0, limit).map(calendarOf)
  return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.name]) : null }
}

/** @throws {EvertickError} REVISION_CONFLICT, ILLEGAL_STATE */
export async function deleteCalendar(
  tx: Transaction,
  name: CalendarName,
  revision?: number,
): Promise<boolean> {
  await tx.lock([CALENDARS_OF_CALLERS, CALENDARS])
  const calendar = await find(tx, name)
  if (calendar === null) return false
  if (revision !== undefined && revision !== calendar.revision) {
    throw new EvertickError(
      'REVISION_CONFLICT',
      `Calendar ${name} has revision ${calendar.revision}, not ${revision}`,
    )
  }
  const users = await tx.rows<{ id: ScheduleId }>(
    'SELECT schedule_id AS id FROM @schedule_calendars WHERE calendar = $1 ORDER BY schedule_id',
    [name],
  )
  if (users.length > 0) {
    const ids = users.map(({ id }) => id)
    throw calendarInUse(name, ids)
  }
  await tx.query('DELETE FROM @calendars WHERE name = $1', [name])
  await tx.query(NEXT_REVISION)
  return true
}

/** The revision of all calendars, and which of `names` are there. Both stay so until the end of the transaction. */
export async function holdCalendars(
  tx: Transaction,
  names: readonly CalendarName[] = [],
): Promise<{ revision: number; known: ReadonlySet<CalendarName> }> {
  await tx.lock([tx.isCallers ? CALENDARS_OF_CALLERS : CALENDARS], 'shared')
  const rows = await tx.rows<{ value: number; name: CalendarName | null }>(
    `SELECT counters.value, calendars.name FROM @counters counters
     LEFT JOIN @calendars calendars ON calendars.name = ANY ($1::text[])
     WHERE counters.name = 'calendars'`,
    [names],
  )
  return { revision: rows[0]!.value, known: new Set(rows.flatMap(({ name }) => name ?? [])) }
}

/** From now on each of these schedules refers to its calendars and no others. */
export async function refer(
  tx: Transaction,
  uses: ReadonlyMap<ScheduleId, readonly CalendarName[]>,
): Promise<void> {
  await tx.query('DELETE FROM @schedule_calendars WHERE schedule_id = ANY ($1::text[])', [[...uses.keys()]])
  const pairs = [...uses].flatMap(([id, names]) => names.map((name) => [id, name] as const))
  if (pairs.length === 0) return
  await tx.query(
    'INSERT INTO @schedule_calendars (schedule_id, calendar) SELECT * FROM unnest($1::text[], $2::text[])',
    [pairs.map(([id]) => id), pairs.map(([, name]) => name)],
  )
}

async function find(tx: Transaction, name: CalendarName): Promise<Calendar | null> {
  const [row] = await tx.rows<CalendarRow>(`SELECT ${COLUMNS} FROM @calendars calendars WHERE name = $1`, [
    name,
  ])
  return row === undefined ? null : calendarOf(row)
}
