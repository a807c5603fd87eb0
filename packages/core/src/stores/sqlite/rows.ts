import type { EpochMs } from '../../domain/clock.js'
import { runIdOf } from '../../domain/ids.js'
import type { JsonValue } from '../../domain/json.js'
import type { Delivery } from '../../domain/policies.js'
import type {
  MissedRange,
  PastAttempt,
  Run,
  RunError,
  RunKind,
  RunProgress,
  RunStatus,
} from '../../domain/run.js'
import type { LastRun, Schedule, ScheduleDefinition, ScheduleState } from '../../domain/schedule.js'

/** Where a run waits; see the first migration. */
export const QUEUE = { ended: 0, ready: 1, delayed: 2, blocked: 3, held: 4 } as const

export interface RunRow {
  number: number
  schedule_id: string
  fire_time: EpochMs
  request_id: string
  kind: RunKind
  task: string
  status: RunStatus
  queue: number
  attempt: number
  recoveries: number
  session: number | null
  fence: number
  priority: number
  grp: string
  delivery: Delivery
  due_at: EpochMs
  created_at: EpochMs
  started_at: EpochMs | null
  ended_at: EpochMs | null
  cancel_requested: number
  log_bytes: number
  spec: string | null
  error: string | null
  result: string | null
  progress: string | null
  missed: string | null
  stretched_ms: number | null
  attempts: string | null
  /** Joined from sessions. */
  node: string | null
}

export const SELECT_RUN = `
SELECT runs.*, sessions.node AS node FROM runs LEFT JOIN sessions ON sessions.number = runs.session`

export function runOf(row: RunRow): Run {
  return {
    id: runIdOf(row.schedule_id, row.fire_time, row.request_id),
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
    cancelRequested: row.cancel_requested === 1,
    error: parsed<RunError>(row.error),
    result: parsed<JsonValue>(row.result),
    progress: parsed<RunProgress>(row.progress),
    missed: parsed<MissedRange>(row.missed),
    attempts: parsed<PastAttempt[]>(row.attempts) ?? [],
    spec: row.spec,
  }
}

export function parsed<Value>(text: string | null): Value | null {
  return text === null ? null : (JSON.parse(text) as Value)
}

export interface ScheduleRow {
  id: string
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

export interface LastRunRow {
  fire_time: EpochMs
  request_id: string
  status: RunStatus
  started_at: EpochMs | null
  ended_at: EpochMs | null
}

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

function lastRunOf(scheduleId: string, row: LastRunRow): LastRun {
  return {
    id: runIdOf(scheduleId, row.fire_time, row.request_id),
    status: row.status,
    fireTime: row.fire_time,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}
