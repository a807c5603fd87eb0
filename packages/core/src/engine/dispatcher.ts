import type { Clock } from '../domain/clock.js'
import { uuidv7, type NodeId } from '../domain/ids.js'
import { codeOf } from '../domain/errors.js'
import type { ClaimedRun, Dispatch } from '../store/contract.js'
import type { Session } from './session.js'
import type { Slots } from './slots.js'

export interface DispatcherOptions {
  readonly clock: Clock
  readonly node: NodeId
  readonly groups: readonly string[]
  readonly slots: Slots
  readonly session: Session
  readonly leaseMs: number
  readonly start: (run: ClaimedRun) => void
  /** Gives back what was leased to a node that is stopping. */
  readonly release: (run: ClaimedRun) => void
}

/**
 * The one way in which this node takes leases. One call at a time, so that no slot is promised twice, and so that
 * a call whose answer was lost can be repeated under its request id before anything else is taken.
 */
export class Dispatcher {
  readonly slots: Slots
  readonly #options: DispatcherOptions
  #last: Promise<unknown> = Promise.resolve()
  /** Of the call whose answer was lost, if any. */
  #unanswered: { session: string; requestId: string } | null = null
  #closed = false

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.slots = options.slots
  }

  /** Calls the store with what this node can take, and starts what it was given. */
  async dispatch<Answer extends { readonly claimed: readonly ClaimedRun[] }>(
    call: (dispatch: Dispatch | null) => Promise<Answer>,
  ): Promise<Answer> {
    const turn = this.#last.then(() => this.#call(call))
    // The next caller waits for this one, however it ends.
    this.#last = turn.then(ignore, ignore)
    return turn
  }

  async #call<Answer extends { readonly claimed: readonly ClaimedRun[] }>(
    call: (dispatch: Dispatch | null) => Promise<Answer>,
  ): Promise<Answer> {
    const dispatch = this.#offer()
    let answer: Answer
    try {
      answer = await call(dispatch)
      this.#unanswered = null
    } catch (error) {
      if (dispatch !== null) this.#failed(dispatch, error)
      throw error
    }
    for (const run of answer.claimed) {
      if (this.#holds(dispatch)) this.#options.start(run)
      else this.#options.release(run)
    }
    return answer
  }

  /** Asked before each start: the process may have stood still for longer than its lease, and only just woken up. */
  #holds(dispatch: Dispatch | null): boolean {
    const { session } = this.#options
    return !this.#closed && session.isTrusted() && dispatch?.session === session.id
  }

  #offer(): Dispatch | null {
    const { session, leaseMs, node, groups, slots, clock } = this.#options
    if (this.#closed || !session.isTrusted()) return null
    const tasks = slots.capacities()
    const repeated = this.#unanswered?.session === session.id ? this.#unanswered.requestId : null
    // A lost answer is asked for again even without a free slot: those leases are ours already.
    if (tasks.size === 0 && repeated === null) return null
    const requestId = repeated ?? uuidv7(clock.now())
    return { session: session.id, leaseMs, node, requestId, slots: slots.free, groups, tasks }
  }

  #failed({ session, requestId }: Dispatch, error: unknown): void {
    const code = codeOf(error)
    if (code === 'SESSION_EXPIRED') this.#options.session.lose(session)
    this.#unanswered = code === undefined || code === 'STORE_UNAVAILABLE' ? { session, requestId } : null
  }

  /** From now on nothing is taken; what a call under way brings is given back. Resolves when none is under way. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#last
  }
}

function ignore(): void {}
