import type { Calendar, CalendarJson, CalendarName } from '../../domain/calendar.js'
import type { EpochMs } from '../../domain/clock.js'
import { runIdOf, type LockName, type RunId, type ScheduleId } from '../../domain/ids.js'
import type { JsonValue } from '../../domain/json.js'
import type { Fence } from '../../domain/lease.js'
import type { Delivery } from '../../domain/policies.js'
import {
  isOpen,
  type MissedRange,
  type PastAttempt,
  type Run,
  type RunError,
  type RunKind,
  type RunProgress,
  type RunStatus,
} from '../../domain/run.js'
import type { LastRun, Schedule, ScheduleDefinition, ScheduleState } from '../../domain/schedule.js'
import type { ClaimedRun, LockRecord } from '../../store/contract.js'

/** Where a run waits; see the first migration of either store. */
export const QUEUE = { ended: 0, ready: 1, delayed: 2, blocked: 3, held: 4 } as const

/** Which run a row is of. */
export interface RunIdentity {
  schedule_id: ScheduleId
  fire_time: EpochMs
  request_id: string
}

/** A row of `runs`, joined with the session that holds it. */
export interface RunRow extends RunIdentity {
  number: number
  kind: RunKind
  task: string
  status: RunStatus
  queue: number
  attempt: number
  recoveries: number
  fence: number
  priority: number
  grp: string
  delivery: Delivery
  due_at: EpochMs
  created_at: EpochMs
  started_at: EpochMs | null
  ended_at: EpochMs | null
  cancel_requested: boolean | 0 | 1
  stretched_ms: number | null
  spec: string | null
  error: string | null
  result: string | null
  progress: string | null
  missed: string | null
  attempts: string | null
  /** Joined from sessions. */
  node: string | null
}

export function idOf(row: RunIdentity): RunId {
  return runIdOf(row.schedule_id, row.fire_time, row.request_id)
}

export function runOf(row: RunRow): Run {
  return {
    id: idOf(row),
    scheduleId: row.schedule_id,
    kind: row.kind,
    fireTime: row.fire_time,
    stretchedMs: row.stretched_ms,
    requestId: row.request_id,
    task: row.task,
    status: row.status,
    attempt: row.attempt,
    node: row.node,
    fence: row.fence,
    priority: row.priority,
    group: row.grp,
    delivery: row.delivery,
    dueAt: row.due_at,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    cancelRequested: row.cancel_requested === true || row.cancel_requested === 1,
    error: parsed<RunError>(row.error),
    result: parsed<JsonValue>(row.result),
    progress: parsed<RunProgress>(row.progress),
    missed: parsed<MissedRange>(row.missed),
    attempts: parsed<PastAttempt[]>(row.attempts) ?? [],
    spec: row.spec,
  }
}

/** Of a run that is held. */
export function claimedOf(row: RunRow): ClaimedRun {
  return {
    runId: idOf(row),
    fence: row.fence as Fence,
    scheduleId: row.schedule_id,
    kind: row.kind,
    fireTime: row.fire_time,
    task: row.task,
    attempt: row.attempt,
    delivery: row.delivery,
    dueAt: row.due_at,
    createdAt: row.created_at,
    startedAt: row.started_at!,
    spec: row.spec,
  }
}

/** Where a run that nobody holds belongs. */
export function queueOf({ status, dueAt }: Run, isBlocked: boolean, now: EpochMs): number {
  if (!isOpen(status)) return QUEUE.ended
  if (isBlocked) return QUEUE.blocked
  return dueAt > now ? QUEUE.delayed : QUEUE.ready
}

export function parsed<Value>(text: string | null): Value | null {
  return text === null ? null : (JSON.parse(text) as Value)
}

export function textOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

/** A row of `schedules`, joined with its row of `definitions`. */
export interface ScheduleRow {
  id: ScheduleId
  revision: number
  state: ScheduleState
  fire_time: EpochMs | null
  due_at: EpochMs | null
  stretched_ms: number | null
  tzdata: string | null
  high_water_mark: EpochMs | null
  fires: number
  failures: number
  definition: string
  state_reason: string | null
  created_at: EpochMs
  updated_at: EpochMs
}

export type LastRunRow = Pick<RunRow, 'fire_time' | 'request_id' | 'status' | 'started_at' | 'ended_at'>

export function scheduleOf(row: ScheduleRow, last: LastRunRow | undefined): Schedule {
  return {
    id: row.id,
    definition: JSON.parse(row.definition) as ScheduleDefinition,
    state: row.state,
    stateReason: row.state_reason,
    revision: row.revision,
    nextFireTime: row.fire_time,
    dueAt: row.due_at,
    tzdata: row.tzdata,
    stretchedMs: row.stretched_ms,
    highWaterMark: row.high_water_mark,
    fires: row.fires,
    consecutiveFailures: row.failures,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastRun: last === undefined ? null : lastRunOf(row.id, last),
  }
}

function lastRunOf(scheduleId: ScheduleId, row: LastRunRow): LastRun {
  return {
    id: runIdOf(scheduleId, row.fire_time, row.request_id),
    status: row.status,
    fireTime: row.fire_time,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

export interface CalendarRow {
  name: CalendarName
  revision: number
  definition: string
  created_at: EpochMs
  updated_at: EpochMs
}

export function calendarOf(row: CalendarRow): Calendar {
  return {
    name: row.name,
    definition: JSON.parse(row.definition) as CalendarJson,
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export interface LockRow {
  name: LockName
  fence: Fence
  owner: string | null
  holder: string
  acquired_at: EpochMs
  held_until: EpochMs
}

/** The place of one who waits for a lock. */
export interface PlaceRow {
  owner: string
  waits_until: EpochMs
}

export function recordOf(row: LockRow & { waiting: number }): LockRecord {
  return {
    name: row.name,
    holder: row.holder,
    fence: row.fence,
    acquiredAt: row.acquired_at,
    heldUntil: row.held_until,
    waiting: row.waiting,
  }
}
