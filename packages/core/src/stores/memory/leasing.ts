import type { TaskName } from '../../domain/ids.js'
import { nextFence } from '../../domain/lease.js'
import type { ClaimedRun, Dispatch } from '../../store/contract.js'
import { byPriority } from './ready-queue.js'
import { claimedOf, type RunRecord } from './run-record.js'
import type { RunTable } from './run-table.js'
import type { Sessions } from './sessions.js'
import type { SortedSet } from './sorted-set.js'
import type { StoreClock } from '../../store/store-clock.js'

/** How ready runs are leased to nodes. */
export class Leasing {
  readonly #runs: RunTable
  readonly #sessions: Sessions
  readonly #clock: StoreClock

  constructor(runs: RunTable, sessions: Sessions, clock: StoreClock) {
    this.#runs = runs
    this.#sessions = sessions
    this.#clock = clock
  }

  /** @throws {SessionExpiredError} */
  assertLive({ session }: Dispatch): void {
    this.#sessions.live(session)
  }

  /** @throws {SessionExpiredError} nothing was leased. */
  claim(dispatch: Dispatch): ClaimedRun[] {
    const session = this.#sessions.live(dispatch.session)
    const answered = session.answered(dispatch.requestId)
    if (answered !== null) return answered.flatMap((lease) => this.#stillHeld(lease))

    const rooms = new Map<TaskName, number>()
    const queues: SortedSet<RunRecord>[] = []
    for (const [task, { slots, clusterLimit }] of dispatch.tasks) {
      const free = clusterLimit === null ? slots : Math.min(slots, clusterLimit - this.#runs.runningOf(task))
      if (free <= 0) continue
      rooms.set(task, free)
      queues.push(...this.#runs.ready.queuesOf(task, dispatch.groups, this.#clock.now()))
    }
    const claimed: ClaimedRun[] = []
    while (claimed.length < dispatch.slots) {
      const run = firstToStart(queues, rooms)
      if (run === null) break
      rooms.set(run.task, rooms.get(run.task)! - 1)
      claimed.push(this.#lease(run, dispatch))
    }
    if (claimed.length > 0) session.remember(dispatch.requestId, claimed)
    return claimed
  }

  #lease(run: RunRecord, { session, node }: Dispatch): ClaimedRun {
    const now = this.#clock.now()
    return claimedOf(
      this.#runs.change(run, {
        status: 'running',
        attempt: run.attempt + 1,
        node,
        session,
        fence: nextFence(run.fence, now),
        startedAt: now,
        error: null,
        progress: null,
      }),
    )
  }

  #stillHeld({ runId, fence }: ClaimedRun): ClaimedRun[] {
    const run = this.#runs.get(runId)
    return run !== null && run.status === 'running' && run.fence === fence ? [claimedOf(run)] : []
  }
}

/** Of the first in each queue whose task has room, the one that starts first. */
function firstToStart(
  queues: readonly SortedSet<RunRecord>[],
  rooms: ReadonlyMap<TaskName, number>,
): RunRecord | null {
  let best: RunRecord | null = null
  for (const queue of queues) {
    const first = queue.first()
    if (first === undefined || rooms.get(first.task) === 0) continue
    if (best === null || byPriority(first, best) < 0) best = first
  }
  return best
}
