import type { ScheduleId } from '../domain/ids.js'
import { specOf } from '../domain/definition.js'
import type { JsonText } from '../domain/json.js'
import type { Plannable } from '../domain/plan.js'
import type { SchedulePolicy } from '../domain/policies.js'
import type { Schedule } from '../domain/schedule.js'
import type { TaskName } from '../domain/ids.js'
import { plannable } from '../triggers/plannable.js'
import type { DueSchedule, Store } from '../store/contract.js'

/** A schedule made ready to fire: compiled once per revision, not once per fire. */
export interface ReadySchedule extends Plannable {
  readonly revision: number
  readonly policy: SchedulePolicy
  readonly task: TaskName
  readonly spec: JsonText | null
}

/** A schedule that this node cannot plan, and why. */
export interface UnplannableSchedule {
  readonly revision: number
  readonly schedule: Schedule
  readonly error: unknown
}

export type CachedSchedule = ReadySchedule | UnplannableSchedule

// About 1 KB each. Beyond it the oldest are read and compiled again.
const MAX_CACHED = 200_000

export class ScheduleCache {
  readonly #store: Store
  readonly #entries = new Map<ScheduleId, CachedSchedule>()

  constructor(store: Store) {
    this.#store = store
  }

  /** In the order of `due`; `null` for a schedule that changed or went since it was peeked at. */
  async resolve(due: readonly DueSchedule[]): Promise<(CachedSchedule | null)[]> {
    const unknown = due.filter(({ id, revision }) => this.#entries.get(id)?.revision !== revision)
    if (unknown.length > 0) {
      const schedules = await this.#store.getSchedules(unknown.map(({ id }) => id))
      for (const schedule of schedules) if (schedule !== null) this.#add(schedule)
    }
    return due.map(({ id, revision }) => {
      const entry = this.#entries.get(id)
      return entry?.revision === revision ? entry : null
    })
  }

  #add(schedule: Schedule): void {
    if (this.#entries.size >= MAX_CACHED) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(schedule.id, prepare(schedule))
  }
}

function prepare(schedule: Schedule): CachedSchedule {
  const { definition, revision } = schedule
  try {
    return { ...plannable(definition), revision, task: definition.task, spec: specOf(definition) }
  } catch (error) {
    return { revision, schedule, error }
  }
}
