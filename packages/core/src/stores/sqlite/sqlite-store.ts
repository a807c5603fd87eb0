import type { Calendar, CalendarName } from '../../domain/calendar.js'
import { systemClock, type Clock, type EpochMs, type Random } from '../../domain/clock.js'
import { codeOf } from '../../domain/errors.js'
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
import { Calendars } from './calendars.js'
import { Database } from './database.js'
import { Firing } from './firing.js'
import { Hints } from '../../store/hints.js'
import { Leasing } from './leasing.js'
import { Locks } from './locks.js'
import { Moving } from './moving.js'
import { NewRuns } from './new-runs.js'
import { Pruning } from './pruning.js'
import { runOf } from '../sql/rows.js'
import { RunEndings } from './run-endings.js'
import { listRuns } from './run-list.js'
import { RunLog } from './run-log.js'
import { Schedules } from './schedules.js'
import { Sessions } from './sessions.js'
import { statsOf } from './stats.js'

export interface SqliteStoreOptions {
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * The default store: one file, in WAL mode with `synchronous = FULL`, so that an acknowledged write survives a
 * power cut. Several processes on one machine may open the same file and form a cluster.
 */
export class SqliteStore implements Store {
  readonly info: StoreInfo
  readonly #db: Database
  readonly #hints = new Hints()
  readonly #calendars: Calendars
  readonly #locks: Locks
  readonly #endings: RunEndings
  readonly #schedules: Schedules
  readonly #firing: Firing
  readonly #sessions: Sessions
  readonly #log: RunLog
  readonly #pruning: Pruning
  readonly #moving: Moving
  #prunedTo: ScheduleId = ''

  private constructor(db: Database) {
    const inMemory = db.location === ':memory:'
    this.info = {
      kind: 'sqlite',
      location: db.location,
      durable: !inMemory,
      shared: !inMemory,
      notifies: inMemory,
      // What is asked at once shares a transaction, and waits for it.
      ordered: false,
      transactions: false,
      shards: 1,
      schema: db.schema,
    }
    this.#db = db
    this.#calendars = new Calendars(db)
    this.#locks = new Locks(db, this.#hints)
    this.#endings = new RunEndings(db, this.#hints)
    const newRuns = new NewRuns(db)
    this.#schedules = new Schedules(db, this.#calendars, newRuns, this.#endings, this.#hints)
    this.#firing = new Firing(db, this.#calendars, newRuns, this.#endings, this.#hints)
    this.#sessions = new Sessions(db)
    this.#log = new RunLog(db)
    this.#pruning = new Pruning(db)
    this.#moving = new Moving(db, this.#schedules, this.#calendars, this.#endings, this.#log, this.#hints)
  }

  /**
   * Opens the file, creating it and its folder where needed, and brings its schema up to date.
   * @throws {EvertickError} STORE_UNREADABLE, STORE_VERSION, STORE_UNAVAILABLE, STORE_FULL
   */
  static async open(path: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
    return new SqliteStore(
      await Database.open(path, options.clock ?? systemClock, options.random ?? Math.random),
    )
  }

  now(): Promise<EpochMs> {
    return this.#db.read(() => this.#db.now())
  }

  putSchedules(items: readonly PutSchedule[]): Promise<PutResult[]> {
    return this.#write(() => items.map((item) => this.#schedules.put(item)))
  }

  getSchedules(ids: readonly ScheduleId[]): Promise<(Schedule | null)[]> {
    return this.#db.read(() => ids.map((id) => this.#schedules.get(id)))
  }

  listSchedules(query: ScheduleQuery): Promise<Page<Schedule>> {
    return this.#db.read(() => this.#schedules.list(query))
  }

  deleteSchedule(id: ScheduleId, revision?: number): Promise<boolean> {
    return this.#writeEvenWhenFull(() => this.#schedules.delete(id, revision))
  }

  putCalendar(item: PutCalendar): Promise<PutCalendarResult> {
    return this.#write(() => this.#calendars.put(item))
  }

  getCalendars(names: readonly CalendarName[]): Promise<CalendarSnapshot> {
    return this.#db.read(() => this.#calendars.get(names))
  }

  listCalendars(query: CalendarQuery): Promise<Page<Calendar>> {
    return this.#db.read(() => this.#calendars.list(query))
  }

  deleteCalendar(name: CalendarName, revision?: number): Promise<boolean> {
    return this.#writeEvenWhenFull(() => this.#calendars.delete(name, revision))
  }

  peek(limit: number): Promise<Peek> {
    return this.#db.read(() => this.#schedules.peek(limit))
  }

  commit(decisions: readonly FireDecision[], dispatch: Dispatch | null): Promise<CommitResult> {
    return this.#write(() => this.#firing.commit(decisions, dispatch))
  }

  addRuns(requests: readonly RunRequest[]): Promise<Run[]> {
    return this.#write(() => requests.map((request) => this.#firing.addByRequest(request)))
  }

  claim(dispatch: Dispatch): Promise<ClaimedRun[]> {
    return this.#write(() => {
      const leasing = new Leasing(this.#db, dispatch)
      leasing.takeReady()
      return leasing.conclude()
    })
  }

  finish(reports: readonly AttemptReport[]): Promise<boolean[]> {
    return this.#writeEvenWhenFull(() => this.#endings.finishAll(reports))
  }

  report(updates: readonly RunUpdate[]): Promise<boolean[]> {
    return this.#write(() => updates.map((update) => this.#log.report(update)))
  }

  cancelRun(id: RunId): Promise<Run | null> {
    return this.#writeEvenWhenFull(() => {
      this.#endings.cancel(id)
      return this.#find(id)
    })
  }

  retryRun(id: RunId): Promise<Run | null> {
    return this.#write(() => {
      this.#endings.retry(id)
      return this.#find(id)
    })
  }

  getRun(id: RunId): Promise<Run | null> {
    return this.#db.read(() => this.#find(id))
  }

  listRuns(query: RunQuery): Promise<Page<Run>> {
    return this.#db.read(() => listRuns(this.#db, query))
  }

  readLog(id: RunId, { after = 0, limit }: { after?: number; limit: number }): Promise<LogPage> {
    return this.#db.read(() => this.#log.read(id, after, limit))
  }

  heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer> {
    return this.#writeEvenWhenFull(() => this.#sessions.beat(beat))
  }

  listNodes(): Promise<NodeRecord[]> {
    return this.#db.read(() => this.#sessions.list())
  }

  leave(session: SessionId): Promise<void> {
    return this.#writeEvenWhenFull(() => {
      this.#sessions.leave(session)
    })
  }

  recover(limit: number): Promise<RecoveredRun[]> {
    return this.#writeEvenWhenFull(() => this.#endings.recover(limit))
  }

  acquireLock(request: LockRequest): Promise<LockAnswer> {
    return this.#write(() => this.#locks.acquire(request))
  }

  renewLock(renewal: LockRenewal): Promise<boolean> {
    return this.#writeEvenWhenFull(() => this.#locks.renew(renewal))
  }

  releaseLock(claim: LockClaim): Promise<boolean> {
    return this.#writeEvenWhenFull(() => this.#locks.release(claim))
  }

  listLocks(query: LockQuery): Promise<Page<LockRecord>> {
    return this.#db.read(() => this.#locks.list(query))
  }

  async prune(defaults: HistoryPolicy, limit: number): Promise<PruneResult> {
    try {
      return await this.#pruneStep(defaults, limit)
    } catch (error) {
      // So many at once do not fit into the log that there is: fewer do.
      if (codeOf(error) !== 'STORE_FULL') throw error
      const { deleted } = await this.#pruneStep(defaults, Math.ceil(limit / 16))
      return { deleted, more: true }
    }
  }

  async #pruneStep(defaults: HistoryPolicy, limit: number): Promise<PruneResult> {
    const { cameTo, ...result } = await this.#writeEvenWhenFull(() => {
      this.#locks.forgetOld()
      return this.#pruning.step(defaults, limit, this.#prunedTo)
    })
    // Only now, for a step that failed has pruned nothing.
    this.#prunedTo = cameTo
    return result
  }

  stats(): Promise<StoreStats> {
    return this.#db.read(() => statsOf(this.#db))
  }

  exportSchedules(query: ExportQuery): Promise<Page<ScheduleExport>> {
    return this.#db.snapshot(() => this.#moving.schedules(query))
  }

  exportTombstones(query: ExportQuery): Promise<Page<TombstoneExport>> {
    return this.#db.read(() => this.#moving.tombstones(query))
  }

  import(items: readonly StoreExport[]): Promise<void> {
    return this.#write(() => {
      for (const item of items) this.#moving.import(item)
    })
  }

  watch(listener: (hint: StoreHint) => void): () => void {
    return this.#hints.watch(listener)
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  #find(id: RunId): Run | null {
    const row = this.#endings.find(id)
    return row === null ? null : runOf(row)
  }

  async #write<Result>(work: () => Result): Promise<Result> {
    const result = await this.#db.write(work)
    this.#hints.publish()
    return result
  }

  async #writeEvenWhenFull<Result>(work: () => Result): Promise<Result> {
    const result = await this.#db.writeEvenWhenFull(work)
    this.#hints.publish()
    return result
  }
}
