import { parseRunId, type NodeId, type RunId, type ScheduleId, type SessionId } from '../../domain/ids.js'
import type { Clock, EpochMs } from '../../domain/clock.js'
import type { AttemptReport, ClaimedRun, Dispatch, FireDecision } from '../../store/contract.js'
import type { Cell, Cells } from './cells.js'

/** For how long a node remembers what it saw: longer than a failover leaves writes behind. */
const REMEMBERED_MS = 30_000
/** Of one kind; beyond it the oldest half is forgotten. About 100 bytes each. */
const MOST_REMEMBERED = 100_000
/** How long a server that is new to the store waits for nodes that are said to live. */
const SETTLE_MS = 1000

interface SeenRun {
  readonly fence: number
  readonly task: string
  /** Of its attempt: how it ended, empty while it runs. */
  readonly outcome: string
  readonly reason: string
}

/**
 * What this node has seen the store acknowledge lately. A Redis that comes back without its last writes, such as a
 * replica that took over, is told of it before it goes on, so that nothing that this node saw happens a second time.
 */
export class Witness {
  readonly #marks: Recent<ScheduleId, EpochMs>
  readonly #runs: Recent<RunId, SeenRun>
  readonly #running = new Map<RunId, SeenRun>()
  #session: SessionId | null = null
  #node: NodeId = ''

  constructor(clock: Clock) {
    this.#marks = new Recent(clock)
    this.#runs = new Recent(clock)
  }

  dispatching({ session, node }: Dispatch): void {
    if (session !== this.#session) this.#running.clear()
    this.#session = session
    this.#node = node
  }

  fired(decisions: readonly FireDecision[], committed: readonly boolean[]): void {
    for (const [i, { scheduleId, runs, missed }] of decisions.entries()) {
      const mark = runs.at(-1)?.fireTime ?? missed?.to
      if (committed[i] === true && mark !== undefined) this.#marks.set(scheduleId, mark)
    }
  }

  leased(runs: readonly ClaimedRun[]): void {
    for (const { runId, fence, task } of runs)
      this.#running.set(runId, { fence, task, outcome: '', reason: '' })
  }

  ended(reports: readonly AttemptReport[], accepted: readonly boolean[]): void {
    for (const [i, { runId, outcome }] of reports.entries()) {
      const run = this.#running.get(runId)
      if (run === undefined) continue
      this.#running.delete(runId)
      const { kind } = outcome
      const isEnd = kind === 'succeeded' || kind === 'failed' || kind === 'cancelled'
      if (accepted[i] !== true || !isEnd) continue
      const reason = kind === 'succeeded' ? '' : JSON.stringify(outcome.error)
      this.#runs.set(runId, { ...run, outcome: kind, reason })
    }
  }

  /** Tells a cell what was seen of it; answers whether it may go on, and how much of that had been lost. */
  async rejoin(cells: Cells, cell: Cell): Promise<{ agreed: boolean; restored: number }> {
    const isHere = (id: ScheduleId): boolean => cells.of(id) === cell
    const marks = this.#marks.entries().filter(([id]) => isHere(id))
    const runs = [...this.#runs.entries(), ...this.#running].filter(([id]) =>
      isHere(parseRunId(id)!.scheduleId),
    )
    const [agreed, restored] = await cell.run<[number, number]>('rejoin', {
      session: this.#session ?? false,
      node: this.#node,
      marks: marks.flatMap(([id, mark]) => [id, String(mark)]),
      runs: runs.map(([id, run]) => [id, String(run.fence), run.task, run.outcome, run.reason]),
      settleMs: SETTLE_MS,
    })
    return { agreed: agreed === 1, restored }
  }
}

/** The latest entries: those of this period and of the one before. */
class Recent<Key, Value> {
  readonly #clock: Clock
  #current = new Map<Key, Value>()
  #previous = new Map<Key, Value>()
  #since: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.monotonic()
  }

  set(key: Key, value: Value): void {
    if (this.#current.size >= MOST_REMEMBERED / 2 || this.#clock.monotonic() - this.#since > REMEMBERED_MS) {
      this.#previous = this.#current
      this.#current = new Map()
      this.#since = this.#clock.monotonic()
    }
    this.#current.set(key, value)
  }

  entries(): [Key, Value][] {
    return [...new Map([...this.#previous, ...this.#current])]
  }
}
