import { parseRunId, type RunId, type ScheduleId } from '../../domain/ids.js'
import {
  MAX_PAST_ATTEMPTS,
  MAX_RECOVERIES,
  type PastAttempt,
  type RunError,
  type RunStatus,
} from '../../domain/run.js'
import type { AttemptReport, RecoveredRun } from '../../store/contract.js'
import type { Database } from './database.js'
import type { Hints } from '../../store/hints.js'
import { idOf, parsed, QUEUE, type RunRow } from '../sql/rows.js'
import { SELECT_RUN } from './rows.js'
import { abandonedBy, CANCELLED, givenUp, pausedAfter } from '../../store/reasons.js'

type Ending = Extract<RunStatus, 'succeeded' | 'failed' | 'cancelled' | 'lost'>

/** How attempts and runs end, and what that means for their schedule. Every method runs inside a transaction. */
export class RunEndings {
  readonly #db: Database
  readonly #hints: Hints

  constructor(db: Database, hints: Hints) {
    this.#db = db
    this.#hints = hints
  }

  finishAll(reports: readonly AttemptReport[]): boolean[] {
    // Asked once per batch: almost always nothing depends on how a run ends, and a success is one statement.
    let quiet = !this.#anyFailing() && !this.#anyBlocked() && !this.#anyAwaitingRun()
    return reports.map((report) => {
      // From the first one that did not succeed on, there may be something to count or to let go ahead.
      quiet &&= report.outcome.kind === 'succeeded'
      return this.#finish(report, quiet)
    })
  }

  #finish({ runId, fence, outcome }: AttemptReport, quiet: boolean): boolean {
    const identity = parseRunId(runId)
    if (identity === null) return false
    const { scheduleId, fireTime, requestId } = identity
    if (outcome.kind === 'succeeded') {
      const { changes } = this.#db
        .statement(
          `UPDATE runs SET status = 'succeeded', queue = 0, ended_at = ?, result = ?, error = NULL
           WHERE schedule_id = ? AND fire_time = ? AND request_id = ? AND fence = ? AND queue = 4`,
        )
        .run(this.#db.now(), outcome.result, scheduleId, fireTime, requestId, fence)
      if (changes === 0) return false
      if (!quiet) this.#afterEnd(scheduleId, 'succeeded')
      return true
    }
    const row = this.#db
      .statement(
        `${SELECT_RUN} WHERE schedule_id = ? AND fire_time = ? AND request_id = ? AND fence = ? AND queue = 4`,
      )
      .get(scheduleId, fireTime, requestId, fence) as RunRow | undefined
    if (row === undefined) return false
    switch (outcome.kind) {
      case 'failed':
      case 'cancelled':
        this.#end(row, outcome.kind, outcome.error)
        break
      case 'retry':
        this.#putBack(row, outcome.error, outcome.delayMs)
        break
      case 'interrupted':
        this.#takeBack(row, outcome.error)
        break
      case 'released':
        this.#release(row)
        break
    }
    return true
  }

  #end(row: RunRow, status: Ending, error: RunError): void {
    this.#db
      .statement('UPDATE runs SET status = ?, queue = 0, ended_at = ?, error = ? WHERE number = ?')
      .run(status, this.#db.now(), JSON.stringify(error), row.number)
    this.#afterEnd(row.schedule_id, status)
  }

  #putBack(row: RunRow, error: RunError, delayMs: number): void {
    if (row.cancel_requested === 1) return this.#end(row, 'cancelled', CANCELLED)
    const now = this.#db.now()
    this.#db
      .statement(
        `UPDATE runs SET status = 'retrying', queue = ?, due_at = ?, error = ?, attempts = ?
         WHERE number = ?`,
      )
      .run(
        delayMs > 0 ? QUEUE.delayed : QUEUE.ready,
        now + delayMs,
        JSON.stringify(error),
        withPastAttempt(row, error, now),
        row.number,
      )
    if (delayMs <= 0) this.#hints.note('ready')
  }

  /** Its node had to let go of it while the body ran: its delivery decides whether it may begin again. */
  #takeBack(row: RunRow, error: RunError): 'cancelled' | 'lost' | 'retrying' {
    if (row.cancel_requested === 1) {
      this.#end(row, 'cancelled', CANCELLED)
      return 'cancelled'
    }
    if (row.delivery === 'atMostOnce') {
      this.#end(row, 'lost', error)
      return 'lost'
    }
    this.#putBack(row, error, 0)
    return 'retrying'
  }

  /** Its node died, perhaps of it: that may happen only so often. */
  #recoverOne(row: RunRow): RecoveredRun['status'] {
    const error = abandonedBy(row.node)
    const mayGoOn = row.delivery === 'atLeastOnce' && row.cancel_requested === 0
    if (mayGoOn && row.recoveries >= MAX_RECOVERIES) {
      this.#end(row, 'failed', givenUp(error))
      return 'failed'
    }
    this.#db.statement('UPDATE runs SET recoveries = recoveries + 1 WHERE number = ?').run(row.number)
    return this.#takeBack(row, error)
  }

  #release(row: RunRow): void {
    if (row.cancel_requested === 1) return this.#end(row, 'cancelled', CANCELLED)
    this.#db
      .statement(
        `UPDATE runs SET status = 'pending', queue = 1, attempt = attempt - 1, due_at = ?, started_at = NULL
         WHERE number = ?`,
      )
      .run(this.#db.now(), row.number)
    this.#hints.note('ready')
  }

  /** Takes back up to `limit` runs of the sessions that have expired. */
  recover(limit: number): RecoveredRun[] {
    const rows = this.#db
      .statement(
        `${SELECT_RUN} WHERE runs.queue = 4 AND runs.session IN (SELECT number FROM sessions WHERE lease_until <= ?) LIMIT ?`,
      )
      .all(this.#db.now(), limit) as RunRow[]
    return rows.map((row) => ({
      id: idOf(row),
      scheduleId: row.schedule_id,
      task: row.task,
      status: this.#recoverOne(row),
      attempt: row.attempt,
    }))
  }

  cancel(id: RunId): void {
    const row = this.find(id)
    if (row === null || row.queue === QUEUE.ended) return
    if (row.queue === QUEUE.held) {
      this.#db.statement('UPDATE runs SET cancel_requested = 1 WHERE number = ?').run(row.number)
      this.#hints.note('cancel')
    } else {
      this.#end(row, 'cancelled', CANCELLED)
    }
  }

  /** Ends the waiting runs of a schedule and marks the running ones. Answers whether any is still running. */
  cancelAllOf(scheduleId: ScheduleId, reason: RunError): boolean {
    const error = JSON.stringify(reason)
    this.#db
      .statement(
        `UPDATE runs SET status = 'cancelled', queue = 0, ended_at = ?, error = ? WHERE schedule_id = ? AND queue IN (1, 2, 3)`,
      )
      .run(this.#db.now(), error, scheduleId)
    this.timeAfterRun(scheduleId)
    const { changes } = this.#db
      .statement('UPDATE runs SET cancel_requested = 1 WHERE schedule_id = ? AND queue = 4')
      .run(scheduleId)
    if (Number(changes) > 0) this.#hints.note('cancel')
    return Number(changes) > 0
  }

  retry(id: RunId): void {
    const row = this.find(id)
    if (row === null || row.queue !== QUEUE.ended || row.status === 'succeeded') return
    const attempts =
      row.attempt > 0
        ? withPastAttempt(row, parsed<RunError>(row.error) ?? CANCELLED, row.ended_at!)
        : row.attempts
    this.#db
      .statement(
        `UPDATE runs SET status = 'pending', queue = 1, due_at = ?, ended_at = NULL, error = NULL, attempts = ?,
                recoveries = 0, cancel_requested = 0
         WHERE number = ?`,
      )
      .run(this.#db.now(), attempts, row.number)
    this.#hints.note('ready')
    this.timeAfterRun(row.schedule_id)
  }

  find(id: RunId): RunRow | null {
    const identity = parseRunId(id)
    if (identity === null) return null
    const row = this.#db
      .statement(`${SELECT_RUN} WHERE schedule_id = ? AND fire_time = ? AND request_id = ?`)
      .get(identity.scheduleId, identity.fireTime, identity.requestId) as RunRow | undefined
    return row ?? null
  }

  #afterEnd(scheduleId: ScheduleId, status: Ending): void {
    if (status === 'succeeded') {
      this.#db.statement('UPDATE schedules SET failures = 0 WHERE id = ? AND failures > 0').run(scheduleId)
    } else if (status === 'failed' || status === 'lost') {
      this.#countFailure(scheduleId)
    }
    this.unblock(scheduleId)
    this.timeAfterRun(scheduleId)
  }

  /** Of a schedule that fires after the end of its last run: takes the fire time away, or gives it one. */
  timeAfterRun(scheduleId: ScheduleId): void {
    const { changes } = this.#db
      .statement(
        `UPDATE schedules SET fire_time = iif(is_open, NULL, ?2 + after_run_ms), due_at = iif(is_open, NULL, ?2 + after_run_ms)
         FROM (SELECT EXISTS (SELECT 1 FROM runs WHERE schedule_id = ?1 AND queue > 0) AS is_open)
         WHERE id = ?1 AND after_run_ms IS NOT NULL AND is_open = (fire_time IS NOT NULL)`,
      )
      .run(scheduleId, this.#db.now())
    if (Number(changes) > 0) this.#hints.note('due')
  }

  #countFailure(scheduleId: ScheduleId): void {
    const row = this.#db
      .statement(
        `UPDATE schedules SET failures = failures + 1 WHERE id = ?
         RETURNING failures, state,
           (SELECT definition ->> '$.pauseAfterFailures' FROM definitions WHERE definitions.id = schedules.id) AS pauseAfter`,
      )
      .get(scheduleId) as { failures: number; state: string; pauseAfter: number | null } | undefined
    if (row?.state !== 'active' || row.pauseAfter === null || row.failures < row.pauseAfter) return
    this.#db
      .statement(`UPDATE schedules SET state = 'paused', revision = revision + 1 WHERE id = ?`)
      .run(scheduleId)
    this.#db
      .statement('UPDATE definitions SET state_reason = ?, updated_at = ? WHERE id = ?')
      .run(pausedAfter(row.failures), this.#db.now(), scheduleId)
  }

  /** Lets the oldest blocked run of the schedule go ahead once nothing is open before it. */
  unblock(scheduleId: ScheduleId): void {
    const { changes } = this.#db
      .statement(
        `UPDATE runs SET queue = 1
         WHERE number = (SELECT number FROM runs WHERE schedule_id = ?1 AND queue = 3 ORDER BY fire_time LIMIT 1)
           AND NOT EXISTS (SELECT 1 FROM runs WHERE schedule_id = ?1 AND queue IN (1, 2, 4))`,
      )
      .run(scheduleId)
    if (Number(changes) > 0) this.#hints.note('ready')
  }

  #anyFailing(): boolean {
    return this.#db.statement('SELECT 1 FROM schedules WHERE failures > 0 LIMIT 1').get() !== undefined
  }

  #anyAwaitingRun(): boolean {
    const sql = 'SELECT 1 FROM schedules WHERE after_run_ms IS NOT NULL AND fire_time IS NULL LIMIT 1'
    return this.#db.statement(sql).get() !== undefined
  }

  #anyBlocked(): boolean {
    return this.#db.statement('SELECT 1 FROM runs WHERE queue = 3 LIMIT 1').get() !== undefined
  }
}

function withPastAttempt(row: RunRow, error: RunError, endedAt: number): string {
  const attempt: PastAttempt = {
    attempt: row.attempt,
    node: row.node,
    startedAt: row.started_at,
    endedAt,
    error,
  }
  return JSON.stringify([...(parsed<PastAttempt[]>(row.attempts) ?? []), attempt].slice(-MAX_PAST_ATTEMPTS))
}
