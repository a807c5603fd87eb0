import type { HistoryPolicy } from '../domain/policies.js'
import type { RecoveredRun, Store } from '../store/contract.js'

const RECOVER_AT_ONCE = 200
const PRUNE_AT_ONCE = 500
/** A dead node's runs are taken over within the lease and this. */
const RECOVER_EVERY_MS = 1000
/** Between steps of one round over the history, and between rounds. */
const PRUNE_STEP_MS = 200
const PRUNE_ROUND_MS = 60_000

export interface UpkeepOptions {
  readonly store: Store
  readonly history: HistoryPolicy
  readonly recovered: (runs: readonly RecoveredRun[]) => void
}

/** What any node does for all: takes back the runs of the dead, and removes old history. */
export class Upkeep {
  readonly #options: UpkeepOptions

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  async recoverStep(): Promise<number> {
    const runs = await this.#options.store.recover(RECOVER_AT_ONCE)
    if (runs.length > 0) this.#options.recovered(runs)
    return runs.length === RECOVER_AT_ONCE ? 0 : RECOVER_EVERY_MS
  }

  async pruneStep(): Promise<number> {
    const { deleted, more } = await this.#options.store.prune(this.#options.history, PRUNE_AT_ONCE)
    if (deleted === PRUNE_AT_ONCE) return 0
    return more ? PRUNE_STEP_MS : PRUNE_ROUND_MS
  }
}
