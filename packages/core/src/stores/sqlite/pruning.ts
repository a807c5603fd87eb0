import type { EpochMs } from '../../domain/clock.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { HistoryPolicy } from '../../domain/policies.js'
import type { PruneResult } from '../../store/contract.js'
import type { Database } from './database.js'
import type { SqlValue } from './driver.js'

/** A look at a schedule with nothing to delete costs about 50 µs; so many keep one transaction within milliseconds. */
const SCHEDULES_AT_ONCE = 50

/** From one schedule with runs to the next; `DISTINCT` would read all their runs. */
const HISTORIES = `
WITH RECURSIVE ids (id) AS (
  SELECT min(schedule_id) FROM runs WHERE schedule_id > ?
  UNION ALL
  SELECT (SELECT min(schedule_id) FROM runs WHERE schedule_id > ids.id) FROM ids WHERE ids.id IS NOT NULL
  LIMIT ${SCHEDULES_AT_ONCE})
SELECT ids.id, d.definition ->> '$.history' AS history, d.id IS NULL AS deleted
FROM ids LEFT JOIN definitions d ON d.id = ids.id WHERE ids.id IS NOT NULL`

/** Some of the runs, and the index over just these: its condition, word for word. */
interface Part {
  readonly index: string
  readonly condition: string
}

const ALL: Part = { index: 'runs_identity', condition: 'TRUE' }
const FAILED: Part = { index: 'runs_failed', condition: "queue = 0 AND status IN ('failed', 'lost')" }
const UNSTARTED: Part = {
  index: 'runs_unstarted',
  condition: "queue = 0 AND status IN ('skipped', 'missed')",
}
/** By its fire time, for there are enough newer ones; or by when it ended. */
const OUTLIVED = '(fire_time <= ? OR ended_at <= ?)'

const NEVER = Number.MIN_SAFE_INTEGER

export interface PruneStep extends PruneResult {
  readonly cameTo: ScheduleId
}

interface HistoryRow {
  id: ScheduleId
  history: string | null
  deleted: number
}

/** One schedule's history, and what of it is to go. */
interface Subject {
  readonly id: ScheduleId
  readonly history: HistoryPolicy
  readonly now: EpochMs
  /** The number of the run that stays whatever the rule, or −1. */
  readonly kept: number
}

/** Removes old history. Runs inside a transaction. */
export class Pruning {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Goes on after the schedule that the last step came to, '' for the first. */
  step(defaults: HistoryPolicy, limit: number, cameTo: ScheduleId): PruneStep {
    const db = this.#db
    const now = db.now()
    db.statement('DELETE FROM tombstones WHERE expires_at <= ?').run(now)
    const rows = db.statement(HISTORIES).all(cameTo) as HistoryRow[]
    let deleted = 0
    let position = cameTo
    for (const row of rows) {
      if (deleted >= limit) break
      const own = row.history === null ? {} : (JSON.parse(row.history) as Partial<HistoryPolicy>)
      const kept = row.deleted === 1 ? -1 : this.#newest(row.id)
      const subject = { id: row.id, history: { ...defaults, ...own }, now, kept }
      deleted += this.#pruneOne(subject, limit - deleted)
      if (deleted < limit) position = row.id
    }
    const wholeRound = deleted < limit && rows.length < SCHEDULES_AT_ONCE
    return { deleted, more: !wholeRound, cameTo: wholeRound ? '' : position }
  }

  #newest(id: ScheduleId): number {
    const row = this.#db
      .statement(
        'SELECT number FROM runs WHERE schedule_id = ? ORDER BY fire_time DESC, request_id DESC LIMIT 1',
      )
      .get(id) as { number: number }
    return row.number
  }

  #pruneOne(subject: Subject, limit: number): number {
    const unstarted = this.#pruneUnstarted(subject, limit)
    // What never started makes room first: only then is known which are the newest of all.
    if (unstarted === limit) return limit
    return unstarted + this.#pruneOutlived(subject, limit - unstarted)
  }

  #pruneUnstarted({ id, history, kept }: Subject, limit: number): number {
    // Where all runs together may not be more, it is no limit of its own.
    if (history.maxSkipped >= history.maxRuns) return 0
    const bound = this.#fireTimeAt(UNSTARTED, 'TRUE', history.maxSkipped, id)
    if (bound === NEVER) return 0
    return this.#delete(UNSTARTED, 'fire_time <= ?', limit, id, kept, bound)
  }

  #pruneOutlived({ id, history, now, kept }: Subject, limit: number): number {
    const beyond = this.#fireTimeAt(ALL, 'TRUE', history.maxRuns, id)
    const ageEnd = now - history.maxAgeMs
    const outlived = [beyond, ageEnd]
    const tooMany = this.#fireTimeAt(FAILED, OUTLIVED, history.maxFailures, id, ...outlived)
    const failures =
      tooMany === NEVER
        ? 0
        : this.#delete(FAILED, `fire_time <= ? AND ${OUTLIVED}`, limit, id, kept, tooMany, ...outlived)
    if (failures === limit) return limit
    const failureEnd = now - history.maxFailureAgeMs
    // A run does not end before its fire time, so nothing younger than every bound need be looked at.
    const others = this.#delete(
      ALL,
      `queue = 0 AND fire_time <= ?
       AND iif(status IN ('failed', 'lost'), ended_at <= ?, ${OUTLIVED})`,
      limit - failures,
      id,
      kept,
      Math.max(beyond, ageEnd, failureEnd),
      failureEnd,
      ...outlived,
    )
    return failures + others
  }

  /** Of those that the condition fits, the newest after so many others. */
  #fireTimeAt(part: Part, condition: string, others: number, id: ScheduleId, ...values: SqlValue[]): EpochMs {
    const row = this.#db
      .statement(
        `SELECT fire_time FROM runs INDEXED BY ${part.index}
         WHERE schedule_id = ? AND ${part.condition} AND ${condition}
         ORDER BY fire_time DESC LIMIT 1 OFFSET ?`,
      )
      .get(id, ...values, others) as { fire_time: EpochMs } | undefined
    return row?.fire_time ?? NEVER
  }

  /** The oldest of those that the condition fits. */
  #delete(
    part: Part,
    condition: string,
    limit: number,
    id: ScheduleId,
    kept: number,
    ...values: SqlValue[]
  ): number {
    const db = this.#db
    const runs = db
      .statement(
        `SELECT number, log_bytes FROM runs INDEXED BY ${part.index}
         WHERE schedule_id = ? AND number <> ? AND ${part.condition} AND ${condition}
         ORDER BY fire_time LIMIT ?`,
      )
      .all(id, kept, ...values, limit) as { number: number; log_bytes: number }[]
    for (const { number, log_bytes: logBytes } of runs) {
      if (logBytes > 0) db.statement('DELETE FROM run_logs WHERE run = ?').run(number)
      db.statement('DELETE FROM runs WHERE number = ?').run(number)
    }
    return runs.length
  }
}
