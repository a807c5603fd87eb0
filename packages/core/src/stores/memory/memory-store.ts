import type { Calendar, CalendarName } from '../../domain/calendar.js'
import { systemClock, type Clock, type EpochMs } from '../../domain/clock.js'
import { EvertickError } from '../../domain/errors.js'
import type { RunId, ScheduleId, SessionId } from '../../domain/ids.js'
import type { HistoryPolicy } from '../../domain/policies.js'
import type { Run } from '../../domain/run.js'
import { SCHEDULE_STATES, type Schedule, type ScheduleState } from '../../domain/schedule.js'
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
import { Firing } from './firing.js'
import { Leasing } from './leasing.js'
import { Locks } from './locks.js'
import { Moving } from './moving.js'
import { Pruning } from './pruning.js'
import { RunEndings } from './run-endings.js'
import { listRuns } from './run-list.js'
import { RunLogs } from './run-logs.js'
import { runOf, type RunRecord } from './run-record.js'
import { RunTable } from './run-table.js'
import { ScheduleTable } from './schedule-table.js'
import { Schedules } from './schedules.js'
import { Sessions } from './sessions.js'
import { Tombstones } from './tombstones.js'
import { StoreClock } from '../../store/store-clock.js'

export interface MemoryStoreOptions {
  /** Decides what is due and what has expired. @default the machine's */
  readonly clock?: Clock
}

/**
 * The reference implementation of the store contract, for tests and for trying things out: everything is gone with
 * the process, and only nodes within it can share it. Each verb runs to its end without waiting for anything, which
 * makes it one atomic step.
 */
export class MemoryStore implements Store {
  readonly info: StoreInfo = Object.freeze({
    kind: 'memory',
    location: 'memory',
    durable: false,
    shared: false,
    notifies: true,
    ordered: true,
    transactions: false,
    shards: 1,
    schema: null,
  })
  readonly #clock: StoreClock
  readonly #hints = new Hints()
  readonly #runs = new RunTable()
  readonly #table = new ScheduleTable()
  readonly #logs = new RunLogs()
  readonly #sessions: Sessions
  readonly #calendars: Calendars
  readonly #locks: Locks
  readonly #endings: RunEndings
  readonly #schedules: Schedules
  readonly #leasing: Leasing
  readonly #firing: Firing
  readonly #pruning: Pruning
  readonly #tombstones = new Tombstones()
  readonly #moving: Moving
  #closed = false

  constructor(options: MemoryStoreOptions = {}) {
    const clock = new StoreClock(options.clock ?? systemClock)
    this.#clock = clock
    this.#sessions = new Sessions(clock)
    this.#calendars = new Calendars(this.#table, clock)
    this.#locks = new Locks(this.#hints, clock)
    this.#endings = new RunEndings(this.#runs, this.#table, this.#hints, clock)
    this.#schedules = new Schedules(
      this.#table,
      this.#calendars,
      this.#runs,
      this.#endings,
      this.#tombstones,
      this.#hints,
      clock,
    )
    this.#leasing = new Leasing(this.#runs, this.#sessions, clock)
    this.#firing = new Firing(
      this.#table,
      this.#calendars,
      this.#runs,
      this.#endings,
      this.#leasing,
      this.#hints,
      clock,
    )
    this.#pruning = new Pruning(this.#runs, this.#table, this.#logs)
    this.#moving = new Moving(
      this.#table,
      this.#schedules,
      this.#calendars,
      this.#runs,
      this.#logs,
      this.#endings,
      this.#tombstones,
      this.#hints,
      clock,
    )
  }

  now(): Promise<EpochMs> {
    return this.#step(() => this.#clock.now())
  }

  putSchedules(items: readonly PutSchedule[]): Promise<PutResult[]> {
    return this.#step(() => items.map((item) => this.#schedules.put(item)))
  }

  getSchedules(ids: readonly ScheduleId[]): Promise<(Schedule | null)[]> {
    return this.#step(() => ids.map((id) => this.#schedules.get(id)))
  }

  listSchedules(query: ScheduleQuery): Promise<Page<Schedule>> {
    return this.#step(() => this.#schedules.list(query))
  }

  deleteSchedule(id: ScheduleId, revision?: number): Promise<boolean> {
    return this.#step(() => this.#schedules.delete(id, revision))
  }

  putCalendar(item: PutCalendar): Promise<PutCalendarResult> {
    return this.#step(() => this.#calendars.put(item))
  }

  getCalendars(names: readonly CalendarName[]): Promise<CalendarSnapshot> {
    return this.#step(() => this.#calendars.get(names))
  }

  listCalendars(query: CalendarQuery): Promise<Page<Calendar>> {
    return this.#step(() => this.#calendars.list(query))
  }

  deleteCalendar(name: CalendarName, revision?: number): Promise<boolean> {
    return this.#step(() => this.#calendars.delete(name, revision))
  }

  peek(limit: number): Promise<Peek> {
    return this.#step(() => this.#schedules.peek(limit))
  }

  commit(decisions: readonly FireDecision[], dispatch: Dispatch | null): Promise<CommitResult> {
    return this.#step(() => this.#firing.commit(decisions, dispatch))
  }

  addRuns(requests: readonly RunRequest[]): Promise<Run[]> {
    return this.#step(() => requests.map((request) => runOf(this.#firing.addByRequest(request))))
  }

  claim(dispatch: Dispatch): Promise<ClaimedRun[]> {
    return this.#step(() => this.#leasing.claim(dispatch))
  }

  finish(reports: readonly AttemptReport[]): Promise<boolean[]> {
    return this.#step(() => reports.map((report) => this.#endings.finish(report)))
  }

  report(updates: readonly RunUpdate[]): Promise<boolean[]> {
    return this.#step(() => updates.map((update) => this.#report(update)))
  }

  cancelRun(id: RunId): Promise<Run | null> {
    return this.#step(() => shown(this.#endings.cancel(id)))
  }

  retryRun(id: RunId): Promise<Run | null> {
    return this.#step(() => shown(this.#endings.retry(id)))
  }

  getRun(id: RunId): Promise<Run | null> {
    return this.#step(() => shown(this.#runs.get(id)))
  }

  listRuns(query: RunQuery): Promise<Page<Run>> {
    return this.#step(() => listRuns(this.#runs, query))
  }

  readLog(id: RunId, { after = 0, limit }: { after?: number; limit: number }): Promise<LogPage> {
    return this.#step(() => this.#logs.read(id, after, limit))
  }

  heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer> {
    return this.#step(() => {
      this.#sessions.beat(beat)
      const held = [...this.#runs.heldBy(beat.session)]
      const cancel = held.filter((id) => this.#runs.get(id)!.cancelRequested)
      return {
        now: this.#clock.now(),
        cancel,
        sessions: this.#sessions.alive(),
        load: this.#sessions.load(),
      }
    })
  }

  listNodes(): Promise<NodeRecord[]> {
    return this.#step(() => this.#sessions.list((session) => this.#runs.heldBy(session)))
  }

  leave(session: SessionId): Promise<void> {
    return this.#step(() => this.#sessions.leave(session))
  }

  recover(limit: number): Promise<RecoveredRun[]> {
    return this.#step(() => {
      const dead = this.#runs.holders().filter((session) => !this.#sessions.isLive(session))
      const abandoned = dead.flatMap((session) => Array.from(this.#runs.heldBy(session)))
      return abandoned.slice(0, limit).map((id) => this.#endings.recover(id))
    })
  }

  acquireLock(request: LockRequest): Promise<LockAnswer> {
    return this.#step(() => this.#locks.acquire(request))
  }

  renewLock(renewal: LockRenewal): Promise<boolean> {
    return this.#step(() => this.#locks.renew(renewal))
  }

  releaseLock(claim: LockClaim): Promise<boolean> {
    return this.#step(() => this.#locks.release(claim))
  }

  listLocks(query: LockQuery): Promise<Page<LockRecord>> {
    return this.#step(() => this.#locks.list(query))
  }

  prune(defaults: HistoryPolicy, limit: number): Promise<PruneResult> {
    return this.#step(() => {
      this.#tombstones.forgetOld(this.#clock.now())
      this.#locks.forgetOld()
      return this.#pruning.prune(defaults, limit, this.#clock.now())
    })
  }

  stats(): Promise<StoreStats> {
    return this.#step(() => {
      const now = this.#clock.now()
      const known = this.#sessions.knownTasks()
      return {
        now,
        schedules: this.#schedulesByState(),
        pending: this.#runs.countOf('pending'),
        running: this.#runs.countOf('running'),
        retrying: this.#runs.countOf('retrying'),
        tzdata: this.#schedules.byTzdata(),
        oldestDueAt: this.#schedules.oldestDueAt(now),
        unclaimed: Object.fromEntries(this.#runs.waitingByTask().filter(([task]) => !known.has(task))),
      }
    })
  }

  exportSchedules(query: ExportQuery): Promise<Page<ScheduleExport>> {
    return this.#step(() => this.#moving.schedules(query))
  }

  exportTombstones(query: ExportQuery): Promise<Page<TombstoneExport>> {
    return this.#step(() => this.#moving.tombstones(query))
  }

  import(items: readonly StoreExport[]): Promise<void> {
    return this.#step(() => {
      for (const item of items) this.#moving.import(item)
    })
  }

  watch(listener: (hint: StoreHint) => void): () => void {
    return this.#hints.watch(listener)
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  /** Adds what a handler told; `false`, and nothing is written, when its lease is not held. */
  #report({ runId, fence, log, progress }: RunUpdate): boolean {
    const run = this.#runs.get(runId)
    if (run === null || run.status !== 'running' || run.fence !== fence) return false
    const now = this.#clock.now()
    this.#logs.append(runId, log, now)
    if (progress !== null) this.#runs.change(run, { progress: Object.freeze({ ...progress, at: now }) })
    return true
  }

  #schedulesByState(): Record<ScheduleState, number> {
    const counts = Object.fromEntries(SCHEDULE_STATES.map((state) => [state, 0])) as Record<
      ScheduleState,
      number
    >
    for (const { state } of this.#table.all()) counts[state]++
    return counts
  }

  /** Runs one verb. What it gave rise to is told once it is whole. */
  // oxlint-disable-next-line require-await -- async, so that an error of a verb rejects instead of being thrown
  async #step<Answer>(verb: () => Answer): Promise<Answer> {
    if (this.#closed) throw new EvertickError('STORE_CLOSED', 'The memory store has been closed')
    const answer = verb()
    this.#hints.publish()
    return answer
  }
}

function shown(record: RunRecord | null): Run | null {
  return record === null ? null : runOf(record)
}
