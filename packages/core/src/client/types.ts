import type { Calendar, CalendarName } from '../domain/calendar.js'
import type { Clock, EpochMs, Random } from '../domain/clock.js'
import type { NodeId, RunId, ScheduleId, TaskName } from '../domain/ids.js'
import type { LeaseTiming } from '../domain/lease.js'
import type { Delivery, HistoryPolicy } from '../domain/policies.js'
import type { Health, SchedulerEvents } from '../domain/events.js'
import type { Logger } from '../domain/logger.js'
import type { Run } from '../domain/run.js'
import type { Schedule, ScheduleDefinition } from '../domain/schedule.js'
import type { SqlTransaction } from '../domain/sql-transaction.js'
import type { Task } from '../domain/task.js'
import type {
  CalendarQuery,
  LogPage,
  NodeRecord,
  Page,
  RunQuery,
  ScheduleQuery,
  Store,
} from '../store/contract.js'
import type { Leader, LockClient } from './lock-types.js'
import type { CalendarDefinition } from '../triggers/named-calendar.js'

export interface SchedulerOptions {
  /** A store, or the URL of one: `sqlite:PATH`, `sqlite::memory:`, `redis://…`, `rediss://…`, `postgres://…`, `memory:`. */
  readonly store: Store | string
  /** What this node can run. Without tasks it still fires schedules, for other nodes to run. */
  readonly tasks?: Iterable<Task>
  readonly node?: NodeOptions
  readonly lease?: Partial<LeaseTiming>
  /** For schedules that set none of their own. */
  readonly history?: Partial<HistoryPolicy>
  /** How long `stop` waits for running handlers. @default 30000 */
  readonly stopGraceMs?: number
  /** pino, console, or anything with these four methods. @default silent */
  readonly log?: Logger
  readonly clock?: Clock
  readonly random?: Random
}

export interface NodeOptions {
  /** @default host name and process id */
  readonly name?: NodeId
  /** Runs of schedules that ask for one of these groups are taken. @default ['default'] */
  readonly groups?: readonly string[]
  /** Runs at once on this node. @default 100 */
  readonly slots?: number
}

/** One node of Evertick: fires schedules, runs tasks, and gives access to both. Made by `createScheduler`. */
export interface Scheduler extends AsyncDisposable {
  readonly node: NodeId
  readonly store: Store
  readonly tasks: ReadonlyMap<TaskName, Task>
  readonly schedules: ScheduleClient
  readonly runs: RunClient
  readonly calendars: CalendarClient
  readonly locks: LockClient
  readonly leader: Leader
  /** Begins to fire and to run. May be called twice. @throws {EvertickError} ILLEGAL_STATE after `stop` */
  start(): Promise<void>
  /**
   * Stops taking work, hands over what has not begun, waits for running handlers up to the grace, aborts the rest,
   * resigns as leader, releases the locks it holds, leaves no lease behind, and closes the store if it was opened from a URL. May be called twice.
   */
  stop(options?: { graceMs?: number }): Promise<void>
  /** Events of this node. A listener that throws or rejects is logged and disturbs nothing. Returns what removes it. */
  on<Type extends keyof SchedulerEvents>(
    type: Type,
    listener: (event: SchedulerEvents[Type]) => void,
  ): () => void
  /** Whether the loops make progress, from what they did and not from flags. */
  health(): Promise<Health>
  listNodes(): Promise<NodeRecord[]>
}

export interface PutOptions {
  /** `replace` changes it, `keep` leaves it as it is, `error` refuses. @default 'replace' */
  readonly ifExists?: 'replace' | 'keep' | 'error'
  /** Refuse unless the schedule has this revision. */
  readonly ifRevision?: number
  /** Take a task that no node knows: the one that does comes later. @default false */
  readonly allowUnknownTask?: boolean
  /**
   * The transaction that the caller is in (PostgreSQL): the schedule is there, and begins to fire, when that is committed.
   * Until then it is locked, and does not fire.
   */
  readonly tx?: SqlTransaction
  /** Written as paused, so that nothing fires before it is resumed. @default false */
  readonly paused?: boolean
}

/** A definition as people write it: dates instead of text, a task instead of its name. */
export type ScheduleInput = Omit<ScheduleDefinition, 'task' | 'start' | 'end' | 'input'> & {
  readonly task: TaskName | Task
  readonly start?: string | Date
  readonly end?: string | Date
  readonly input?: unknown
}

/** The fields to replace; `null` goes back to the default, where there is one. */
export type SchedulePatch = {
  readonly [Field in Exclude<keyof ScheduleInput, 'id'>]?: ScheduleInput[Field] | null
}

export interface ScheduleClient {
  /**
   * Creates or changes a schedule. Put again unchanged, nothing is written and the next fire time stays; changed
   * in anything but its trigger, start, end or jitter, the next fire time stays as well. An interval after completion
   * begins to count anew when its trigger changes; while a run is open, from its end.
   * @throws {InvalidError} INVALID_SCHEDULE, INVALID_TRIGGER, INVALID_INPUT, PAYLOAD_TOO_LARGE, UNKNOWN_TASK, NEVER_FIRES
   * @throws {EvertickError} SCHEDULE_EXISTS, REVISION_CONFLICT; with `tx` also UNSUPPORTED, ILLEGAL_STATE
   */
  put(schedule: ScheduleInput, options?: PutOptions): Promise<Schedule>
  /** The same for many, in few round trips. All are checked before the first is written. */
  putAll(schedules: readonly ScheduleInput[], options?: PutOptions): Promise<Schedule[]>
  get(id: ScheduleId): Promise<Schedule | null>
  /** At most 100 unless `limit` says otherwise (up to 1000). */
  list(query?: Partial<ScheduleQuery>): Promise<Page<Schedule>>
  /** Changes some fields and leaves the others; checked and written like a whole definition. */
  patch(
    id: ScheduleId,
    changes: SchedulePatch,
    options?: Pick<PutOptions, 'ifRevision' | 'allowUnknownTask'>,
  ): Promise<Schedule>
  /** No run is created after this returns, until resumed. Running runs go on. */
  pause(id: ScheduleId, options?: { reason?: string }): Promise<Schedule>
  /** Goes on with the first fire time after now; those that passed while paused are not caught up. */
  resume(id: ScheduleId): Promise<Schedule>
  /** Answers whether there was one. Waiting runs are cancelled, running ones asked to end, history stays. */
  delete(id: ScheduleId, options?: Pick<PutOptions, 'ifRevision'>): Promise<boolean>
  /**
   * One run, now, besides the timetable, also when paused. The same `requestId` again gives the same run. With `tx` it
   * is there when that transaction is committed; see {@link PutOptions}.
   * @throws {EvertickError} SCHEDULE_NOT_FOUND; ILLEGAL_STATE for a `requestId` that was used with another input; with `tx`
   * also UNSUPPORTED
   */
  runNow(id: ScheduleId, options?: { requestId?: string; input?: unknown; tx?: SqlTransaction }): Promise<Run>
  /**
   * The next fire times, before jitter: 10 unless `count` says otherwise (up to 1000). Of an interval after completion
   * only the first can be known, and none while a run is open. While load spreads an interval out: as it would go on if
   * the load stayed.
   */
  upcoming(id: ScheduleId, options?: { count?: number; after?: EpochMs }): Promise<EpochMs[]>
}

export interface CalendarClient {
  /**
   * Creates or changes a calendar, and computes the next fire time of every schedule that refers to it anew. From the
   * moment the calendar is written no schedule fires on a date that it excludes, even if this call dies half-way;
   * calling it again, unchanged, does the rest.
   * @throws {InvalidError} INVALID_CALENDAR
   * @throws {EvertickError} REVISION_CONFLICT; CALENDAR_NOT_FOUND when `ifRevision` is given and there is none
   */
  put(definition: CalendarDefinition, options?: { ifRevision?: number }): Promise<Calendar>
  get(name: CalendarName): Promise<Calendar | null>
  /** By name; at most 100 unless `limit` says otherwise (up to 1000). */
  list(query?: Partial<CalendarQuery>): Promise<Page<Calendar>>
  /**
   * Answers whether there was one.
   * @throws {EvertickError} ILLEGAL_STATE while schedules refer to it, naming them; REVISION_CONFLICT
   */
  delete(name: CalendarName, options?: { ifRevision?: number }): Promise<boolean>
}

export interface EnqueueOptions {
  readonly input?: unknown
  /** Makes the request idempotent within the task. @default one of its own for each call */
  readonly requestId?: string
  /** The transaction that the caller is in (PostgreSQL): the run is there when that is committed. */
  readonly tx?: SqlTransaction
  /** As for a schedule. */
  readonly delivery?: Delivery
  readonly priority?: number
  readonly group?: string
  /** Take a task that no node knows: the one that does comes later. @default false */
  readonly allowUnknownTask?: boolean
}

export interface RunClient {
  /**
   * One run of a task, as soon as a node has a slot for it, without a schedule. It belongs to `task:NAME`, under which such
   * runs are listed and pruned. The same `requestId` again gives the same run.
   * @throws {InvalidError} INVALID_SCHEDULE for an option that is wrong, INVALID_INPUT, PAYLOAD_TOO_LARGE, UNKNOWN_TASK
   * @throws {EvertickError} ILLEGAL_STATE for a `requestId` that was used with another input; with `tx` also UNSUPPORTED
   */
  enqueue(task: TaskName | Task, options?: EnqueueOptions): Promise<Run>
  list(query?: Partial<RunQuery>): Promise<Page<Run>>
  get(id: RunId): Promise<Run | null>
  /** @throws {EvertickError} RUN_NOT_FOUND; ILLEGAL_STATE when it has ended */
  cancel(id: RunId): Promise<Run>
  /** One more attempt for a run that ended without success. @throws {EvertickError} RUN_NOT_FOUND, ILLEGAL_STATE */
  retry(id: RunId): Promise<Run>
  log(id: RunId, options?: { after?: number; limit?: number }): Promise<LogPage>
}
