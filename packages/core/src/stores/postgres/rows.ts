import type { EpochMs } from '../../domain/clock.js'
import type { RunStatus } from '../../domain/run.js'
import type { Schedule } from '../../domain/schedule.js'
import { scheduleOf, type ScheduleRow } from '../sql/rows.js'

// By name: with `*`, a column that a newer release adds would break the prepared statements of this one.
const RUN_COLUMNS = `
  runs.number, runs.schedule_id, runs.fire_time, runs.request_id, runs.kind, runs.task, runs.status, runs.queue,
  runs.attempt, runs.recoveries, runs.fence, runs.priority, runs.grp, runs.delivery, runs.due_at, runs.created_at,
  runs.started_at, runs.ended_at, runs.cancel_requested, runs.stretched_ms, runs.spec, runs.error, runs.result,
  runs.progress, runs.missed, runs.attempts, sessions.node`

/** Gives a `RunRow`. */
export const SELECT_RUN = `
SELECT ${RUN_COLUMNS} FROM @runs runs LEFT JOIN @sessions sessions ON sessions.number = runs.session`

/** A schedule, what its next fire time depends on, and its last run. */
export interface WholeScheduleRow extends ScheduleRow {
  calendars_revision: number | null
  after_run_ms: number | null
  /** Of its last run, `null` where there is none. */
  last_fire_time: EpochMs | null
  last_request_id: string
  last_status: RunStatus
  last_started_at: EpochMs | null
  last_ended_at: EpochMs | null
}

/** Gives a {@link WholeScheduleRow}. */
export const SELECT_SCHEDULE = `
SELECT s.id, s.revision, s.state, s.fire_time, s.due_at, s.stretched_ms, s.tzdata, s.calendars_revision, s.after_run_ms,
       s.high_water_mark, s.fires, s.failures, d.definition, d.state_reason, d.created_at, d.updated_at,
       last.fire_time AS last_fire_time, last.request_id AS last_request_id, last.status AS last_status,
       last.started_at AS last_started_at, last.ended_at AS last_ended_at
FROM @schedules s JOIN @definitions d ON d.id = s.id
LEFT JOIN LATERAL (
  SELECT fire_time, request_id, status, started_at, ended_at FROM @runs runs WHERE runs.schedule_id = s.id
  ORDER BY fire_time DESC, request_id DESC LIMIT 1) last ON true`

export function wholeScheduleOf(row: WholeScheduleRow): Schedule {
  const { last_fire_time: fireTime } = row
  if (fireTime === null) return scheduleOf(row, undefined)
  return scheduleOf(row, {
    fire_time: fireTime,
    request_id: row.last_request_id,
    status: row.last_status,
    started_at: row.last_started_at,
    ended_at: row.last_ended_at,
  })
}
