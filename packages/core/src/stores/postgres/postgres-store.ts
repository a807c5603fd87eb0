import type { Calendar, CalendarName } from '../../domain/calendar.js'
import { systemClock, type Clock, type EpochMs, type Random } from '../../domain/clock.js'
import type { RunId, ScheduleId, SessionId } from '../../domain/ids.js'
import type { HistoryPolicy } from '../../domain/policies.js'
import type { Run } from '../../domain/run.js'
import type { Schedule } from '../../domain/schedule.js'
import type { SqlTransaction } from '../../domain/sql-transaction.js'
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
  StoreWithin,
} from '../../store/contract.js'
import type { ScheduleExport, StoreExport, TombstoneExport } from '../../store/exports.js'
import { Hints } from '../../store/hints.js'
import { deleteCalendar, getCalendars, listCalendars, putCalendar } from './calendars.js'
import { FOLLOW_CLOCK } from './clock.js'
import { openConnections } from './connections.js'
import type { Database } from './database.js'
import { exportSchedules, exportTombstones } from './exports.js'
import { finish } from './finishing.js'
import { addRuns, commit } from './firing.js'
import { importAll } from './imports.js'
import { claim } from './leasing.js'
import { acquireLock, listLocks, releaseLock, renewLock } from './locks.js'
import { migrate } from './migrate.js'
import { channelOf, type Notices } from './notices.js'
import { peek } from './peek.js'
import { putSchedules } from './put-schedules.js'
import { cancelRun, findRun, recover, retryRun } from './run-endings.js'
import { listRuns } from './run-list.js'
import { readLog, report } from './run-log.js'
import { deleteSchedule, getSchedules, listSchedules, SHARDS } from './schedules.js'
import { beat, leave, listNodes } from './sessions.js'
import { Pruning, stats } from './upkeep.js'
import { parsePostgresUrl } from './url.js'
import { Within } from './within.js'

export interface PostgresStoreOptions {
  readonly clock?: Clock
  readonly random?: Random
  /** Whether the schema may be made and brought up to date. @default what the URL says, and else `true` */
  readonly migrate?: boolean
}

/**
 * The strict store for many machines: a schema of a PostgreSQL database, 13 or later. Every verb is one transaction, or
 * one statement, decided by the clock of the server. What was acknowledged survives whatever PostgreSQL survives.
 */
export class PostgresStore implements Store {
  readonly info: StoreInfo
  readonly #db: Database
  readonly #channel: string
  readonly #clock: Clock
  readonly #notices: Notices | null
  readonly #hints: Hints
  readonly #pruning = new Pruning()
  #closing: Promise<void> | null = null

  private constructor(
    db: Database,
    channel: string,
    clock: Clock,
    notices: Notices | null,
    hints: Hints,
    { durable, schema }: Pick<StoreInfo, 'durable' | 'schema'>,
  ) {
    this.info = {
      kind: 'postgres',
      location: db.location,
      durable,
      shared: true,
      notifies: notices !== null,
      ordered: false,
      transactions: true,
      shards: SHARDS,
      schema,
    }
    this.#db = db
    this.#channel = channel
    this.#clock = clock
    this.#notices = notices
    this.#hints = hints
  }

  /**
   * Connects to `postgres://…`, makes the schema where there is none, and brings it up to date, if it may.
   * @throws {InvalidError} INVALID_OPTION for a URL that is wrong.
   * @throws {EvertickError} STORE_UNAVAILABLE, STORE_UNREADABLE, STORE_VERSION
   */
  static async open(url: string, options: PostgresStoreOptions = {}): Promise<PostgresStore> {
    const parsed = parsePostgresUrl(url)
    const hints = new Hints()
    const clock = options.clock ?? systemClock
    const { db, notices } = await openConnections(parsed, {
      clock,
      random: options.random ?? Math.random,
      hinted: (told) => {
        for (const hint of told) hints.note(hint)
        hints.publish()
      },
    })
    try {
      const schema = await migrate(db, parsed.schema, { mayChange: options.migrate ?? parsed.migrate })
      return new PostgresStore(db, channelOf(parsed.schema), clock, notices, hints, {
        durable: await isDurable(db),
        schema,
      })
    } catch (error) {
      await notices?.close()
      await db.close()
      throw error
    }
  }

  within(transaction: SqlTransaction): StoreWithin {
    return new Within(this.#db, this.#channel, this.#clock, transaction)
  }

  now(): Promise<EpochMs> {
    return this.#db.now()
  }

  putSchedules(items: readonly PutSchedule[]): Promise<PutResult[]> {
    return this.#db.transaction((tx) => putSchedules(tx, items))
  }

  getSchedules(ids: readonly ScheduleId[]): Promise<(Schedule | null)[]> {
    return getSchedules(this.#db, ids)
  }

  // Async, so that a wrong cursor is a rejection and not a throw; likewise below.
  async listSchedules(query: ScheduleQuery): Promise<Page<Schedule>> {
    return listSchedules(this.#db, query)
  }

  deleteSchedule(id: ScheduleId, revision?: number): Promise<boolean> {
    return this.#db.transaction((tx) => deleteSchedule(tx, id, revision))
  }

  putCalendar(item: PutCalendar): Promise<PutCalendarResult> {
    return this.#db.transaction((tx) => putCalendar(tx, item))
  }

  getCalendars(names: readonly CalendarName[]): Promise<CalendarSnapshot> {
    return getCalendars(this.#db, names)
  }

  async listCalendars(query: CalendarQuery): Promise<Page<Calendar>> {
    return listCalendars(this.#db, query)
  }

  deleteCalendar(name: CalendarName, revision?: number): Promise<boolean> {
    return this.#db.transaction((tx) => deleteCalendar(tx, name, revision))
  }

  peek(limit: number, shards?: readonly number[]): Promise<Peek> {
    return peek(this.#db, limit, shards)
  }

  commit(decisions: readonly FireDecision[], dispatch: Dispatch | null): Promise<CommitResult> {
    return this.#db.transaction((tx) => commit(tx, decisions, dispatch))
  }

  addRuns(requests: readonly RunRequest[]): Promise<Run[]> {
    return this.#db.transaction((tx) => addRuns(tx, requests))
  }

  claim(dispatch: Dispatch): Promise<ClaimedRun[]> {
    return this.#db.transaction((tx) => claim(tx, dispatch))
  }

  finish(reports: readonly AttemptReport[]): Promise<(boolean | null)[]> {
    return this.#db.transaction((tx) => finish(tx, reports))
  }

  report(updates: readonly RunUpdate[]): Promise<boolean[]> {
    return this.#db.transaction((tx) => report(tx, updates))
  }

  cancelRun(id: RunId): Promise<Run | null> {
    return this.#db.transaction((tx) => cancelRun(tx, id))
  }

  retryRun(id: RunId): Promise<Run | null> {
    return this.#db.transaction((tx) => retryRun(tx, id))
  }

  getRun(id: RunId): Promise<Run | null> {
    return findRun(this.#db, id)
  }

  async listRuns(query: RunQuery): Promise<Page<Run>> {
    return listRuns(this.#db, query)
  }

  readLog(id: RunId, { after = 0, limit }: { after?: number; limit: number }): Promise<LogPage> {
    return readLog(this.#db, id, after, limit)
  }

  async heartbeat(heartbeat: Heartbeat): Promise<HeartbeatAnswer> {
    await this.#db.query(FOLLOW_CLOCK)
    return this.#db.transaction((tx) => beat(tx, heartbeat))
  }

  listNodes(): Promise<NodeRecord[]> {
    return listNodes(this.#db)
  }

  leave(session: SessionId): Promise<void> {
    return this.#db.transaction((tx) => leave(tx, session))
  }

  recover(limit: number): Promise<RecoveredRun[]> {
    return this.#db.transaction((tx) => recover(tx, limit))
  }

  acquireLock(request: LockRequest): Promise<LockAnswer> {
    return this.#db.transaction((tx) => acquireLock(tx, request))
  }

  renewLock(renewal: LockRenewal): Promise<boolean> {
    return this.#db.transaction((tx) => renewLock(tx, renewal))
  }

  releaseLock(lock: LockClaim): Promise<boolean> {
    return this.#db.transaction((tx) => releaseLock(tx, lock))
  }

  async listLocks(query: LockQuery): Promise<Page<LockRecord>> {
    return listLocks(this.#db, query)
  }

  prune(defaults: HistoryPolicy, limit: number): Promise<PruneResult> {
    return this.#db.transaction((tx) => this.#pruning.step(tx, defaults, limit))
  }

  stats(): Promise<StoreStats> {
    return stats(this.#db)
  }

  async exportSchedules(query: ExportQuery): Promise<Page<ScheduleExport>> {
    return exportSchedules(this.#db, query)
  }

  async exportTombstones(query: ExportQuery): Promise<Page<TombstoneExport>> {
    return exportTombstones(this.#db, query)
  }

  async import(items: readonly StoreExport[]): Promise<void> {
    this.#db.assertOpen()
    await importAll(this.#db, items)
  }

  watch(listener: (hint: StoreHint) => void): () => void {
    return this.#hints.watch(listener)
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#notices?.close()
      await this.#db.close()
    })()
    return this.#closing
  }
}

/** Whether the server writes to disk what it acknowledges. */
async function isDurable(db: Database): Promise<boolean> {
  const { rows } = await db.query<{ durable: boolean }>(
    `SELECT current_setting('fsync')::boolean AND current_setting('synchronous_commit') <> 'off' AS durable`,
  )
  return rows[0]!.durable
}
