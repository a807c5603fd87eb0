import type { Store } from '../store/contract.js'
import type { Dispatcher } from './dispatcher.js'
import type { NotTried } from './loop.js'

export interface ClaimRunsOptions {
  readonly store: Store
  readonly dispatcher: Dispatcher
  readonly pollMs: number
}

/** The second loop: lease runs that wait, within this node's free slots. Woken by hints, by freed slots, by a poll. */
export class ClaimRuns {
  readonly #options: ClaimRunsOptions
  #moreLikely = false

  constructor(options: ClaimRunsOptions) {
    this.#options = options
  }

  /** Whether a slot that becomes free should wake the loop. */
  get wantsSlots(): boolean {
    return this.#moreLikely
  }

  /** Runs were created that nobody has leased yet. */
  expectMore(): void {
    this.#moreLikely = true
  }

  async step(): Promise<number | NotTried> {
    const { store, dispatcher, pollMs } = this.#options
    const { free } = dispatcher.slots
    if (free === 0) return { sleepMs: pollMs }
    let isTried = false
    const { claimed } = await dispatcher.dispatch(async (dispatch) => {
      isTried = dispatch !== null
      return { claimed: dispatch === null ? [] : await store.claim(dispatch) }
    })
    if (!isTried) return { sleepMs: pollMs }
    // Runs of a task without a free slot here were not asked for: they wait for one as before.
    this.#moreLikely = claimed.length > 0 || (this.#moreLikely && dispatcher.slots.anyTaskFull)
    // All that was offered was taken: there may be more, and handlers that end at once have freed their slots.
    return claimed.length >= free && dispatcher.slots.free > 0 ? 0 : pollMs
  }
}
