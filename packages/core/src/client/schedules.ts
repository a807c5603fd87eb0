import { policyOf, specOf, timingOf } from '../domain/definition.js'
import { EvertickError, InvalidError } from '../domain/errors.js'
import { isValidRequestId, REQUEST_ID_RULE, uuidv7, type ScheduleId, type TaskName } from '../domain/ids.js'
import type { Clock, EpochMs } from '../domain/clock.js'
import { shown } from '../domain/field-checks.js'
import { canonicalJson, type JsonValue } from '../domain/json.js'
import { withJitter, type FireTime } from '../domain/plan.js'
import type { Run, RunSpec } from '../domain/run.js'
import type { Schedule, ScheduleState } from '../domain/schedule.js'
import type { Task } from '../domain/task.js'
import type { Page, PutSchedule, ScheduleQuery, Store } from '../store/contract.js'
import { plannable } from '../triggers/plannable.js'
import {
  firstFire,
  hasFireLeft,
  prepare,
  requireFittingInput,
  requireKnownTasks,
  type PreparedSchedule,
} from './prepare.js'
import { scheduleQuery, wholeNumber } from './query.js'
import { upcoming } from './upcoming.js'
import type { PutOptions, ScheduleClient, ScheduleInput, SchedulePatch } from './types.js'

const AT_ONCE = 500
/** Others may edit the same schedule; so many times in a row they do not. */
const MAX_RACES = 20

/** What to write over `existing`, or `null` to leave it as it is. */
type Change = (existing: Schedule | null) => PutSchedule | null

export class Schedules implements ScheduleClient {
  readonly #store: Store
  readonly #tasks: ReadonlyMap<TaskName, Task>
  readonly #clock: Clock

  constructor(store: Store, tasks: ReadonlyMap<TaskName, Task>, clock: Clock) {
    this.#store = store
    this.#tasks = tasks
    this.#clock = clock
  }

  async put(schedule: ScheduleInput, options?: PutOptions): Promise<Schedule> {
    return (await this.putAll([schedule], options))[0]!
  }

  async putAll(inputs: readonly ScheduleInput[], options: PutOptions = {}): Promise<Schedule[]> {
    const prepared = inputs.map((input) => prepare(input))
    requireDistinct(prepared)
    await this.#requireRunnable(prepared, options)
    const now = await this.#store.now()
    return this.#write(
      prepared.map((item): [ScheduleId, Change] => [
        item.definition.id,
        (existing) => put(item, existing, now, options),
      ]),
    )
  }

  async #requireRunnable(prepared: readonly PreparedSchedule[], options: PutOptions): Promise<void> {
    const definitions = prepared.map(({ definition }) => definition)
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
      const patched = prepare({ ...existing.definition, ...changes, id })
      await this.#requireRunnable([patched], options)
      const now = await this.#store.now()
      const change = put(patched, existing, now, {})
      if (change === null) return existing
      const [result] = await this.#store.putSchedules([change])
      if (result!.outcome !== 'conflict') return result!.schedule
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
    return this.#change(id, (existing) => {
      if (existing.state === 'active') return null
      if (existing.state === 'finished') throw illegal(existing, 'resumed')
      const { trigger } = plannable(existing.definition)
      const kept =
        existing.nextFireTime !== null && existing.nextFireTime > now ? existing.nextFireTime : null
      const next = kept ?? trigger.next(now)
      const timing = next === null ? null : fireAt(existing, next)
      return withState(existing, next === null ? 'finished' : 'active', null, timing)
    })
  }

  async delete(id: ScheduleId, options: Pick<PutOptions, 'ifRevision'> = {}): Promise<boolean> {
    return this.#store.deleteSchedule(id, options.ifRevision)
  }

  async runNow(id: ScheduleId, options: { requestId?: string; input?: unknown } = {}): Promise<Run> {
    const requestId = options.requestId ?? uuidv7(this.#clock.now())
    if (!isValidRequestId(requestId)) {
      const message = `requestId must be ${REQUEST_ID_RULE}, but is ${shown(requestId)}`
      throw new InvalidError('INVALID_QUERY', [{ path: 'requestId', rule: 'requestId', message }])
    }
    const { definition } = await this.#require(id)
    // Checked, and brought through JSON, like the input of a schedule.
    const { input } =
      options.input === undefined ? definition : prepare({ ...definition, input: options.input }).definition
    await requireFittingInput(definition.task, input, this.#tasks)
    const { delivery, priority, group } = policyOf(definition)
    const [run] = await this.#store.addRuns([
      {
        scheduleId: id,
        requestId,
        kind: 'manual',
        fireTime: null,
        task: definition.task,
        spec: specOf(definition, input),
        delivery,
        priority,
        group,
      },
    ])
    if (!sameInput(run!, input)) {
      const message = `requestId ${shown(requestId)} was used for run ${run!.id}, which has another input; take a new requestId`
      throw new EvertickError('ILLEGAL_STATE', message, {
        problems: [{ path: 'requestId', rule: 'requestId.sameInput', message }],
      })
    }
    return run!
  }

  async upcoming(id: ScheduleId, options: { count?: number; after?: EpochMs } = {}): Promise<EpochMs[]> {
    const count = wholeNumber('count', options.count, { fallback: 10, most: 1000 })
    return upcoming(await this.#require(id), count, options.after)
  }

  async #require(id: ScheduleId): Promise<Schedule> {
    const schedule = await this.get(id)
    if (schedule === null) throw notFound(id)
    return schedule
  }

  async #change(id: ScheduleId, change: (existing: Schedule) => PutSchedule | null): Promise<Schedule> {
    const onExisting: Change = (existing) => {
      if (existing === null) throw notFound(id)
      return change(existing)
    }
    return (await this.#write([[id, onExisting]]))[0]!
  }

  /**
   * Reads, decides and writes with compare-and-set; what someone else changed in between is decided again. All is
   * decided before the first is written, so that a refusal leaves nothing half done.
   */
  async #write(changes: readonly [ScheduleId, Change][]): Promise<Schedule[]> {
    const results: (Schedule | undefined)[] = []
    let open = [...changes.entries()]
    for (let races = 0; open.length > 0; races++) {
      const ids = open.map(([, [id]]) => id)
      const current = await inBatches(ids, (batch) => this.#store.getSchedules(batch))
      const puts: PutSchedule[] = []
      const positions: number[] = []
      for (const [i, [position, [, change]]] of open.entries()) {
        const existing = current[i] ?? null
        const item = change(existing)
        if (item === null) {
          results[position] = existing!
        } else {
          puts.push(item)
          positions.push(position)
        }
      }
      const answers = await inBatches(puts, (batch) => this.#store.putSchedules(batch))
      const lost = new Set<number>()
      for (const [i, answer] of answers.entries()) {
        if (answer.outcome === 'conflict') lost.add(positions[i]!)
        else results[positions[i]!] = answer.schedule
      }
      open = open.filter(([position]) => lost.has(position))
      if (open.length > 0 && races === MAX_RACES) throw tooManyRaces(open[0]![1][0])
    }
    return results as Schedule[]
  }
}

async function inBatches<Item, Answer>(
  items: readonly Item[],
  call: (batch: readonly Item[]) => Promise<Answer[]>,
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let start = 0; start < items.length; start += AT_ONCE) {
    answers.push(...(await call(items.slice(start, start + AT_ONCE))))
  }
  return answers
}

/** The rule of `put`: what to write over what is there, or `null` to leave that as it is. */
function put(
  prepared: PreparedSchedule,
  existing: Schedule | null,
  now: EpochMs,
  { ifExists = 'replace', ifRevision, paused = false }: PutOptions,
): PutSchedule | null {
  const { definition } = prepared
  if (existing === null) {
    if (ifRevision !== undefined) throw notFound(definition.id)
    const timing = firstFire(prepared, now, 0)
    return { definition, state: paused ? 'paused' : 'active', stateReason: null, expect: 'absent', timing }
  }
  if (ifExists === 'error') {
    throw new EvertickError('SCHEDULE_EXISTS', `There is a schedule ${definition.id} already`)
  }
  if (ifRevision !== undefined && existing.revision !== ifRevision) {
    throw revisionConflict(definition.id, existing.revision, ifRevision)
  }
  return ifExists === 'keep' ? null : replacement(prepared, existing, now, paused)
}

function replacement(
  prepared: PreparedSchedule,
  existing: Schedule,
  now: EpochMs,
  pause: boolean,
): PutSchedule | null {
  const { definition } = prepared
  const expect = existing.revision
  const sameTiming = prepared.timing === timingOf(existing.definition)
  const unchanged = sameTiming && canonicalJson(existing.definition) === canonicalJson(definition)
  const pausing = pause && existing.state === 'active'
  // Put again, a broken schedule is computed anew: what it lacked may be there now.
  if (unchanged && !pausing && existing.state !== 'broken') return null
  const paused = pause || existing.state === 'paused'
  const state = paused ? 'paused' : 'active'
  const stateReason = paused ? existing.stateReason : null
  if (sameTiming && (existing.state === 'active' || existing.state === 'paused')) {
    return { definition, state, stateReason, expect, timing: 'keep' }
  }
  if (sameTiming && existing.state === 'finished' && !hasFireLeft(prepared, existing.fires, now)) {
    // Nothing left to fire, and nothing about that was changed: only its words or policies were.
    return { definition, state: 'finished', stateReason: existing.stateReason, expect, timing: null }
  }
  return { definition, state, stateReason, expect, timing: firstFire(prepared, now, existing.fires) }
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

/** Only the input counts: a request repeated after an edit of the retry rule is the same request. */
function sameInput({ spec }: Run, input: JsonValue = null): boolean {
  const given = spec === null ? undefined : (JSON.parse(spec) as RunSpec).input
  return canonicalJson(given ?? null) === canonicalJson(input)
}

function withState(
  { definition, revision }: Schedule,
  state: ScheduleState,
  stateReason: string | null,
  timing: PutSchedule['timing'],
): PutSchedule {
  return { definition, state, stateReason, expect: revision, timing }
}

function fireAt({ definition }: Schedule, fireTime: EpochMs): FireTime {
  return withJitter({ id: definition.id, policy: policyOf(definition) }, fireTime)
}

function notFound(id: ScheduleId): EvertickError {
  return new EvertickError('SCHEDULE_NOT_FOUND', `There is no schedule ${shown(id)}`)
}

function revisionConflict(id: ScheduleId, is: number, expected: number): EvertickError {
  return new EvertickError(
    'REVISION_CONFLICT',
    `Schedule ${id} has revision ${is}, not ${expected}: read it again`,
  )
}

function illegal({ id, state }: Schedule, verb: string): EvertickError {
  return new EvertickError('ILLEGAL_STATE', `Schedule ${id} is ${state} and cannot be ${verb}`)
}

function tooManyRaces(id: ScheduleId): EvertickError {
  return new EvertickError(
    'REVISION_CONFLICT',
    `Schedule ${id} is being changed by others all the time; try again`,
  )
}
