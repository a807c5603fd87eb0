import type { Calendar, CalendarName } from '../../domain/calendar.js'
import { EvertickError } from '../../domain/errors.js'
import type { ScheduleId } from '../../domain/ids.js'
import type {
  CalendarQuery,
  CalendarSnapshot,
  CalendarUse,
  Page,
  PutCalendar,
  PutCalendarResult,
} from '../../store/contract.js'
import { calendarInUse } from '../../store/calendar-in-use.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { CalendarExport } from '../../store/exports.js'
import { revisionAfter, sameCalendar } from '../../store/imported-calendar.js'
import { calendarOf, type CalendarRow } from '../sql/rows.js'
import type { Database } from './database.js'
import type { SqlValue } from './driver.js'

/** Named calendars, and which schedules refer to them. What writes runs inside a transaction. */
export class Calendars {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Of all calendars together. */
  revision(): number {
    const row = this.#db.statement("SELECT value FROM counters WHERE name = 'calendars'").get()
    return (row as { value: number }).value
  }

  #nextRevision(): number {
    const row = this.#db
      .statement("UPDATE counters SET value = value + 1 WHERE name = 'calendars' RETURNING value")
      .get()
    return (row as { value: number }).value
  }

  put({ definition, expect }: PutCalendar): PutCalendarResult {
    const { name } = definition
    const existing = this.#find(name)
    if (expect === 'absent' ? existing !== null : existing?.revision !== expect) {
      return { outcome: 'conflict', calendar: existing }
    }
    const now = this.#db.now()
    this.#db
      .statement(
        `INSERT INTO calendars (name, revision, definition, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET
           revision = excluded.revision, definition = excluded.definition, updated_at = excluded.updated_at`,
      )
      .run(name, this.#nextRevision(), JSON.stringify(definition), now, now)
    return { outcome: existing === null ? 'created' : 'updated', calendar: this.#find(name)! }
  }

  /** Writes a calendar of another store; see {@link revisionAfter}. */
  restore(item: CalendarExport): void {
    const { name, revision, definition, createdAt, updatedAt, calendarsRevision } = item
    const isChanged = !sameCalendar(this.#find(name), item)
    this.#db
      .statement("UPDATE counters SET value = ? WHERE name = 'calendars'")
      .run(revisionAfter(this.revision(), calendarsRevision, isChanged))
    this.#db
      .statement(
        'INSERT OR REPLACE INTO calendars (name, revision, definition, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
      )
      .run(name, revision, JSON.stringify(definition), createdAt, updatedAt)
  }

  /** One statement, so that all are of one moment. */
  get(names: readonly CalendarName[]): CalendarSnapshot {
    const rows = this.#db
      .statement(
        `SELECT counters.value AS total, calendars.* FROM counters
         LEFT JOIN calendars ON calendars.name IN (SELECT value FROM json_each(?))
         WHERE counters.name = 'calendars'`,
      )
      .all(JSON.stringify(names)) as (CalendarRow & { total: number })[]
    const found = new Map(rows.map((row) => [row.name, row]))
    const calendars = names.map((name) => found.get(name)).map((row) => (row ? calendarOf(row) : null))
    return { calendars, revision: rows[0]!.total }
  }

  list({ limit, cursor }: CalendarQuery): Page<Calendar> {
    const after: SqlValue = cursor === undefined ? '' : decodeCursor(cursor, ['string'])[0]!
    const rows = this.#db
      .statement('SELECT * FROM calendars WHERE name > ? ORDER BY name LIMIT ?')
      .all(after, limit + 1) as CalendarRow[]
    const items = rows.slice(0, limit).map(calendarOf)
    return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.name]) : null }
  }

  /** @throws {EvertickError} REVISION_CONFLICT, ILLEGAL_STATE */
  delete(name: CalendarName, revision: number | undefined): boolean {
    const calendar = this.#find(name)
    if (calendar === null) return false
    if (revision !== undefined && revision !== calendar.revision) {
      throw new EvertickError(
        'REVISION_CONFLICT',
        `Calendar ${name} has revision ${calendar.revision}, not ${revision}`,
      )
    }
    const users = this.#db
      .statement('SELECT schedule_id AS id FROM schedule_calendars WHERE calendar = ? ORDER BY schedule_id')
      .all(name) as { id: ScheduleId }[]
    if (users.length > 0)
      throw calendarInUse(
        name,
        users.map(({ id }) => id),
      )
    this.#db.statement('DELETE FROM calendars WHERE name = ?').run(name)
    this.#nextRevision()
    return true
  }

  /** What keeps a timing that was computed with `use` from being written, or `null`. */
  refusal({ names, revision }: CalendarUse): { missing: CalendarName[] } | null {
    const missing = names.filter((name) => this.#find(name) === null)
    return missing.length > 0 || revision !== this.revision() ? { missing } : null
  }

  /** From now on the schedule refers to these and no others. */
  refer(id: ScheduleId, names: readonly CalendarName[]): void {
    this.#db.statement('DELETE FROM schedule_calendars WHERE schedule_id = ?').run(id)
    for (const name of names)
      this.#db.statement('INSERT INTO schedule_calendars (schedule_id, calendar) VALUES (?, ?)').run(id, name)
  }

  #find(name: CalendarName): Calendar | null {
    const row = this.#db.statement('SELECT * FROM calendars WHERE name = ?').get(name)
    return row === undefined ? null : calendarOf(row as CalendarRow)
  }
}
