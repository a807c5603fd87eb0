import { EvertickError } from '../domain/errors.js'
import type { RunId } from '../domain/ids.js'
import type { Run } from '../domain/run.js'
import { isOpen } from '../domain/run.js'
import type { LogPage, Page, RunQuery, Store } from '../store/contract.js'
import { runQuery, wholeNumber } from './query.js'
import type { RunClient } from './types.js'

export class Runs implements RunClient {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
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
