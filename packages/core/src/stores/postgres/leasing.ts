import { nextFence, type Fence } from '../../domain/lease.js'
import type { ClaimedRun, Dispatch } from '../../store/contract.js'
import { keyOfTask } from './lock-keys.js'
import { claimedOf, type RunRow } from '../sql/rows.js'
import { SELECT_RUN } from './rows.js'
import { holdLiveSession, type SessionRow } from './sessions.js'
import type { Transaction } from './transaction.js'

const PROMOTE_AT_ONCE = 1000

const CLAIMED_COLUMNS = `number, schedule_id, fire_time, request_id, kind, task, attempt, fence, delivery, due_at, created_at,
  started_at, spec`

/** The first of each task and group, in their order; not locked. */
const CANDIDATES = `
SELECT first.* FROM unnest($1::text[]) AS tasks (task) CROSS JOIN unnest($2::text[]) AS groups (grp)
CROSS JOIN LATERAL (
  SELECT runs.number, runs.priority, runs.due_at FROM @runs runs
  WHERE runs.queue = 1 AND runs.task = tasks.task AND runs.grp = groups.grp
  ORDER BY runs.priority DESC, runs.due_at, runs.number LIMIT $3) first`

/**
 * Locks the first `$4` of the candidates that nobody else has locked, and no more than these: what is locked and left
 * would be hidden from the others.
 */
const PICK = `
WITH candidates AS (${CANDIDATES})
SELECT runs.number, runs.task FROM candidates JOIN @runs runs ON runs.number = candidates.number
WHERE runs.queue = 1 ORDER BY candidates.priority DESC, candidates.due_at, candidates.number
LIMIT $4 FOR NO KEY UPDATE OF runs SKIP LOCKED`

/** So many candidates more than slots: the first may be locked by others that take them at this moment. */
const SPARE_CANDIDATES = 200

/** Whether any run is ready, or delayed and its time has come: most of the time none is. */
const WAITING = `
SELECT EXISTS (SELECT FROM @runs WHERE queue = 1) AS ready,
       EXISTS (SELECT FROM @runs WHERE queue = 2 AND due_at <= $1) AS delayed`

interface Waiting {
  readonly ready: boolean
  readonly delayed: boolean
}

interface Candidate {
  readonly number: number
  readonly task: string
}

/** What a dispatching node may still take, counted down as it takes. Lives within one transaction. */
export class Leasing {
  readonly session: number
  readonly #tx: Transaction
  readonly #dispatch: Dispatch
  readonly #claimed: ClaimedRun[] = []
  readonly #numbers: number[] = []
  readonly #taken = new Map<string, number>()
  /** Of tasks with a limit, before this transaction. */
  #runningInCluster: ReadonlyMap<string, number> = new Map()
  readonly #waiting: Waiting
  #slots: number
  #waitingPriority = -Infinity

  /** @throws {SessionExpiredError} */
  static async begin(tx: Transaction, dispatch: Dispatch): Promise<Leasing> {
    const [row, waiting] = await Promise.all([
      holdLiveSession(tx, dispatch.session),
      tx.rows<Waiting>(WAITING, [tx.now]),
    ])
    const leasing = new Leasing(tx, dispatch, row, waiting[0]!)
    if (row.claim_id === dispatch.requestId) await leasing.#repeat(JSON.parse(row.claim_runs!) as number[])
    return leasing
  }

  private constructor(tx: Transaction, dispatch: Dispatch, row: SessionRow, waiting: Waiting) {
    this.#tx = tx
    this.#dispatch = dispatch
    this.#waiting = waiting
    this.session = row.number
    this.#slots = dispatch.slots
  }

  /** Asked again after a lost answer: what was leased then and is still held, instead of anything new. */
  async #repeat(numbers: readonly number[]): Promise<void> {
    const rows = await this.#tx.rows<RunRow>(
      `${SELECT_RUN} WHERE runs.number = ANY ($1::bigint[]) AND runs.queue = 4 AND runs.session = $2`,
      [numbers, this.session],
    )
    for (const row of rows) this.add(row.number, claimedOf(row))
    this.#slots = 0
  }

  /**
   * Takes part in the limits of these tasks alone, if there are any before schedules are locked, and learns what waits,
   * which new runs must not overtake.
   */
  async prepareFor(tasks: ReadonlySet<string>): Promise<void> {
    if (this.#slots === 0) return
    await this.#holdLimits((task) => tasks.has(task))
    if (!(await this.#anyReady())) return
    const offered = [...this.#dispatch.tasks.keys()].filter((task) => this.#hasRoom(task))
    const [row] = await this.#tx.rows<{ highest: number | null }>(
      `SELECT max(first.priority) AS highest FROM (${CANDIDATES}) first`,
      [offered, this.#dispatch.groups, 1],
    )
    this.#waitingPriority = row!.highest ?? -Infinity
  }

  /** Whether a run that is being created now may be leased at once, or must queue behind waiting ones. */
  mayTakeNew(task: string, group: string, priority: number): boolean {
    return this.#dispatch.groups.includes(group) && this.#hasRoom(task) && priority > this.#waitingPriority
  }

  /** Keeps a slot for a run that is being created. */
  reserve(task: string): Fence {
    this.#slots--
    this.#taken.set(task, (this.#taken.get(task) ?? 0) + 1)
    return nextFence(0, this.#tx.now)
  }

  /** Leases ready runs as far as there is room: by priority, then by due time. */
  async takeReady(): Promise<void> {
    if (this.#slots === 0) return
    await this.#holdLimits(() => true)
    if (!(await this.#anyReady())) return
    for (;;) {
      const tasks = [...this.#dispatch.tasks.keys()].filter((task) => this.#hasRoom(task))
      const wanted = this.#slots
      if (wanted === 0 || tasks.length === 0) return
      const picked = await this.#tx.rows<Candidate>(PICK, [
        tasks,
        this.#dispatch.groups,
        wanted + SPARE_CANDIDATES,
        wanted,
      ])
      await this.#lease(picked.filter(({ task }) => this.#hasRoom(task) && this.reserve(task)))
      // Else a task has used up its room, and there may be more of the others.
      if (picked.length < wanted) return
    }
  }

  async #lease(picked: readonly Candidate[]): Promise<void> {
    const { now } = this.#tx
    const numbers = picked.map(({ number }) => number)
    const rows = await this.#tx.rows<RunRow>(
      `UPDATE @runs SET status = 'running', queue = 4, attempt = attempt + 1, session = $2,
              fence = greatest(fence + 1, $3), started_at = $4, error = NULL, progress = NULL
       WHERE number = ANY ($1::bigint[]) RETURNING ${CLAIMED_COLUMNS}`,
      [numbers, this.session, nextFence(0, now), now],
    )
    const leased = new Map(rows.map((row) => [row.number, row]))
    for (const number of numbers) this.add(number, claimedOf(leased.get(number)!))
  }

  add(number: number, run: ClaimedRun): void {
    this.#numbers.push(number)
    this.#claimed.push(run)
  }

  /** What was leased; remembered with the session, so that the same request can be answered again. */
  async conclude(): Promise<ClaimedRun[]> {
    if (this.#numbers.length > 0) {
      await this.#tx.query('UPDATE @sessions SET claim_id = $2, claim_runs = $3 WHERE number = $1', [
        this.session,
        this.#dispatch.requestId,
        JSON.stringify(this.#numbers),
      ])
    }
    return this.#claimed
  }

  #hasRoom(task: string): boolean {
    const capacity = this.#dispatch.tasks.get(task)
    if (capacity === undefined || this.#slots === 0) return false
    const taken = this.#taken.get(task) ?? 0
    if (taken >= capacity.slots) return false
    if (capacity.clusterLimit === null) return true
    return (this.#runningInCluster.get(task) ?? 0) + taken < capacity.clusterLimit
  }

  /** Nobody else leases runs of these tasks under their limit until the end of the transaction: then the count holds. */
  async #holdLimits(isWanted: (task: string) => boolean): Promise<void> {
    const limited = [...this.#dispatch.tasks].flatMap(([task, { clusterLimit }]) =>
      clusterLimit === null ? [] : task,
    )
    const wanted = limited.filter(isWanted)
    if (limited.length === 0) return
    if (wanted.length > 0) await this.#tx.lock(wanted.map(keyOfTask))
    const rows = await this.#tx.rows<{ task: string; running: number }>(
      'SELECT task, count(*) AS running FROM @runs WHERE queue = 4 AND task = ANY ($1::text[]) GROUP BY task',
      [limited],
    )
    this.#runningInCluster = new Map(rows.map(({ task, running }) => [task, running]))
  }

  /** Also of the delayed ones whose time has come. */
  async #anyReady(): Promise<boolean> {
    const { ready, delayed } = this.#waiting
    if (delayed) {
      await this.#tx.query(
        `UPDATE @runs SET queue = 1 WHERE number IN (
           SELECT number FROM @runs WHERE queue = 2 AND due_at <= $1 ORDER BY due_at LIMIT ${PROMOTE_AT_ONCE}
           FOR NO KEY UPDATE SKIP LOCKED)`,
        [this.#tx.now],
      )
    }
    return ready || delayed
  }
}

/** Whether any of the tasks has a limit in the cluster, which is locked before schedules are. */
export function isLimited({ tasks }: Dispatch): boolean {
  return [...tasks.values()].some(({ clusterLimit }) => clusterLimit !== null)
}

export async function claim(tx: Transaction, dispatch: Dispatch): Promise<ClaimedRun[]> {
  const leasing = await Leasing.begin(tx, dispatch)
  await leasing.takeReady()
  return leasing.conclude()
}
