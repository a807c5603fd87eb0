import { InvalidError } from '../domain/errors.js'
import type { ScheduleId, TaskName } from '../domain/ids.js'
import type { Clock, EpochMs } from '../domain/clock.js'
import { shown } from '../domain/field-checks.js'
import type { Run } from '../domain/run.js'
import type { Schedule, ScheduleDefinition, ScheduleState } from '../domain/schedule.js'
import type { SqlTransaction } from '../domain/sql-transaction.js'
import type { Task } from '../domain/task.js'
import type { Page, PutSchedule, ScheduleQuery, Store, StoreWithin } from '../store/contract.js'
import { withinTransaction } from '../store/within-transaction.js'
import { CalendarReader, type CalendarSource } from './calendar-source.js'
import {
  prepare,
  prepared,
  requireFittingInput,
  requireKnownTasks,
  timingAt,
  type PreparedSchedule,
} from './prepare.js'
import { put, retimed } from './put-rules.js'
import { scheduleQuery, wholeNumber } from './query.js'
import { requestIdOf, requestRun } from './run-request.js'
import { illegal, notFound, revisionConflict, tooManyRaces } from './schedule-errors.js'
import { MAX_RACES, writeSchedules, type Change } from './schedule-writer.js'
import { upcoming } from './upcoming.js'
import type { PutOptions, ScheduleClient, ScheduleInput, SchedulePatch } from './types.js'

export class Schedules implements ScheduleClient {
  readonly #store: Store
  readonly #tasks: ReadonlyMap<TaskName, Task>
  readonly #clock: Clock
  readonly #calendars: CalendarReader

  constructor(store: Store, tasks: ReadonlyMap<TaskName, Task>, clock: Clock) {
    this.#store = store
    this.#calendars = new CalendarReader(store)
    this.#tasks = tasks
    this.#clock = clock
  }

  async put(schedule: ScheduleInput, options?: PutOptions): Promise<Schedule> {
    return (await this.putAll([schedule], options))[0]!
  }

  async putAll(inputs: readonly ScheduleInput[], options: PutOptions = {}): Promise<Schedule[]> {
    const source = await this.#calendars.sourceFor(
      inputs.map((input: { trigger?: unknown }) => input?.trigger),
    )
    const items = inputs.map((input) => prepare(input, source))
    requireDistinct(items)
    await this.#requireRunnable(items, options)
    const store = this.#storeFor(options)
    const now = await this.#store.now()
    return writeSchedules(
      store,
      this.#calendars,
      items.map((item): Change => ({
        id: item.definition.id,
        trigger: () => item.definition.trigger,
        decide: (existing, current) => {
          // Its calendars may have changed since it was checked.
          const fresh = item.calendars === null ? item : prepared(item.definition, current)
          return put(fresh, existing, now, options)
        },
      })),
    )
  }

  /**
   * Computes next fire times anew from now, after a calendar that these schedules refer to has changed.
   */
  async retime(ids: readonly ScheduleId[]): Promise<void> {
    const now = await this.#store.now()
    await writeSchedules(
      this.#store,
      this.#calendars,
      ids.map((id) => ({
        id,
        trigger: (existing) => existing?.definition.trigger,
        decide: (existing, source) => (existing === null ? null : retimed(existing, source, now)),
      })),
    )
  }

  /** The verbs as the caller wants them: each a step of its own, or in their transaction. */
  #storeFor({ tx }: { tx?: SqlTransaction }): Pick<StoreWithin, 'getSchedules' | 'putSchedules' | 'addRuns'> {
    return tx === undefined ? this.#store : withinTransaction(this.#store, tx)
  }

  async #requireRunnable(items: readonly PreparedSchedule[], options: PutOptions): Promise<void> {
    const definitions = items.map(({ definition }) => definition)
    if (options.allowUnknownTask !== true) await requireKnownTasks(definitions, this.#tasks, this.#store)
    for (const { task, input } of definitions) await requireFittingInput(task, input, this.#tasks)
  }

  async get(id: ScheduleId): Promise<Schedule | null> {
    return (await this.#store.getSchedules([id]))[0] ?? null
  }

  // Async, so that a wrong query is a rejection and not a throw.
  async list(query: Partial<ScheduleQuery> = {}): Promise<Page<Schedule>> {
    return this.#store.listSchedules(scheduleQuery(query))
  }

  async patch(
    id: ScheduleId,
    changes: SchedulePatch,
    options: Pick<PutOptions, 'ifRevision' | 'allowUnknownTask'> = {},
  ): Promise<Schedule> {
    if ('id' in changes && changes.id !== id) {
      const message = `id cannot be changed from ${shown(id)} to ${shown(changes.id)}; put a new schedule instead`
      throw new InvalidError('INVALID_SCHEDULE', [{ path: 'id', rule: 'id.fixed', message }])
    }
    for (let races = 0; races < MAX_RACES; races++) {
      const existing = await this.#require(id)
      if (options.ifRevision !== undefined && existing.revision !== options.ifRevision) {
        throw revisionConflict(id, existing.revision, options.ifRevision)
      }
      const merged = { ...existing.definition, ...changes, id }
      const patched = prepare(merged, await this.#calendars.sourceFor([merged.trigger]))
      await this.#requireRunnable([patched], options)
      const now = await this.#store.now()
      const change = put(patched, existing, now, {})
      if (change === null) return existing
      const [result] = await this.#store.putSchedules([change])
      if (result!.outcome === 'created' || result!.outcome === 'updated') return result!.schedule
    }
    throw tooManyRaces(id)
  }

  async pause(id: ScheduleId, options: { reason?: string } = {}): Promise<Schedule> {
    const stateReason = options.reason ?? null
    return this.#change(id, (existing) => {
      if (existing.state === 'paused') return null
      if (existing.state !== 'active') throw illegal(existing, 'paused')
      return withState(existing, 'paused', stateReason, 'keep')
    })
  }

  async resume(id: ScheduleId): Promise<Schedule> {
    const now = await this.#store.now()
    return this.#change(id, (existing, source) => {
      if (existing.state === 'active') return null
      if (existing.state === 'finished') throw illegal(existing, 'resumed')
      const item = prepared(existing.definition, source)
      const kept =
        existing.nextFireTime !== null && existing.nextFireTime > now ? existing.nextFireTime : null
      const next = kept ?? item.plannable.trigger.next(now)
      const stretchedMs = kept === null ? null : existing.stretchedMs
      const timing = next === null ? null : timingAt(item, next, stretchedMs)
      return withState(existing, next === null ? 'finished' : 'active', null, timing)
    })
  }

  async delete(id: ScheduleId, options: Pick<PutOptions, 'ifRevision'> = {}): Promise<boolean> {
    return this.#store.deleteSchedule(id, options.ifRevision)
  }

  async runNow(
    id: ScheduleId,
    options: { requestId?: string; input?: unknown; tx?: SqlTransaction } = {},
  ): Promise<Run> {
    const requestId = requestIdOf(options.requestId, this.#clock)
    const store = this.#storeFor(options)
    const [schedule] = await store.getSchedules([id])
    if (schedule === null || schedule === undefined) throw notFound(id)
    const { definition } = schedule
    // Checked, and brought through JSON, like the input of a schedule.
    const { input } =
      options.input === undefined ? definition : await this.#withInput(definition, options.input)
    await requireFittingInput(definition.task, input, this.#tasks)
    return requestRun(store, definition, requestId, input)
  }

  async upcoming(id: ScheduleId, options: { count?: number; after?: EpochMs } = {}): Promise<EpochMs[]> {
    const count = wholeNumber('count', options.count, { fallback: 10, most: 1000 })
    const schedule = await this.#require(id)
    const source = await this.#calendars.sourceFor([schedule.definition.trigger])
    return upcoming(schedule, prepared(schedule.definition, source), count, options.after)
  }

  async #withInput(definition: ScheduleDefinition, input: unknown): Promise<ScheduleDefinition> {
    const source = await this.#calendars.sourceFor([definition.trigger])
    return prepare({ ...definition, input }, source).definition
  }

  async #require(id: ScheduleId): Promise<Schedule> {
    const schedule = await this.get(id)
    if (schedule === null) throw notFound(id)
    return schedule
  }

  async #change(
    id: ScheduleId,
    change: (existing: Schedule, source: CalendarSource) => PutSchedule | null,
  ): Promise<Schedule> {
    const onExisting: Change = {
      id,
      trigger: (existing) => existing?.definition.trigger,
      decide: (existing, source) => {
        if (existing === null) throw notFound(id)
        return change(existing, source)
      },
    }
    return (await writeSchedules(this.#store, this.#calendars, [onExisting]))[0]!
  }
}

/** @throws {InvalidError} INVALID_SCHEDULE: which of two was meant cannot be told. */
function requireDistinct(items: readonly PreparedSchedule[]): void {
  const ids = new Set<ScheduleId>()
  for (const { definition } of items) {
    if (ids.has(definition.id)) {
      const message = `id must be given once, but ${shown(definition.id)} is given twice`
      throw new InvalidError('INVALID_SCHEDULE', [{ path: 'id', rule: 'id.once', message }])
    }
    ids.add(definition.id)
  }
}

function withState(
  { definition, revision }: Schedule,
  state: ScheduleState,
  stateReason: string | null,
  timing: PutSchedule['timing'],
): PutSchedule {
  return { definition, state, stateReason, expect: revision, timing }
}
