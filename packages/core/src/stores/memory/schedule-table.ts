import type { CalendarName } from '../../domain/calendar.js'
import type { EpochMs } from '../../domain/clock.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { Schedule } from '../../domain/schedule.js'
import { byText, SortedSet } from './sorted-set.js'

/** A schedule without what its runs tell. Frozen: a change makes a new one. */
export interface ScheduleRecord extends Omit<Schedule, 'lastRun'> {
  readonly calendars: readonly CalendarName[]
  readonly calendarsRevision: number | null
  readonly afterRunMs: number | null
}

/** A record that is active and has a fire time. */
export type DueRecord = ScheduleRecord & { readonly nextFireTime: EpochMs; readonly dueAt: EpochMs }

/** All schedules, by id and by due time, and what is remembered of deleted ones. */
export class ScheduleTable {
  readonly #records = new Map<ScheduleId, ScheduleRecord>()
  readonly #ids = new SortedSet<ScheduleId>(byText)
  readonly #due = new SortedSet<DueRecord>((a, b) => a.dueAt - b.dueAt || byText(a.id, b.id))

  get(id: ScheduleId): ScheduleRecord | null {
    return this.#records.get(id) ?? null
  }

  set(record: ScheduleRecord): ScheduleRecord {
    const before = this.get(record.id)
    if (before === null) this.#ids.add(record.id)
    else if (isScheduled(before)) this.#due.delete(before)
    const next = Object.freeze(record)
    this.#records.set(next.id, next)
    if (isScheduled(next)) this.#due.add(next)
    return next
  }

  delete(record: ScheduleRecord): void {
    this.#records.delete(record.id)
    this.#ids.delete(record.id)
    if (isScheduled(record)) this.#due.delete(record)
  }

  /** Active ones that have a fire time, the earliest due first. */
  due(): SortedSet<DueRecord> {
    return this.#due
  }

  ids(): SortedSet<ScheduleId> {
    return this.#ids
  }

  all(): Iterable<ScheduleRecord> {
    return this.#records.values()
  }

  /** The schedules that refer to a calendar, by id. */
  usersOf(calendar: CalendarName): ScheduleId[] {
    return [...this.#ids.ascending()].filter((id) => this.get(id)!.calendars.includes(calendar))
  }
}

function isScheduled(record: ScheduleRecord): record is DueRecord {
  return record.state === 'active' && record.nextFireTime !== null && record.dueAt !== null
}
