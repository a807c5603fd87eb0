import type { Calendar, CalendarName } from '../../domain/calendar.js'
import { systemClock, type Clock, type EpochMs, type Random } from '../../domain/clock.js'
import { EvertickError } from '../../domain/errors.js'
import type { RunId, ScheduleId, SessionId } from '../../domain/ids.js'
import type { HistoryPolicy } from '../../domain/policies.js'
import type { Run } from '../../domain/run.js'
import type { Schedule } from '../../domain/schedule.js'
import type {
  AttemptReport,
  CalendarQuery,
  CalendarSnapshot,
  ClaimedRun,
  CommitResult,
  Dispatch,
  ExportQuery,
  FireDecision,
  Heartbeat,
  HeartbeatAnswer,
  LockAnswer,
  LockClaim,
  LockQuery,
  LockRecord,
  LockRenewal,
  LockRequest,
  LogPage,
  NodeRecord,
  Page,
  Peek,
  PruneResult,
  PutCalendar,
  PutCalendarResult,
  PutResult,
  PutSchedule,
  RecoveredRun,
  RunQuery,
  RunRequest,
  RunUpdate,
  ScheduleQuery,
  Store,
  StoreHint,
  StoreInfo,
  StoreStats,
} from '../../store/contract.js'
import type { ScheduleExport, StoreExport, TombstoneExport } from '../../store/exports.js'
import { Hints } from '../../store/hints.js'
import { Calendars } from './calendars.js'
import type { Cells } from './cells.js'
import { Connection } from './connection.js'
import { examineDurability, type Durability } from './durability.js'
import { Firing } from './firing.js'
import { Leasing } from './leasing.js'
import { listRuns, listSchedules } from './lists.js'
import { Locks } from './locks.js'
import { openNamespace } from './namespace.js'
import { Moving } from './moving.js'
import { Nodes } from './nodes.js'
import { Pruning } from './pruning.js'
import { Runs } from './runs.js'
import { Schedules } from './schedules.js'
import { parseRedisUrl, type RedisUrl } from './url.js'
import { Witness } from './witness.js'

const REPLICATION_TIMEOUT_MS = 1000

export interface RedisStoreOptions {
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * The store for many machines: one Redis (6.2 or later, or Valkey), one watched by Sentinel, or a Cluster. Every verb is
 * a Lua script, decided by Redis's own clock. On one server a verb is one step for everything; on a Cluster for each shard.
 */
export class RedisStore implements Store {
  readonly info: StoreInfo
  readonly #connection: Connection
  readonly #hints: Hints
  readonly #cells: Cells
  readonly #calendars: Calendars
  readonly #schedules: Schedules
  readonly #firing: Firing
  readonly #leasing: Leasing
  readonly #runs: Runs
  readonly #nodes: Nodes
  readonly #locks: Locks
  readonly #pruning: Pruning
  readonly #moving: Moving
  readonly #witness: Witness
  /** How many must have what was written before a body starts. */
  readonly #replicas: number
  /** How many calls that lease have failed: their requests may still be on their way. */
  #givenUp = 0

  private constructor(
    connection: Connection,
    cells: Cells,
    witness: Witness,
    hints: Hints,
    { replicas }: RedisUrl,
    durability: Durability,
  ) {
    this.info = {
      kind: 'redis',
      location: connection.location,
      durable: durability === 'log',
      shared: true,
      notifies: true,
      ordered: true,
      transactions: false,
      shards: cells.shards,
      schema: cells.schema,
    }
    this.#connection = connection
    this.#hints = hints
    this.#cells = cells
    this.#witness = witness
    this.#replicas = replicas
    this.#calendars = new Calendars(cells)
    this.#schedules = new Schedules(cells, this.#calendars)
    this.#leasing = new Leasing(cells)
    this.#firing = new Firing(cells, this.#leasing)
    this.#runs = new Runs(cells)
    this.#nodes = new Nodes(cells)
    this.#locks = new Locks(cells)
    this.#pruning = new Pruning(cells)
    this.#moving = new Moving(cells, this.#schedules, this.#calendars)
  }

  /**
   * Connects to `redis://…` or `rediss://…`, and makes the namespace of its prefix where there is none.
   * @throws {InvalidError} INVALID_OPTION for a URL that is wrong.
   * @throws {EvertickError} STORE_UNAVAILABLE, STORE_UNREADABLE, STORE_UNSAFE, STORE_VERSION
   */
  static async open(url: string, options: RedisStoreOptions = {}): Promise<RedisStore> {
    const parsed = parseRedisUrl(url)
    const clock = options.clock ?? systemClock
    const hints = new Hints()
    const tell = (...what: readonly StoreHint[]): void => {
      for (const hint of what) hints.note(hint)
      hints.publish()
    }
    const connection = await Connection.open(parsed, options.random ?? Math.random, {
      clock,
      hinted: (hint) => tell(hint as StoreHint),
      // Whatever happened while the line was down may have made something due.
      connected: () => tell('due', 'ready', 'cancel', 'lock'),
      replaced: () => tell('replaced'),
    })
    try {
      const durability = await examineDurability(connection, parsed)
      const witness = new Witness(clock)
      const cells: Cells = await openNamespace(connection, parsed, async (cell, server, isTold) => {
        const { lost, ...rejoined } = await witness.rejoin(cells, cell, server, isTold)
        if (lost > 0) tell('writesLost')
        return rejoined
      })
      await connection.subscribe(cells.all.map(({ channel }) => channel))
      return new RedisStore(connection, cells, witness, hints, parsed, durability)
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  async now(): Promise<EpochMs> {
    return Number(await this.#cells.first.run<string>('now', {}))
  }

  putSchedules(items: readonly PutSchedule[]): Promise<PutResult[]> {
    return this.#schedules.put(items)
  }

  getSchedules(ids: readonly ScheduleId[]): Promise<(Schedule | null)[]> {
    return this.#schedules.get(ids)
  }

  // Async, so that a wrong cursor is a rejection and not a throw; likewise below.
  async listSchedules(query: ScheduleQuery): Promise<Page<Schedule>> {
    return listSchedules(this.#cells, query)
  }

  deleteSchedule(id: ScheduleId, revision?: number): Promise<boolean> {
    return this.#schedules.delete(id, revision)
  }

  putCalendar(item: PutCalendar): Promise<PutCalendarResult> {
    return this.#calendars.put(item)
  }

  getCalendars(names: readonly CalendarName[]): Promise<CalendarSnapshot> {
    return this.#calendars.get(names)
  }

  listCalendars(query: CalendarQuery): Promise<Page<Calendar>> {
    return this.#calendars.list(query)
  }

  deleteCalendar(name: CalendarName, revision?: number): Promise<boolean> {
    return this.#calendars.delete(name, revision)
  }

  peek(limit: number, shards?: readonly number[]): Promise<Peek> {
    return this.#schedules.peek(limit, shards)
  }

  async commit(decisions: readonly FireDecision[], dispatch: Dispatch | null): Promise<CommitResult> {
    if (dispatch !== null) this.#witness.dispatching(dispatch)
    const result = await this.#dispatched(this.#firing.commit(decisions, dispatch, this.#givenUp))
    this.#witness.fired(decisions, result)
    this.#witness.leased(result.claimed)
    if (result.claimed.length > 0) await this.#replicated()
    return result
  }

  addRuns(requests: readonly RunRequest[]): Promise<Run[]> {
    return this.#firing.addRuns(requests)
  }

  async claim(dispatch: Dispatch): Promise<ClaimedRun[]> {
    this.#witness.dispatching(dispatch)
    const claimed = await this.#dispatched(this.#leasing.claim(dispatch, this.#givenUp))
    this.#witness.leased(claimed)
    if (claimed.length > 0) await this.#replicated()
    return claimed
  }

  async #dispatched<Answer>(call: Promise<Answer>): Promise<Answer> {
    try {
      return await call
    } catch (error) {
      this.#givenUp++
      throw error
    }
  }

  /** Else nothing of it may start: asked again by the same request or owner, the store gives the same leases. */
  async #replicated(): Promise<void> {
    if (this.#replicas === 0) return
    const replicas = await this.#connection.replicated(this.#replicas, REPLICATION_TIMEOUT_MS)
    if (replicas >= this.#replicas) return
    throw new EvertickError(
      'STORE_UNAVAILABLE',
      `Only ${replicas} of ${this.#replicas} replicas of Redis at ${this.info.location} have what was written`,
    )
  }

  async finish(reports: readonly AttemptReport[]): Promise<boolean[]> {
    const accepted = await this.#runs.finish(reports)
    this.#witness.ended(reports, accepted)
    return accepted
  }

  async report(updates: readonly RunUpdate[]): Promise<boolean[]> {
    const accepted = await this.#runs.report(updates)
    for (const [i, update] of updates.entries()) if (accepted[i] === false) this.#witness.refused(update)
    return accepted
  }

  cancelRun(id: RunId): Promise<Run | null> {
    return this.#runs.cancel(id)
  }

  retryRun(id: RunId): Promise<Run | null> {
    return this.#runs.retry(id)
  }

  getRun(id: RunId): Promise<Run | null> {
    return this.#runs.get(id)
  }

  async listRuns(query: RunQuery): Promise<Page<Run>> {
    return listRuns(this.#cells, query)
  }

  readLog(id: RunId, { after = 0, limit }: { after?: number; limit: number }): Promise<LogPage> {
    return this.#runs.readLog(id, after, limit)
  }

  heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer> {
    return this.#nodes.beat(beat)
  }

  listNodes(): Promise<NodeRecord[]> {
    return this.#nodes.list()
  }

  leave(session: SessionId): Promise<void> {
    return this.#nodes.leave(session)
  }

  recover(limit: number): Promise<RecoveredRun[]> {
    return this.#runs.recover(limit)
  }

  async acquireLock(request: LockRequest): Promise<LockAnswer> {
    const answer = await this.#locks.acquire(request)
    if (answer.outcome === 'acquired') await this.#replicated()
    return answer
  }

  async renewLock(renewal: LockRenewal): Promise<boolean> {
    const renewed = await this.#locks.renew(renewal)
    if (renewed) await this.#replicated()
    return renewed
  }

  releaseLock(claim: LockClaim): Promise<boolean> {
    return this.#locks.release(claim)
  }

  async listLocks(query: LockQuery): Promise<Page<LockRecord>> {
    return this.#locks.list(query)
  }

  prune(defaults: HistoryPolicy, limit: number): Promise<PruneResult> {
    return this.#pruning.step(defaults, limit)
  }

  stats(): Promise<StoreStats> {
    return this.#nodes.stats()
  }

  async exportSchedules(query: ExportQuery): Promise<Page<ScheduleExport>> {
    return this.#moving.schedules(query)
  }

  async exportTombstones(query: ExportQuery): Promise<Page<TombstoneExport>> {
    return this.#moving.tombstones(query)
  }

  async import(items: readonly StoreExport[]): Promise<void> {
    // A closed handle says so, also when there is nothing to write.
    if (items.length === 0) await this.now()
    return this.#moving.import(items)
  }

  watch(listener: (hint: StoreHint) => void): () => void {
    return this.#hints.watch(listener)
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}
