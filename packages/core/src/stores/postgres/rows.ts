import type { EpochMs } from '../../domain/clock.js'
import { runIdOf, type RunId } from '../../domain/ids.js'
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
import type { Schedule, ScheduleDefinition, ScheduleState } from '../../domain/schedule.js'

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
  fence: number
  priority: number
  grp: string
  delivery: Delivery
  due_at: EpochMs
  created_at: EpochMs
  started_at: EpochMs | null
  ended_at: EpochMs | null
  cancel_requested: boolean
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

// By name: with `*`, a column that a newer release adds would break the prepared statements of this one.
const RUN_COLUMNS = `
  runs.number, runs.schedule_id, runs.fire_time, runs.request_id, runs.kind, runs.task, runs.status, runs.queue,
  runs.attempt, runs.recoveries, runs.fence, runs.priority, runs.grp, runs.delivery, runs.due_at, runs.created_at,
  runs.started_at, runs.ended_at, runs.cancel_requested, runs.stretched_ms, runs.spec, runs.error, runs.result,
  runs.progress, runs.missed, runs.attempts, sessions.node`

export const SELECT_RUN = `
SELECT ${RUN_COLUMNS} FROM @runs runs LEFT JOIN @sessions sessions ON sessions.number = runs.session`

export function idOf(row: Pick<RunRow, 'schedule_id' | 'fire_time' | 'request_id'>): RunId {
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
    cancelRequested: row.cancel_requested,
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
  calendars_revision: number | null
  after_run_ms: number | null
  high_water_mark: EpochMs | null
  fires: number
  failures: number
  definition: string
  state_reason: string | null
  created_at: EpochMs
  updated_at: EpochMs
  /** Of its last run, `null` where there is none. */
  last_fire_time: EpochMs | null
  last_request_id: string
  last_status: RunStatus
  last_started_at: EpochMs | null
  last_ended_at: EpochMs | null
}

export const SELECT_SCHEDULE = `
SELECT s.id, s.revision, s.state, s.fire_time, s.due_at, s.stretched_ms, s.tzdata, s.calendars_revision, s.after_run_ms,
       s.high_water_mark, s.fires, s.failures, d.definition, d.state_reason, d.created_at, d.updated_at,
       last.fire_time AS last_fire_time, last.request_id AS last_request_id, last.status AS last_status,
       last.started_at AS last_started_at, last.ended_at AS last_ended_at
FROM @schedules s JOIN @definitions d ON d.id = s.id
LEFT JOIN LATERAL (
  SELECT fire_time, request_id, status, started_at, ended_at FROM @runs runs WHERE runs.schedule_id = s.id
  ORDER BY fire_time DESC, request_id DESC LIMIT 1) last ON true`

export function scheduleOf(row: ScheduleRow): Schedule {
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
    lastRun:
      row.last_fire_time === null
        ? null
        : {
            id: runIdOf(row.id, row.last_fire_time, row.last_request_id),
            status: row.last_status,
            fireTime: row.last_fire_time,
            startedAt: row.last_started_at,
            endedAt: row.last_ended_at,
          },
  }
}
