import type { ScheduleId } from '../domain/ids.js'
import { specOf } from '../domain/definition.js'
import type { JsonText } from '../domain/json.js'
import type { Plannable } from '../domain/plan.js'
import type { SchedulePolicy } from '../domain/policies.js'
import type { Schedule } from '../domain/schedule.js'
import type { TaskName } from '../domain/ids.js'
import { afterRunMsOf } from '../triggers/after-run.js'
import { calendarNames } from '../triggers/calendar-names.js'
import { intervalMsOf } from '../triggers/interval.js'
import { plannable } from '../triggers/plannable.js'
import { StoredCalendars, type CalendarLookup } from '../triggers/stored-calendars.js'
import type { Peek, Store } from '../store/contract.js'

interface Compiled {
  readonly revision: number
  /** The revision of the calendars that it was compiled with; `null` when its trigger refers to none. */
  readonly calendarsRevision: number | null
}

/** A schedule made ready to fire: compiled once per revision, not once per fire. */
export interface ReadySchedule extends Plannable, Compiled {
  readonly policy: SchedulePolicy
  readonly task: TaskName
  readonly spec: JsonText | null
  /** So long after the end of its last run it fires; `null` for one that does not wait for runs. */
  readonly afterRunMs: number | null
  /** The length of an interval that counts from its start; `null` for every other trigger. */
  readonly intervalMs: number | null
}

/** A schedule that this node cannot plan, and why. */
export interface UnplannableSchedule extends Compiled {
  readonly schedule: Schedule
  readonly error: unknown
}

export type CachedSchedule = ReadySchedule | UnplannableSchedule

// About 1 KB each. Beyond it the oldest are read and compiled again.
const MAX_CACHED = 200_000

export class ScheduleCache {
  readonly #store: Store
  readonly #entries = new Map<ScheduleId, CachedSchedule>()
  readonly #calendars = new StoredCalendars()

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * In the order of `due`; `null` for a schedule that changed or went since it was peeked at. What refers to calendars
   * is compiled again whenever any calendar has changed; what refers to none pays nothing for them.
   */
  async resolve({
    due,
    calendarsRevision,
  }: Pick<Peek, 'due' | 'calendarsRevision'>): Promise<(CachedSchedule | null)[]> {
    const stale = due.filter(({ id, revision }) => {
      const entry = this.#entries.get(id)
      if (entry?.revision !== revision) return true
      return entry.calendarsRevision !== null && entry.calendarsRevision !== calendarsRevision
    })
    if (stale.length > 0) await this.#load(stale.map(({ id }) => id))
    return due.map(({ id, revision }) => {
      const entry = this.#entries.get(id)
      return entry?.revision === revision ? entry : null
    })
  }

  async #load(ids: readonly ScheduleId[]): Promise<void> {
    const found = (await this.#store.getSchedules(ids)).filter((schedule) => schedule !== null)
    const names = new Map(found.map(({ id, definition }) => [id, calendarNames(definition.trigger)]))
    const wanted = [...new Set([...names.values()].flat())]
    const { calendars, revision } =
      wanted.length === 0 ? { calendars: [], revision: null } : await this.#store.getCalendars(wanted)
    const lookup = this.#calendars.among(calendars)
    for (const schedule of found) {
      const refers = names.get(schedule.id)!.length > 0
      this.#add(prepare(schedule, lookup, refers ? revision : null), schedule.id)
    }
  }

  #add(entry: CachedSchedule, id: ScheduleId): void {
    if (this.#entries.size >= MAX_CACHED) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(id, entry)
  }
}

function prepare(
  schedule: Schedule,
  calendar: CalendarLookup,
  calendarsRevision: number | null,
): CachedSchedule {
  const { definition, revision } = schedule
  try {
    const ready = plannable(definition, { calendar })
    return {
      ...ready,
      revision,
      calendarsRevision,
      task: definition.task,
      spec: specOf(definition),
      afterRunMs: afterRunMsOf(ready.trigger, definition.trigger),
      intervalMs: intervalMsOf(definition.trigger),
    }
  } catch (error) {
    return { revision, calendarsRevision, schedule, error }
  }
}
