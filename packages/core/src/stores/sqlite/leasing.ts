import { SessionExpiredError } from '../../domain/errors.js'
import type { SessionId } from '../../domain/ids.js'
import { nextFence } from '../../domain/lease.js'
import type { ClaimedRun, Dispatch } from '../../store/contract.js'
import type { Database } from './database.js'
import { claimedOf, QUEUE, type RunRow } from '../sql/rows.js'
import { SELECT_RUN } from './rows.js'

interface Candidate {
  number: number
  task: string
  priority: number
  due_at: number
}

interface SessionRow {
  number: number
  lease_until: number
  claim_id: string | null
  claim_runs: string | null
}

const PROMOTE_AT_ONCE = 1000

/** What a dispatching node may still take, counted down as it takes. Lives within one transaction. */
export class Leasing {
  readonly session: number
  readonly #db: Database
  readonly #dispatch: Dispatch
  readonly #claimed: ClaimedRun[] = []
  readonly #numbers: number[] = []
  readonly #taken = new Map<string, number>()
  readonly #runningInCluster = new Map<string, number>()
  #slots: number
  #waitingPriority: number | undefined

  /** @throws {SessionExpiredError} */
  constructor(db: Database, dispatch: Dispatch) {
    this.#db = db
    this.#dispatch = dispatch
    const row = liveSession(db, dispatch.session)
    this.session = row.number
    this.#slots = dispatch.slots
    if (row.claim_id === dispatch.requestId) this.#repeat(JSON.parse(row.claim_runs!) as number[])
  }

  /** Asked again after a lost answer: what was leased then and is still held, instead of anything new. */
  #repeat(numbers: readonly number[]): void {
    const statement = this.#db.statement(
      `${SELECT_RUN} WHERE runs.number = ? AND queue = 4 AND runs.session = ?`,
    )
    for (const number of numbers) {
      const row = statement.get(number, this.session) as RunRow | undefined
      if (row !== undefined) this.#add(row.number, claimedOf(row))
    }
    this.#slots = 0
  }

  /** Whether a run that is being created now may be leased at once, or must queue behind waiting ones. */
  mayTakeNew(task: string, group: string, priority: number): boolean {
    if (!this.#dispatch.groups.includes(group) || !this.#hasRoom(task)) return false
    this.#waitingPriority ??= this.#highestWaiting()
    return priority > this.#waitingPriority
  }

  takeNew(number: number, run: ClaimedRun): void {
    this.#count(run.task)
    this.#add(number, run)
  }

  /** Leases ready runs as far as there is room: by priority, then by due time. */
  takeReady(): void {
    this.#promoteDelayed()
    if (this.#slots === 0 || !this.#anyReady()) return
    const candidates = this.#readyCandidates(this.#slots)
    candidates.sort((a, b) => b.priority - a.priority || a.due_at - b.due_at || a.number - b.number)
    const now = this.#db.now()
    for (const candidate of candidates) {
      if (this.#slots === 0) break
      if (!this.#hasRoom(candidate.task)) continue
      this.#lease(candidate, now)
    }
  }

  #lease({ number, task }: Candidate, now: number): void {
    const row = this.#db
      .statement(
        `UPDATE runs SET status = 'running', queue = 4, attempt = attempt + 1, session = ?, fence = max(fence + 1, ?),
                started_at = ?, error = NULL, progress = NULL
         WHERE number = ? RETURNING *`,
      )
      .get(this.session, nextFence(0, now), now, number) as RunRow
    this.#count(task)
    this.#add(number, claimedOf(row))
  }

  /** What was leased; remembered with the session, so that the same request can be answered again. */
  conclude(): ClaimedRun[] {
    if (this.#numbers.length > 0) {
      this.#db
        .statement('UPDATE sessions SET claim_id = ?, claim_runs = ? WHERE number = ?')
        .run(this.#dispatch.requestId, JSON.stringify(this.#numbers), this.session)
    }
    return this.#claimed
  }

  #add(number: number, run: ClaimedRun): void {
    this.#numbers.push(number)
    this.#claimed.push(run)
  }

  #count(task: string): void {
    this.#slots--
    this.#taken.set(task, (this.#taken.get(task) ?? 0) + 1)
  }

  #hasRoom(task: string): boolean {
    const capacity = this.#dispatch.tasks.get(task)
    if (capacity === undefined || this.#slots === 0) return false
    const taken = this.#taken.get(task) ?? 0
    if (taken >= capacity.slots) return false
    if (capacity.clusterLimit === null) return true
    return this.#running(task) + taken < capacity.clusterLimit
  }

  /** Before this transaction. */
  #running(task: string): number {
    let running = this.#runningInCluster.get(task)
    if (running === undefined) {
      const row = this.#db
        .statement('SELECT count(*) AS n FROM runs WHERE task = ? AND queue = 4')
        .get(task) as { n: number }
      running = row.n
      this.#runningInCluster.set(task, running)
    }
    return running
  }

  #anyReady(): boolean {
    return this.#db.statement('SELECT 1 FROM runs WHERE queue = 1 LIMIT 1').get() !== undefined
  }

  #highestWaiting(): number {
    this.#promoteDelayed()
    if (!this.#anyReady()) return -Infinity
    return this.#readyCandidates(1).reduce((highest, { priority }) => Math.max(highest, priority), -Infinity)
  }

  /** The first `limit` of each task and group that this node offers and has room for. */
  #readyCandidates(limit: number): Candidate[] {
    const statement = this.#db.statement(
      `SELECT number, task, priority, due_at FROM runs WHERE queue = 1 AND task = ? AND grp = ?
       ORDER BY priority DESC, due_at LIMIT ?`,
    )
    const candidates: Candidate[] = []
    for (const task of this.#dispatch.tasks.keys()) {
      if (!this.#hasRoom(task)) continue
      for (const group of this.#dispatch.groups) {
        candidates.push(...(statement.all(task, group, limit) as Candidate[]))
      }
    }
    return candidates
  }

  #promoteDelayed(): void {
    this.#db
      .statement(
        `UPDATE runs SET queue = ${QUEUE.ready} WHERE number IN (
           SELECT number FROM runs WHERE queue = ${QUEUE.delayed} AND due_at <= ? ORDER BY due_at LIMIT ${PROMOTE_AT_ONCE})`,
      )
      .run(this.#db.now())
  }
}

/** @throws {SessionExpiredError} for one that is unknown, has left, or was not renewed in time. */
function liveSession(db: Database, session: SessionId): SessionRow {
  const row = db
    .statement('SELECT number, lease_until, claim_id, claim_runs FROM sessions WHERE session = ?')
    .get(session) as SessionRow | undefined
  if (row === undefined || row.lease_until <= db.now()) throw new SessionExpiredError(session)
  return row
}
