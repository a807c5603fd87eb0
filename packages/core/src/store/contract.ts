import type { Calendar, CalendarJson, CalendarName } from '../domain/calendar.js'
import type { EpochMs } from '../domain/clock.js'
import type { LockName, NodeId, RunId, ScheduleId, SessionId, TaskName } from '../domain/ids.js'
import type { JsonText } from '../domain/json.js'
import type { Fence, Lease } from '../domain/lease.js'
import type { FireTime } from '../domain/plan.js'
import type { Delivery, HistoryPolicy, Overlap } from '../domain/policies.js'
import type {
  LogLevel,
  LogLine,
  MissedRange,
  Run,
  RunError,
  RunKind,
  RunProgress,
  RunStatus,
} from '../domain/run.js'
import type { Schedule, ScheduleDefinition, ScheduleState } from '../domain/schedule.js'
import type { SqlTransaction } from '../domain/sql-transaction.js'
import type { ScheduleExport, StoreExport, TombstoneExport } from './exports.js'

/**
 * The shared truth. Every verb is one atomic step (a batch: one step per item, in order), decided by the store's own
 * clock, and safe to call again when its answer was lost: it throws {@link STORE_UNAVAILABLE} only then, and the
 * caller repeats it unchanged. No verb leaves half a write behind. A store passes the conformance suite of
 * `@evertick/core/testing`, which states each promise as a test.
 *
 * @see docs/design.md, "The protocol"
 */
export interface Store {
  readonly info: StoreInfo

  /**
   * Some of its verbs in a transaction of the caller's: what they write is there if and only if that is committed, and what
   * they lock is locked so long. There where `info.transactions` is.
   * @throws {InvalidError} INVALID_OPTION for what is no transaction of a driver that the store knows.
   */
  within?(transaction: SqlTransaction): StoreWithin

  /** The store's clock. It never goes back. */
  now(): Promise<EpochMs>

  // ── schedules ──────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Writes each item whose expectation holds; the others answer `conflict` with what is there, or `null`. One whose
   * timing was computed with other calendars than those of now, or names one that is not there, answers `calendars`.
   * The fire time of an active schedule that is due, and that a new timing drops, is recorded as missed in the same step.
   */
  putSchedules(items: readonly PutSchedule[]): Promise<PutResult[]>
  /** In the order of `ids`; `null` where there is none. */
  getSchedules(ids: readonly ScheduleId[]): Promise<(Schedule | null)[]>
  /** Ordered by id. */
  listSchedules(query: ScheduleQuery): Promise<Page<Schedule>>
  /**
   * Removes the schedule, cancels its open runs (waiting ones at once, running ones by request), and keeps its
   * high-water mark for a day, so that a re-created schedule cannot repeat a fire time. History stays until pruned.
   * Answers whether there was one; a `revision` that does not match is a REVISION_CONFLICT error.
   */
  deleteSchedule(id: ScheduleId, revision?: number): Promise<boolean>

  // ── calendars ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes the calendar if the expectation holds; else answers `conflict` with what is there, or `null`. */
  putCalendar(item: PutCalendar): Promise<PutCalendarResult>
  /** As they stand at one moment. */
  getCalendars(names: readonly CalendarName[]): Promise<CalendarSnapshot>
  /** Ordered by name. */
  listCalendars(query: CalendarQuery): Promise<Page<Calendar>>
  /**
   * Answers whether there was one; a `revision` that does not match is a REVISION_CONFLICT error.
   * @throws {EvertickError} ILLEGAL_STATE while schedules refer to it, naming them; nothing was written.
   */
  deleteCalendar(name: CalendarName, revision?: number): Promise<boolean>

  // ── fire-due ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Active schedules that are due, at most `limit`. A backlog does not delay today's fires: at least 70 % of the
   * limit is left to those due within the last 500 ms, where there are as many. Only what lies in `shards`, and what
   * any other shard has left lying for more than 500 ms; all of it when they are not given.
   */
  peek(limit: number, shards?: readonly number[]): Promise<Peek>
  /**
   * Turns plans into runs. Per decision, if revision, fire time and calendars are unchanged, the schedule is active
   * and due: creates the runs above the high-water mark under the overlap rule, records the missed range, raises the
   * high-water mark, moves to `next`. With `dispatch`, leases what may start now (see {@link claim}) in the same step.
   */
  commit(decisions: readonly FireDecision[], dispatch: Dispatch | null): Promise<CommitResult>

  // ── runs ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Creates runs by request. A request id that the schedule has seen answers the run of that time, unchanged. */
  addRuns(requests: readonly RunRequest[]): Promise<Run[]>
  /**
   * Leases runs that are ready, up to the slots that `dispatch` offers: by priority, then by due time, within the
   * groups and tasks named, and never above a task's cluster limit. A repeated `requestId` answers the same leases
   * as far as they are still held.
   * @throws {SessionExpiredError} nothing was leased.
   */
  claim(dispatch: Dispatch): Promise<ClaimedRun[]>
  /**
   * Ends attempts. Fenced: an answer `false` means LEASE_LOST, and nothing was written. Success is final. `null`: another
   * transaction holds the run or its schedule, perhaps for long; nothing was written, and it is to be reported again.
   */
  finish(reports: readonly AttemptReport[]): Promise<(boolean | null)[]>
  /** Adds log lines and progress. Fenced like `finish`. Logs beyond their limit are cut with a mark. */
  report(updates: readonly RunUpdate[]): Promise<boolean[]>
  /**
   * A waiting run becomes `cancelled` at once; a running one is marked, and its node told at the next heartbeat.
   * Answers the run after that, unchanged if it had ended; `null` if there is none.
   */
  cancelRun(id: RunId): Promise<Run | null>
  /** An ended run that did not succeed becomes `pending` again, for one more attempt. Unchanged otherwise. */
  retryRun(id: RunId): Promise<Run | null>
  getRun(id: RunId): Promise<Run | null>
  /** Newest first: by fire time within one schedule, else by creation. */
  listRuns(query: RunQuery): Promise<Page<Run>>
  /** Oldest first. */
  readLog(id: RunId, query: { after?: number; limit: number }): Promise<LogPage>

  // ── nodes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Starts or renews the session for `leaseMs` from now, and with it every lease that it holds.
   * @throws {SessionExpiredError} it had expired or left: everything it held may be with others.
   */
  heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer>
  /** Alive ones, and those gone for less than a day. */
  listNodes(): Promise<NodeRecord[]>
  /** Ends the session at once; what it still holds is recovered like that of a dead node. */
  leave(session: SessionId): Promise<void>
  /**
   * Takes back runs of expired sessions, at most `limit`: `atLeastOnce` becomes `retrying`, due now; `atMostOnce`
   * becomes `lost`; one that has been recovered {@link MAX_RECOVERIES} times becomes `failed`.
   */
  recover(limit: number): Promise<RecoveredRun[]>

  // ── locks ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Grants a lock that is free to the first in its queue, or, where nobody alive stands in it, to whoever asks. An
   * owner that is not granted it stands in the queue for `queueMs` from now on, at the place that it had.
   * The holder who asks again has the same grant, under the same fence, for `ttlMs` from now.
   */
  acquireLock(request: LockRequest): Promise<LockAnswer>
  /** The lease lasts for `ttlMs` from now. `false`: it has expired, or was never granted so; nothing was written. */
  renewLock(renewal: LockRenewal): Promise<boolean>
  /** Frees the lock, or leaves its queue. Answers whether the owner held it: `false` when repeated. */
  releaseLock(claim: LockClaim): Promise<boolean>
  /** Those that are held now, ordered by name. */
  listLocks(query: LockQuery): Promise<Page<LockRecord>>

  // ── upkeep ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Deletes old history by each schedule's own rule, at most `limit` runs, going round the schedules. */
  prune(defaults: HistoryPolicy, limit: number): Promise<PruneResult>
  stats(): Promise<StoreStats>

  // ── moving ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Schedules as they travel, each as it stands at one moment; ordered by id, on a Cluster by id within each shard. */
  exportSchedules(query: ExportQuery): Promise<Page<ScheduleExport>>
  /** What is remembered of deleted schedules, in no particular order. */
  exportTombstones(query: ExportQuery): Promise<Page<TombstoneExport>>
  /**
   * Writes what was exported, each item in one step, in order. Repeating it changes nothing. What is there of the same
   * identity is replaced, but nothing goes back: a high-water mark stays where it is higher; a run that is held here,
   * or was leased here since, stays as it is; a revision rises when the schedule changes. Runs that wait here and no
   * longer do where the schedule comes from are cancelled, unless their fire time lies above its mark.
   * A tombstone deletes the schedule that is there under a revision that is not above its own.
   */
  import(items: readonly StoreExport[]): Promise<void>

  /**
   * Told when something may have become due, ready, cancelled, or (a lock) free. Hints only: they may be lost or superfluous.
   * The listener must not throw.
   */
  watch(listener: (hint: StoreHint) => void): () => void
  /** May be called twice. Verbs called afterwards throw STORE_CLOSED. */
  close(): Promise<void>
}

/**
 * Besides what the same verbs throw elsewhere: STORE_UNAVAILABLE where another transaction holds what they need for more
 * than 2 s, ILLEGAL_STATE where the caller is in no transaction, in one of another database, or one that is not READ
 * COMMITTED. `finish` waits, and after it has answered `false` the transaction cannot be committed any more.
 */
export interface StoreWithin extends Pick<Store, 'getSchedules' | 'putSchedules' | 'addRuns'> {
  finish(reports: readonly AttemptReport[]): Promise<boolean[]>
}

export interface StoreInfo {
  readonly kind: string
  /** Where it is, without secrets. */
  readonly location: string
  /** Acknowledged writes survive the death of the process and of the machine. */
  readonly durable: boolean
  /** Other processes can take part. */
  readonly shared: boolean
  /** Hints of {@link Store.watch} cross processes; without it, nodes poll more often. */
  readonly notifies: boolean
  /** It takes part in transactions of its callers: see {@link Store.within}. */
  readonly transactions: boolean
  /**
   * What is asked is done in the order of asking, so that a peek that is sent right after a commit sees what that did,
   * and need not wait for its answer.
   */
  readonly ordered: boolean
  /**
   * Into how many parts its schedules are divided, numbered from 0, so that nodes can share the looking. One: every
   * node looks at all of them.
   */
  readonly shards: number
  /** With which schema it was found and is used; `null` where it keeps none. */
  readonly schema: StoreSchema | null
}

/** Schemas are numbered, each release knows all up to its own, and a store is brought to that when it is opened. */
export interface StoreSchema {
  /** What was there when it was opened; `null`: nothing, it was made. */
  readonly found: number | null
  /** What is there now. */
  readonly version: number
}

/**
 * Something may have become due, ready, or (a lock) free, or is to be cancelled. And what someone must learn of: acknowledged writes were
 * lost, and what this process saw of them was restored (`writesLost`); the store holds other data than was opened, or
 * none, and answers nothing any more (`replaced`; told again and again).
 */
export type StoreHint = 'due' | 'ready' | 'cancel' | 'lock' | 'writesLost' | 'replaced'

export interface Page<Item> {
  readonly items: Item[]
  /** Opaque; hand it back to go on after this page. `null` on the last page. */
  readonly nextCursor: string | null
}

export interface PutSchedule {
  readonly definition: ScheduleDefinition
  readonly state: ScheduleState
  readonly stateReason: string | null
  /** What must be there: nothing, or this revision. */
  readonly expect: 'absent' | number
  /**
   * Where it fires next; `keep` leaves the stored one, which may be moving at this moment.
   * A fire time at or below the high-water mark of a deleted namesake will create no run.
   */
  readonly timing: 'keep' | Timing | null
}

/** Where a schedule goes on, and what that was computed from. */
export interface Timing extends FireTime {
  /** The version of the time zone database. */
  readonly tzdata: string
  /** The calendars that the trigger refers to, which become those of the schedule; `null` for none. */
  readonly calendars: CalendarUse | null
  /**
   * Of a schedule that fires so long after the end of its last run; `null` for every other. While a run is open the
   * fire time waits for its end, whatever was given; so it does whenever a run is created, by whomever. The store sets
   * it in the step that ends the last open run, also while paused.
   */
  readonly afterRunMs: number | null
}

export interface CalendarUse {
  /** At least one; each once. */
  readonly names: readonly CalendarName[]
  /** Of the {@link CalendarSnapshot} that was computed with. */
  readonly revision: number
}

export type PutResult =
  | { readonly outcome: 'created' | 'updated'; readonly schedule: Schedule }
  | { readonly outcome: 'conflict'; readonly schedule: Schedule | null }
  /** The calendars have changed since, or `missing` are not there: read them and compute again. */
  | { readonly outcome: 'calendars'; readonly missing: readonly CalendarName[] }

export interface ScheduleQuery {
  readonly state?: ScheduleState
  readonly task?: TaskName
  /** Ids that begin with this. */
  readonly prefix?: string
  /** Those that refer to this calendar. */
  readonly calendar?: CalendarName
  readonly limit: number
  readonly cursor?: string
}

export interface PutCalendar {
  readonly definition: CalendarJson
  /** What must be there: nothing, or this revision. */
  readonly expect: 'absent' | number
}

export type PutCalendarResult =
  | { readonly outcome: 'created' | 'updated'; readonly calendar: Calendar }
  | { readonly outcome: 'conflict'; readonly calendar: Calendar | null }

export interface CalendarSnapshot {
  /** In the order of the names asked for; `null` where there is none. */
  readonly calendars: (Calendar | null)[]
  /** Of all calendars together: rises with every change of any of them, deletion too. */
  readonly revision: number
}

export interface CalendarQuery {
  readonly limit: number
  readonly cursor?: string
}

export interface DueSchedule {
  readonly id: ScheduleId
  readonly revision: number
  readonly fireTime: EpochMs
  readonly dueAt: EpochMs
  readonly fires: number
  /** Of its fire time: see {@link FireTime}; `null` when it has none. */
  readonly stretchedMs: number | null
  /** With which revision of the calendars its fire time was computed; `null` when it refers to none. */
  readonly calendarsRevision: number | null
}

export interface Peek {
  readonly due: DueSchedule[]
  /** See {@link CalendarSnapshot}. */
  readonly calendarsRevision: number
  /** The store's clock when it looked. */
  readonly now: EpochMs
  /**
   * When the next schedule that is not in `due` will be shown, or `null`: when it becomes due, or 500 ms later for one
   * of another shard. Not above `now` when there are more already.
   */
  readonly nextDueAt: EpochMs | null
}

/** A plan, with what the store needs to carry it out in one step. Correct as long as `revision` is. */
export interface FireDecision {
  readonly scheduleId: ScheduleId
  readonly revision: number
  readonly fireTime: EpochMs
  readonly runs: readonly FireTime[]
  readonly missed: MissedRange | null
  /** `afterRun`: so long after the end of the run as its {@link Timing} says; see there. */
  readonly next: FireTime | 'afterRun' | null
  /** The version of the time zone database that `next` was computed with. */
  readonly tzdata: string
  /** With which revision of the calendars this was decided; `null` when the trigger refers to none. */
  readonly calendarsRevision: number | null
  readonly task: TaskName
  readonly spec: JsonText | null
  readonly overlap: Overlap
  readonly delivery: Delivery
  readonly priority: number
  readonly group: string
}

/** What a node can start right now. */
export interface Dispatch {
  readonly session: SessionId
  /** For how long a heartbeat renews it: a store that lost it restores it for as long. */
  readonly leaseMs: number
  readonly node: NodeId
  /** Unique per call; the same when the call is repeated because its answer was lost. */
  readonly requestId: string
  /** Free slots in all. */
  readonly slots: number
  readonly groups: readonly string[]
  readonly tasks: ReadonlyMap<TaskName, TaskCapacity>
}

export interface TaskCapacity {
  /** Free slots of this node for the task. */
  readonly slots: number
  /** Runs of the task that may be running in the whole cluster, or `null`. */
  readonly clusterLimit: number | null
}

export interface CommitResult {
  /** Per decision: whether it was carried out. `false`: the schedule had changed or another node was first. */
  readonly committed: readonly boolean[]
  /** Leased to the dispatching session: start them. */
  readonly claimed: readonly ClaimedRun[]
  /** Created, and left to be claimed. */
  readonly waiting: number
  /** Recorded as skipped because of overlap. */
  readonly skipped: readonly RunId[]
  /** Recorded as missed. */
  readonly missed: readonly RunId[]
}

export interface ClaimedRun extends Lease {
  readonly scheduleId: ScheduleId
  readonly kind: RunKind
  readonly fireTime: EpochMs
  readonly task: TaskName
  readonly attempt: number
  readonly delivery: Delivery
  readonly dueAt: EpochMs
  readonly createdAt: EpochMs
  readonly startedAt: EpochMs
  readonly spec: JsonText | null
}

export interface RunRequest {
  readonly scheduleId: ScheduleId
  /** Makes the request idempotent within the schedule; empty is not allowed. */
  readonly requestId: string
  readonly kind: Exclude<RunKind, 'scheduled'>
  /** `null`: the store's now. */
  readonly fireTime: EpochMs | null
  readonly task: TaskName
  readonly spec: JsonText | null
  readonly delivery: Delivery
  readonly priority: number
  readonly group: string
}

export type AttemptOutcome =
  | { readonly kind: 'succeeded'; readonly result: JsonText | null }
  | { readonly kind: 'failed'; readonly error: RunError }
  | { readonly kind: 'cancelled'; readonly error: RunError }
  /** Try again `delayMs` from now. A run whose cancellation was requested is cancelled instead. */
  | { readonly kind: 'retry'; readonly error: RunError; readonly delayMs: number }
  /** The body was aborted because the node stops: `retrying`, due now, or `lost`, by the run's delivery. */
  | { readonly kind: 'interrupted'; readonly error: RunError }
  /** The body never began: `pending` again, as if it had not been claimed. */
  | { readonly kind: 'released' }

export interface AttemptReport extends Lease {
  readonly outcome: AttemptOutcome
}

export interface RunUpdate extends Lease {
  readonly log: readonly { readonly level: LogLevel; readonly message: string }[]
  readonly progress: Omit<RunProgress, 'at'> | null
}

export interface RunQuery {
  readonly scheduleId?: ScheduleId
  readonly task?: TaskName
  readonly status?: readonly RunStatus[]
  readonly limit: number
  readonly cursor?: string
}

export interface LogPage {
  readonly lines: LogLine[]
  /** Hand it back as `after` to read on. */
  readonly position: number
}

export interface NodeInfo {
  readonly session: SessionId
  readonly node: NodeId
  readonly host: string
  readonly pid: number
  readonly version: string
  /** The version of the time zone database that it computes with. */
  readonly tzdata: string
  readonly groups: readonly string[]
  readonly tasks: readonly TaskName[]
  readonly slots: number
  readonly slotsInUse: number
  /** How late its handlers let others come to their turn; while one blocks them all, for how long it has done so. */
  readonly eventLoopDelayMs: number
  /** Of one core: 1 is a core fully used. */
  readonly cpu: number
  readonly memoryBytes: number
  /** By how much the most overdue schedule was overdue when this node found it, since the last heartbeat. */
  readonly latenessMs: number
  /** How busy it is, from 0 to 1. */
  readonly load: number
}

export interface Heartbeat extends NodeInfo {
  readonly leaseMs: number
}

export interface HeartbeatAnswer {
  readonly now: EpochMs
  /** Runs of this session whose cancellation was requested. */
  readonly cancel: readonly RunId[]
  /** Those alive, this one among them. */
  readonly sessions: readonly SessionId[]
  /** The load of the cluster: the mean of its living nodes, this one included. */
  readonly load: number
}

export interface NodeRecord extends NodeInfo {
  readonly alive: boolean
  /** It ended its session itself, and so did not die. */
  readonly left: boolean
  readonly startedAt: EpochMs
  readonly lastBeatAt: EpochMs
  readonly leaseUntil: EpochMs
  /** How many runs its session holds at this moment, also once it is dead, until they are recovered. */
  readonly runsHeld: number
  /** Their ids, at most 100, in no order; `null` where the store cannot tell cheaply. */
  readonly heldRuns: readonly RunId[] | null
}

export interface RecoveredRun {
  readonly id: RunId
  readonly scheduleId: ScheduleId
  readonly task: TaskName
  readonly status: Extract<RunStatus, 'retrying' | 'lost' | 'failed' | 'cancelled'>
  readonly attempt: number
}

/** Who asks for a lock. */
export interface LockClaim {
  readonly name: LockName
  /** Unique per acquisition, and the same when a call is repeated. Who knows it can release the lock. */
  readonly owner: string
}

export interface LockRequest extends LockClaim {
  /** Who that is, for people: the name of a node, or of a host. */
  readonly holder: string
  readonly ttlMs: number
  /** Short: a waiter that died holds the others up for so long. Asking again renews it. 0: without standing in the queue. */
  readonly queueMs: number
}

export interface LockRenewal extends LockClaim {
  readonly fence: Fence
  readonly ttlMs: number
}

export type LockAnswer =
  | { readonly outcome: 'acquired'; readonly fence: Fence; readonly heldUntil: EpochMs }
  | {
      readonly outcome: 'held'
      /** `null`: it is free, and kept for one who waits for it. */
      readonly holder: string | null
      /** When it is worth while to ask again without a hint: the lease of the holder ends, or the place of the first waiter. */
      readonly freeInMs: number
    }

export interface LockQuery {
  /** Names that begin with this. */
  readonly prefix?: string
  readonly limit: number
  readonly cursor?: string
}

export interface LockRecord {
  readonly name: LockName
  readonly holder: string
  readonly fence: Fence
  readonly acquiredAt: EpochMs
  readonly heldUntil: EpochMs
  /** How many stand in its queue. */
  readonly waiting: number
}

export interface PruneResult {
  readonly deleted: number
  /** There may be more to delete right now. */
  readonly more: boolean
}

export interface StoreStats {
  readonly now: EpochMs
  readonly schedules: Readonly<Record<ScheduleState, number>>
  readonly pending: number
  readonly running: number
  readonly retrying: number
  /** Active schedules by the version of the time zone database that their next fire time was computed with. */
  readonly tzdata: Readonly<Record<string, number>>
  /** When the most overdue active schedule was due, or `null` when none is overdue. */
  readonly oldestDueAt: EpochMs | null
  /** Tasks of waiting runs that no live node knows, with how many wait. */
  readonly unclaimed: Readonly<Record<TaskName, number>>
}

export interface ExportQuery {
  /** At most this many; fewer where they have many open runs, or lie in several parts, so that nobody is held up. */
  readonly limit: number
  readonly cursor?: string
}

export type { Fence }
