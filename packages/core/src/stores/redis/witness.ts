import {
  parseRunId,
  runIdOf,
  type NodeId,
  type RunId,
  type ScheduleId,
  type SessionId,
} from '../../domain/ids.js'
import type { Clock, EpochMs } from '../../domain/clock.js'
import type { Lease } from '../../domain/lease.js'
import type {
  AttemptOutcome,
  AttemptReport,
  ClaimedRun,
  CommitResult,
  Dispatch,
  FireDecision,
} from '../../store/contract.js'
import type { Cell, Cells, Rejoined } from './cells.js'
import { outcomeArgs } from './runs.js'

/** For how long a node remembers what it saw: longer than a failover leaves writes behind. */
const REMEMBERED_MS = 30_000
/** Of one kind; beyond it the oldest half is forgotten. About 100 bytes each. */
const MOST_REMEMBERED = 100_000
/** How long a server that is new to the store waits for nodes that are said to live. */
const SETTLE_MS = 1000
/** Told in one step of about so many. */
const TOLD_AT_ONCE = 500

/**
 * A run that waited, an attempt that ended, or one that was given up together with its session: put into words only when
 * they are needed.
 */
type SeenRun =
  | { readonly decision: FireDecision; readonly dueAt: EpochMs }
  | { readonly run: ClaimedRun; readonly outcome: AttemptOutcome }
  | { readonly run: ClaimedRun; readonly session: SessionId }

/** Without its result, of which thousands could be large. */
const SUCCEEDED: AttemptOutcome = { kind: 'succeeded', result: null }

/**
 * What this node has seen the store acknowledge lately. A Redis that comes back without its last writes, such as a
 * replica that took over, is told of it before it goes on, so that nothing that this node saw happens a second time.
 */
export class Witness {
  readonly #marks: Recent<ScheduleId, EpochMs>
  readonly #runs: Recent<RunId, SeenRun>
  readonly #running = new Map<RunId, ClaimedRun>()
  #session: SessionId | null = null
  #leaseMs = 0
  /** Which this node had before: others may still wait for what it has to tell. */
  readonly #givenUp: Recent<SessionId, true>
  #node: NodeId = ''

  constructor(clock: Clock) {
    this.#marks = new Recent(clock)
    this.#runs = new Recent(clock)
    this.#givenUp = new Recent(clock)
  }

  dispatching({ session, leaseMs, node }: Dispatch): void {
    if (session !== this.#session) this.#giveUp()
    this.#session = session
    this.#leaseMs = leaseMs
    this.#node = node
  }

  #giveUp(): void {
    const session = this.#session
    if (session === null) return
    this.#givenUp.set(session, true)
    for (const [id, run] of this.#running) this.#runs.set(id, { run, session })
    this.#running.clear()
  }

  fired(decisions: readonly FireDecision[], { committed, claimed, waiting, skipped }: CommitResult): void {
    const settled = new Set(waiting === 0 ? [] : [...claimed.map(({ runId }) => runId), ...skipped])
    for (const [i, decision] of decisions.entries()) {
      const { scheduleId, runs, missed } = decision
      const mark = runs.at(-1)?.fireTime ?? missed?.to
      if (committed[i] !== true || mark === undefined) continue
      this.#marks.set(scheduleId, mark)
      if (waiting === 0) continue
      for (const run of runs) {
        const id = runIdOf(scheduleId, run.fireTime)
        if (!settled.has(id)) this.#runs.set(id, { decision, dueAt: run.dueAt })
      }
    }
  }

  leased(runs: readonly ClaimedRun[]): void {
    for (const run of runs) this.#running.set(run.runId, run)
  }

  ended(reports: readonly AttemptReport[], accepted: readonly boolean[]): void {
    for (const [i, report] of reports.entries()) {
      const run = this.#letGo(report)
      const outcome = report.outcome.kind === 'succeeded' ? SUCCEEDED : report.outcome
      if (run !== null && accepted[i] === true) this.#runs.set(run.runId, { run, outcome })
    }
  }

  /** The store says that this lease has passed. */
  refused(lease: Lease): void {
    this.#letGo(lease)
  }

  /** The run that was held under this lease, also where its session has been given up since. */
  #letGo({ runId, fence }: Lease): ClaimedRun | null {
    const running = this.#running.get(runId)
    if (running?.fence === fence) {
      this.#running.delete(runId)
      return running
    }
    const seen = this.#runs.get(runId)
    if (seen === undefined || !('session' in seen) || seen.run.fence !== fence) return null
    this.#runs.delete(runId)
    return seen.run
  }

  /**
   * Tells a cell, on the server of that run id, what was seen of it, unless it has been told that already. Answers as
   * well how much of it had been lost.
   */
  async rejoin(
    cells: Cells,
    cell: Cell,
    server: string,
    isTold: boolean,
  ): Promise<Rejoined & { readonly lost: number }> {
    const sessions = this.#sessions()
    const { marks, runs } = isTold ? { marks: [], runs: [] } : this.#seenOf(cells, cell, sessions)
    const steps = Math.max(1, Math.ceil(Math.max(marks.length, runs.length) / TOLD_AT_ONCE))
    let lost = 0
    let agreed = false
    for (let step = 0; step < steps; step++) {
      const part = <Item>(items: readonly Item[]): readonly Item[] =>
        items.slice(step * TOLD_AT_ONCE, (step + 1) * TOLD_AT_ONCE)
      const answer = await cell.run<[agreed: number, lost: number, server: string]>('rejoin', {
        sessions: sessions.map((session) => [session, session === this.#session ? this.#leaseMs : 0]),
        node: this.#node,
        marks: part(marks).flatMap(([id, mark]) => [id, String(mark)]),
        runs: part(runs),
        isAll: step === steps - 1,
        settleMs: SETTLE_MS,
      })
      agreed = answer[0] === 1
      lost += answer[1]
      if (answer[2] !== server) return { agreed: false, toldTo: null, lost }
    }
    return { agreed, toldTo: server, lost }
  }

  /** The present one last. */
  #sessions(): SessionId[] {
    const ofRuns = this.#runs.entries().flatMap(([, seen]) => ('session' in seen ? [seen.session] : []))
    const past = new Set([...this.#givenUp.entries().map(([session]) => session), ...ofRuns])
    return this.#session === null ? [...past] : [...past, this.#session]
  }

  #seenOf(cells: Cells, cell: Cell, sessions: readonly SessionId[]) {
    const isHere = (id: ScheduleId): boolean => cells.of(id) === cell
    const isRunHere = (id: RunId): boolean => isHere(parseRunId(id)!.scheduleId)
    const past = this.#runs.entries().filter(([id]) => isRunHere(id) && !this.#running.has(id))
    const running = [...this.#running].filter(([id]) => isRunHere(id))
    return {
      marks: this.#marks.entries().filter(([id]) => isHere(id)),
      runs: past
        .map(([id, seen]) => toldOf(id, seen, sessions))
        .concat(running.map(([, run]) => toldAs(run, 'running', false, 0, sessions.length))),
    }
  }
}

// As `rejoin.lua` is told.

function toldOf(id: RunId, seen: SeenRun, sessions: readonly SessionId[]): readonly unknown[] {
  if ('outcome' in seen)
    return toldAs(seen.run, seen.outcome.kind, ...outcomeArgs(seen.outcome), sessions.length)
  if ('session' in seen) return toldAs(seen.run, 'givenUp', false, 0, sessions.indexOf(seen.session) + 1)
  const { task, spec, delivery, overlap } = seen.decision
  return [id, '0', task, 'waiting', overlap, 0, spec ?? false, delivery, String(seen.dueAt)]
}

function toldAs(
  { runId, fence, task, spec, delivery, dueAt }: ClaimedRun,
  kind: 'running' | 'givenUp' | AttemptOutcome['kind'],
  said: string | false,
  delayMs: number,
  placeOfSession: number,
): readonly unknown[] {
  const what = [spec ?? false, delivery, String(dueAt)]
  return [runId, String(fence), task, kind, said, delayMs, ...what, placeOfSession]
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

  get(key: Key): Value | undefined {
    return this.#current.get(key) ?? this.#previous.get(key)
  }

  delete(key: Key): void {
    this.#current.delete(key)
    this.#previous.delete(key)
  }

  entries(): [Key, Value][] {
    return [...new Map([...this.#previous, ...this.#current])]
  }
}
