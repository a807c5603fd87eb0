import type { Clock } from '../domain/clock.js'
import { isTask } from '../domain/define-task.js'
import { EvertickError } from '../domain/errors.js'
import type { RunId, TaskName } from '../domain/ids.js'
import type { Run } from '../domain/run.js'
import { isOpen } from '../domain/run.js'
import type { Task } from '../domain/task.js'
import type { LogPage, Page, RunQuery, Store } from '../store/contract.js'
import { withinTransaction } from '../store/within-transaction.js'
import { CalendarReader } from './calendar-source.js'
import { prepare, requireFittingInput, requireKnownTasks } from './prepare.js'
import { runQuery, wholeNumber } from './query.js'
import { requestIdOf, requestRun } from './run-request.js'
import type { EnqueueOptions, RunClient } from './types.js'

export class Runs implements RunClient {
  readonly #store: Store
  readonly #tasks: ReadonlyMap<TaskName, Task>
  readonly #calendars: CalendarReader
  readonly #clock: Clock

  constructor(store: Store, tasks: ReadonlyMap<TaskName, Task>, clock: Clock) {
    this.#store = store
    this.#tasks = tasks
    this.#calendars = new CalendarReader(store)
    this.#clock = clock
  }

  async enqueue(task: TaskName | Task, options: EnqueueOptions = {}): Promise<Run> {
    const { requestId, tx, allowUnknownTask, ...rest } = options
    const request = requestIdOf(requestId, this.#clock)
    const store = tx === undefined ? this.#store : withinTransaction(this.#store, tx)
    const name = isTask(task) ? task.name : task
    // Checked like a schedule, of which it is one run.
    const like = {
      id: `task:${name}`,
      task: name,
      trigger: { kind: 'interval', every: { hours: 1 } },
      ...rest,
    }
    const { definition } = prepare(like, await this.#calendars.sourceFor([]))
    if (allowUnknownTask !== true) await requireKnownTasks([definition], this.#tasks, this.#store)
    await requireFittingInput(name, definition.input, this.#tasks)
    return requestRun(store, definition, request, definition.input)
  }

  // Async, so that a wrong query is a rejection and not a throw.
  async list(query: Partial<RunQuery> = {}): Promise<Page<Run>> {
    return this.#store.listRuns(runQuery(query))
  }

  get(id: RunId): Promise<Run | null> {
    return this.#store.getRun(id)
  }

  async cancel(id: RunId): Promise<Run> {
    const before = await this.#require(id)
    if (!isOpen(before.status)) throw illegal(before, 'cancelled')
    return (await this.#store.cancelRun(id)) ?? before
  }

  async retry(id: RunId): Promise<Run> {
    const before = await this.#require(id)
    if (isOpen(before.status) || before.status === 'succeeded') throw illegal(before, 'tried again')
    return (await this.#store.retryRun(id)) ?? before
  }

  async log(id: RunId, options: { after?: number; limit?: number } = {}): Promise<LogPage> {
    const limit = wholeNumber('limit', options.limit, { fallback: 1000, most: 10_000 })
    const after = wholeNumber('after', options.after, {
      fallback: 0,
      least: 0,
      most: Number.MAX_SAFE_INTEGER,
    })
    await this.#require(id)
    return this.#store.readLog(id, { after, limit })
  }

  async #require(id: RunId): Promise<Run> {
    const run = await this.#store.getRun(id)
    if (run === null) throw new EvertickError('RUN_NOT_FOUND', `There is no run ${id}`)
    return run
  }
}

function illegal(run: Run, verb: string): EvertickError {
  return new EvertickError('ILLEGAL_STATE', `Run ${run.id} is ${run.status} and cannot be ${verb}`)
}
