import type { TaskName } from '../domain/ids.js'
import type { HistoryPolicy } from '../domain/policies.js'
import type { RecoveredRun, Store } from '../store/contract.js'
import type { NotTried } from './loop.js'

const RECOVER_AT_ONCE = 200
/** A fire may have to wait for one step: about 10 ms over SQLite, where 500 took 84 on a busy machine. */
const PRUNE_AT_ONCE = 100
/** A dead node's runs are taken over within the lease and a second, of which this leaves half to those who start them. */
const RECOVER_EVERY_MS = 500
/** Between steps of one round over the history, and between rounds. */
const PRUNE_STEP_MS = 200
const PRUNE_ROUND_MS = 60_000
/** Runs of a task that no node knows are told of when they have waited for so long: longer than a rolling release. */
const UNCLAIMED_AFTER_MS = 60_000
const UNCLAIMED_EVERY_MS = 20_000

export interface UpkeepOptions {
  readonly store: Store
  readonly history: HistoryPolicy
  readonly now: () => number
  /** Whether this node's own session still holds. Asking makes a process that stood still notice that it did. */
  readonly isTrusted: () => boolean
  readonly recovered: (runs: readonly RecoveredRun[]) => void
  /** So many runs of a task wait that no living node knows: it belongs to an older or newer release. */
  readonly unclaimed: (task: TaskName, waiting: number) => void
}

/** What any node does for all: takes back the runs of the dead, removes old history, tells of what nobody will run. */
export class Upkeep {
  readonly #options: UpkeepOptions
  /** Tasks that nobody knows, since when, and whether that was told. */
  readonly #unclaimed = new Map<TaskName, { readonly since: number; told: boolean }>()

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  async recoverStep(): Promise<number | NotTried> {
    const { store, isTrusted, recovered } = this.#options
    // Before it takes back what may be its own, its handlers have to know.
    if (!isTrusted()) return { sleepMs: RECOVER_EVERY_MS }
    const runs = await store.recover(RECOVER_AT_ONCE)
    if (runs.length > 0) recovered(runs)
    return runs.length === RECOVER_AT_ONCE ? 0 : RECOVER_EVERY_MS
  }

  async pruneStep(): Promise<number> {
    const { store, history, now } = this.#options
    const begunAt = now()
    const { deleted, more } = await store.prune(history, PRUNE_AT_ONCE)
    // However much there is to do, others have half of the time.
    if (deleted === PRUNE_AT_ONCE) return now() - begunAt
    return more ? PRUNE_STEP_MS : PRUNE_ROUND_MS
  }

  async unclaimedStep(): Promise<number> {
    const { store, now, unclaimed } = this.#options
    const waiting = (await store.stats()).unclaimed
    for (const task of this.#unclaimed.keys()) if (waiting[task] === undefined) this.#unclaimed.delete(task)
    for (const [task, count] of Object.entries(waiting)) {
      const seen = this.#unclaimed.get(task) ?? { since: now(), told: false }
      this.#unclaimed.set(task, seen)
      if (seen.told || now() - seen.since < UNCLAIMED_AFTER_MS) continue
      seen.told = true
      unclaimed(task, count)
    }
    return UNCLAIMED_EVERY_MS
  }
}
