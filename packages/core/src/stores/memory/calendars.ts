import type { Calendar, CalendarName } from '../../domain/calendar.js'
import { EvertickError } from '../../domain/errors.js'
import type {
  CalendarQuery,
  CalendarSnapshot,
  Page,
  PutCalendar,
  PutCalendarResult,
} from '../../store/contract.js'
import { calendarInUse } from '../../store/calendar-in-use.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { CalendarExport } from '../../store/exports.js'
import { revisionAfter, sameCalendar } from '../../store/imported-calendar.js'
import type { StoreClock } from '../../store/store-clock.js'
import { deepFreeze } from './deep-freeze.js'
import type { ScheduleTable } from './schedule-table.js'

export class Calendars {
  readonly #schedules: ScheduleTable
  readonly #clock: StoreClock
  readonly #calendars = new Map<CalendarName, Calendar>()
  #revision = 0

  constructor(schedules: ScheduleTable, clock: StoreClock) {
    this.#schedules = schedules
    this.#clock = clock
  }

  /** Of all calendars together. */
  get revision(): number {
    return this.#revision
  }

  /** Those of `names` that are not there. */
  missing(names: readonly CalendarName[]): CalendarName[] {
    return names.filter((name) => !this.#calendars.has(name))
  }

  put({ definition, expect }: PutCalendar): PutCalendarResult {
    const { name } = definition
    const existing = this.#calendars.get(name) ?? null
    if (expect === 'absent' ? existing !== null : existing?.revision !== expect) {
      return { outcome: 'conflict', calendar: existing }
    }
    const now = this.#clock.now()
    const calendar: Calendar = Object.freeze({
      name,
      definition: deepFreeze(structuredClone(definition)),
      revision: ++this.#revision,
      createdAt: existing?.createdAt ?? now,
      updatedAt: now,
    })
    this.#calendars.set(name, calendar)
    return { outcome: existing === null ? 'created' : 'updated', calendar }
  }

  /** Writes a calendar of another store; see {@link revisionAfter}. */
  restore({ kind: _kind, calendarsRevision, ...calendar }: CalendarExport): void {
    const isChanged = !sameCalendar(this.#calendars.get(calendar.name) ?? null, calendar)
    this.#revision = revisionAfter(this.#revision, calendarsRevision, isChanged)
    this.#calendars.set(calendar.name, deepFreeze(structuredClone(calendar)))
  }

  get(names: readonly CalendarName[]): CalendarSnapshot {
    return {
      calendars: names.map((name) => this.#calendars.get(name) ?? null),
      revision: this.#revision,
    }
  }

  list({ limit, cursor }: CalendarQuery): Page<Calendar> {
    const after = cursor === undefined ? '' : (decodeCursor(cursor, ['string'])[0] as CalendarName)
    const names = [...this.#calendars.keys()].filter((name) => name > after).toSorted()
    const items = names.slice(0, limit).map((name) => this.#calendars.get(name)!)
    return { items, nextCursor: names.length > limit ? encodeCursor([items.at(-1)!.name]) : null }
  }

  /** @throws {EvertickError} REVISION_CONFLICT, ILLEGAL_STATE */
  delete(name: CalendarName, revision: number | undefined): boolean {
    const calendar = this.#calendars.get(name)
    if (calendar === undefined) return false
    if (revision !== undefined && revision !== calendar.revision) {
      throw new EvertickError(
        'REVISION_CONFLICT',
        `Calendar ${name} has revision ${calendar.revision}, not ${revision}`,
      )
    }
    const users = this.#schedules.usersOf(name)
    if (users.length > 0) throw calendarInUse(name, users)
    this.#calendars.delete(name)
    this.#revision++
    return true
  }
}
