import { parseRunId, type RunId, type ScheduleId } from '../../domain/ids.js'
import type { Run, RunError } from '../../domain/run.js'
import type { RecoveredRun } from '../../store/contract.js'
import { CANCELLED, pausedAfter } from '../../store/reasons.js'
import {
  afterRunAmong,
  holdFreeSchedules,
  holdSchedules,
  lockedAmong,
  timeAfterRun,
  type HeldSchedule,
} from './held-schedules.js'
import { idOf, QUEUE, runOf, type RunRow } from '../sql/rows.js'
import { SELECT_RUN } from './rows.js'
import { ended, recovered, retried, type HeldRun } from './run-changes.js'
import type { Queryable } from './sql.js'
import type { Transaction } from './transaction.js'

// How attempts and runs end, and what that means for their schedule.

export const HELD_COLUMNS = `runs.number, runs.schedule_id, runs.fire_time, runs.request_id, runs.task, runs.status, runs.queue,
  runs.attempt, runs.recoveries, runs.fence, runs.delivery, runs.due_at, runs.started_at, runs.ended_at,
  runs.cancel_requested, runs.error, runs.result, runs.attempts, sessions.node`

export const JOIN_SESSIONS = 'LEFT JOIN @sessions sessions ON sessions.number = runs.session'

/** What became of a run. */
export type Changed = Pick<HeldRun, 'schedule_id' | 'status' | 'queue'>

export type Held = ReadonlyMap<ScheduleId, HeldSchedule>

export function scheduleIdsOf(leases: readonly { readonly runId: RunId }[]): ScheduleId[] {
  return leases.map(({ runId }) => scheduleIdOf(runId))
}

/** Empty for text that no run can have as its id. */
export function scheduleIdOf(runId: RunId): ScheduleId {
  return parseRunId(runId)?.scheduleId ?? ''
}

/** Takes back up to `limit` runs of the sessions that have expired. */
export async function recover(tx: Transaction, limit: number): Promise<RecoveredRun[]> {
  // Locked, so that a late heartbeat cannot renew what is being taken away; one that came before is seen.
  const expired = await tx.rows<{ number: number }>(
    `SELECT number FROM @sessions sessions
     WHERE lease_until <= $1 AND EXISTS (SELECT FROM @runs runs WHERE runs.queue = 4 AND runs.session = sessions.number)
     ORDER BY number FOR NO KEY UPDATE SKIP LOCKED`,
    [tx.now],
  )
  if (expired.length === 0) return []
  const sessions = expired.map(({ number }) => number)
  // What another transaction holds, a handler's perhaps, is left for the next time: nobody is waited for, so that the
  // runs may be locked before their schedules.
  const found = await tx.rows<HeldRun>(
    `SELECT ${HELD_COLUMNS} FROM @runs runs ${JOIN_SESSIONS}
     WHERE runs.queue = 4 AND runs.session = ANY ($1::bigint[]) LIMIT $2 FOR NO KEY UPDATE OF runs SKIP LOCKED`,
    [sessions, limit],
  )
  const ids = found.map((run) => run.schedule_id)
  const schedules = await holdFreeSchedules(tx, ids)
  const locked = await lockedAmong(tx, ids, schedules)
  const runs = found.filter((run) => !locked.has(run.schedule_id))
  const changed = runs.map((run) => recovered(run, tx.now))
  await write(tx, changed, schedules)
  return changed.map((run) => ({
    id: idOf(run),
    scheduleId: run.schedule_id,
    task: run.task,
    status: run.status as RecoveredRun['status'],
    attempt: run.attempt,
  }))
}

export async function cancelRun(tx: Transaction, id: RunId): Promise<Run | null> {
  const schedules = await holdSchedules(tx, scheduleIdsOf([{ runId: id }]))
  const run = await hold(tx, id)
  if (run?.queue === QUEUE.held) {
    await write(tx, [{ ...run, cancel_requested: true }], schedules)
    tx.note('cancel')
  } else if (run !== null && run.queue !== QUEUE.ended) {
    await write(tx, [ended(run, 'cancelled', CANCELLED, tx.now)], schedules)
  }
  return findRun(tx, id)
}

export async function retryRun(tx: Transaction, id: RunId): Promise<Run | null> {
  const schedules = await holdSchedules(tx, scheduleIdsOf([{ runId: id }]))
  const run = await hold(tx, id)
  if (run !== null && run.queue === QUEUE.ended && run.status !== 'succeeded') {
    await write(tx, [retried(run, tx.now)], schedules)
    await timeAfterRun(tx, afterRunAmong(schedules))
  }
  return findRun(tx, id)
}

export async function findRun(db: Queryable, id: RunId): Promise<Run | null> {
  const identity = parseRunId(id)
  const { scheduleId = '', fireTime = 0, requestId = '' } = identity ?? {}
  const { rows } = await db.query<RunRow>(
    `${SELECT_RUN} WHERE runs.schedule_id = $1 AND runs.fire_time = $2 AND runs.request_id = $3`,
    [scheduleId, fireTime, requestId],
  )
  return rows[0] === undefined ? null : runOf(rows[0])
}

async function hold(tx: Transaction, id: RunId): Promise<HeldRun | null> {
  const identity = parseRunId(id)
  if (identity === null) return null
  const [row] = await tx.rows<HeldRun>(
    `SELECT ${HELD_COLUMNS} FROM @runs runs ${JOIN_SESSIONS}
     WHERE runs.schedule_id = $1 AND runs.fire_time = $2 AND runs.request_id = $3 FOR NO KEY UPDATE OF runs`,
    [identity.scheduleId, identity.fireTime, identity.requestId],
  )
  return row ?? null
}

/** Locks the open runs of schedules that are held, all at once: in one order with whoever locks runs of several schedules. */
export async function holdOpenRuns(tx: Transaction, ids: readonly ScheduleId[]): Promise<void> {
  await tx.query(
    `SELECT FROM @runs WHERE schedule_id = ANY ($1::text[]) AND queue > 0 ORDER BY number FOR NO KEY UPDATE`,
    [ids],
  )
}

/** Of a held schedule whose open runs are held: ends the waiting ones and marks the running ones. Answers whether any is. */
export async function cancelAllOf(tx: Transaction, id: ScheduleId, reason: RunError): Promise<boolean> {
  await tx.query(
    `UPDATE @runs SET status = 'cancelled', queue = 0, ended_at = $2, error = $3
     WHERE schedule_id = $1 AND queue IN (1, 2, 3)`,
    [id, tx.now, JSON.stringify(reason)],
  )
  await timeAfterRun(tx, [id])
  const { count } = await tx.query(
    'UPDATE @runs SET cancel_requested = true WHERE schedule_id = $1 AND queue = 4',
    [id],
  )
  if (count > 0) tx.note('cancel')
  return count > 0
}

/** Writes what became of held runs of held schedules, in the order in which it happened. */
async function write(tx: Transaction, runs: readonly HeldRun[], schedules: Held): Promise<void> {
  await writeRuns(tx, runs)
  await follow(tx, runs, schedules)
}

/** Writes what became of held runs. */
export async function writeRuns(tx: Transaction, runs: readonly HeldRun[]): Promise<void> {
  if (runs.length === 0) return
  await tx.query(
    `UPDATE @runs runs SET status = new.status, queue = new.queue, attempt = new.attempt, recoveries = new.recoveries,
            due_at = new.due_at, started_at = new.started_at, ended_at = new.ended_at,
            cancel_requested = new.cancel_requested, error = new.error, result = new.result, attempts = new.attempts
     FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[],
       $8::bigint[], $9::boolean[], $10::text[], $11::text[], $12::text[])
       AS new (number, status, queue, attempt, recoveries, due_at, started_at, ended_at, cancel_requested, error, result,
         attempts)
     WHERE runs.number = new.number`,
    [
      runs.map((run) => run.number),
      runs.map((run) => run.status),
      runs.map((run) => run.queue),
      runs.map((run) => run.attempt),
      runs.map((run) => run.recoveries),
      runs.map((run) => run.due_at),
      runs.map((run) => run.started_at),
      runs.map((run) => run.ended_at),
      runs.map((run) => run.cancel_requested),
      runs.map((run) => run.error),
      runs.map((run) => run.result),
      runs.map((run) => run.attempts),
    ],
  )
}

/** What follows for held schedules from what became of their runs, in the order in which it happened. */
export async function follow(tx: Transaction, runs: readonly Changed[], schedules: Held): Promise<void> {
  if (runs.some((run) => run.queue === QUEUE.ready)) tx.note('ready')
  const over = runs.filter((run) => run.queue === QUEUE.ended)
  if (over.length === 0) return
  await countFailures(tx, over, schedules)
  const ids = [...new Set(over.map((run) => run.schedule_id))]
  await unblock(tx, ids)
  await timeAfterRun(
    tx,
    ids.filter((id) => schedules.get(id)?.after_run_ms != null),
  )
}

/** How many in a row, per schedule; so many that it asked to be paused, and it is. */
async function countFailures(tx: Transaction, over: readonly Changed[], schedules: Held): Promise<void> {
  const limits = await pauseLimits(tx, over)
  const changed = new Set<HeldSchedule>()
  const paused = new Map<ScheduleId, string>()
  for (const run of over) {
    const schedule = schedules.get(run.schedule_id)
    if (schedule === undefined || run.status === 'cancelled') continue
    if (run.status === 'succeeded') {
      if (schedule.failures === 0) continue
      schedule.failures = 0
    } else {
      schedule.failures++
      const limit = limits.get(schedule.id)
      if (schedule.state === 'active' && limit !== undefined && schedule.failures >= limit) {
        schedule.state = 'paused'
        schedule.revision++
        paused.set(schedule.id, pausedAfter(schedule.failures))
      }
    }
    changed.add(schedule)
  }
  if (changed.size === 0) return
  const rows = [...changed]
  await tx.query(
    `UPDATE @schedules schedules SET failures = new.failures, state = new.state, revision = new.revision
     FROM unnest($1::text[], $2::integer[], $3::text[], $4::integer[]) AS new (id, failures, state, revision)
     WHERE schedules.id = new.id`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.failures),
      rows.map((row) => row.state),
      rows.map((row) => row.revision),
    ],
  )
  if (paused.size === 0) return
  await tx.query(
    `UPDATE @definitions definitions SET state_reason = new.reason, updated_at = $3
     FROM unnest($1::text[], $2::text[]) AS new (id, reason) WHERE definitions.id = new.id`,
    [[...paused.keys()], [...paused.values()], tx.now],
  )
}

async function pauseLimits(
  tx: Transaction,
  over: readonly Changed[],
): Promise<ReadonlyMap<ScheduleId, number>> {
  const failed = over.filter(({ status }) => status === 'failed' || status === 'lost')
  if (failed.length === 0) return new Map()
  const rows = await tx.rows<{ id: ScheduleId; pause_after: number }>(
    'SELECT id, pause_after FROM @definitions WHERE id = ANY ($1::text[]) AND pause_after IS NOT NULL',
    [failed.map((run) => run.schedule_id)],
  )
  return new Map(rows.map((row) => [row.id, row.pause_after]))
}

/**
 * The oldest blocked run of each. Blocked ones are few, and looked at first: to look first for what is open, among what has
 * just ended, took 25 µs for each schedule.
 */
const UNBLOCK = `
WITH blocked AS MATERIALIZED (
  SELECT DISTINCT ON (schedule_id) number, schedule_id FROM @runs WHERE queue = 3 AND schedule_id = ANY ($1::text[])
  ORDER BY schedule_id, fire_time)
UPDATE @runs SET queue = 1 WHERE number IN (
  SELECT number FROM blocked
  WHERE NOT EXISTS (SELECT FROM @runs runs WHERE runs.schedule_id = blocked.schedule_id AND runs.queue IN (1, 2, 4)))`

/** Lets the oldest blocked run of each held schedule go ahead where nothing is open before it. */
export async function unblock(tx: Transaction, ids: readonly ScheduleId[]): Promise<void> {
  const { count } = await tx.query(UNBLOCK, [ids])
  if (count > 0) tx.note('ready')
}
