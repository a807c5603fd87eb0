import type { ScheduleId } from '../../domain/ids.js'
import type { HistoryPolicy } from '../../domain/policies.js'
import type { NodeInfo, PruneResult, StoreStats } from '../../store/contract.js'
import type { Database } from './database.js'

/** A look at a schedule with nothing to delete costs about 50 µs; so many keep one transaction within milliseconds. */
const SCHEDULES_AT_ONCE = 50

const HISTORIES = `
SELECT ids.schedule_id AS id, d.definition ->> '$.history' AS history, d.id IS NULL AS deleted
FROM (SELECT DISTINCT schedule_id FROM runs WHERE schedule_id > ? ORDER BY schedule_id LIMIT ${SCHEDULES_AT_ONCE}) AS ids
LEFT JOIN definitions d ON d.id = ids.schedule_id`

export interface PruneStep extends PruneResult {
  readonly cameTo: ScheduleId
}

interface HistoryRow {
  id: string
  history: string | null
  deleted: number
}

/** Removes what is no longer wanted, and counts what is there. */
export class Upkeep {
  readonly #db: Database
  constructor(db: Database) {
    this.#db = db
  }

  /** Inside a transaction. Goes on after the schedule that the last step came to, '' for the first. */
  prune(defaults: HistoryPolicy, limit: number, cameTo: ScheduleId): PruneStep {
    const db = this.#db
    const now = db.now()
    db.statement('DELETE FROM tombstones WHERE expires_at <= ?').run(now)
    const rows = db.statement(HISTORIES).all(cameTo) as HistoryRow[]
    let deleted = 0
    let position = cameTo
    for (const row of rows) {
      if (deleted >= limit) break
      const own = row.history === null ? {} : (JSON.parse(row.history) as Partial<HistoryPolicy>)
      deleted += this.#pruneOne(row, { ...defaults, ...own }, now, limit - deleted)
      if (deleted < limit) position = row.id
    }
    const wholeRound = deleted < limit && rows.length < SCHEDULES_AT_ONCE
    return { deleted, more: !wholeRound, cameTo: wholeRound ? '' : position }
  }

  #pruneOne(row: HistoryRow, history: HistoryPolicy, now: number, limit: number): number {
    const db = this.#db
    const bound = db
      .statement(
        'SELECT fire_time FROM runs WHERE schedule_id = ? ORDER BY fire_time DESC, request_id DESC LIMIT 1 OFFSET ?',
      )
      .get(row.id, history.maxRuns) as { fire_time: number } | undefined
    const newest = db
      .statement(
        'SELECT number FROM runs WHERE schedule_id = ? ORDER BY fire_time DESC, request_id DESC LIMIT 1',
      )
      .get(row.id) as { number: number }
    // A run does not end before its fire time, so nothing younger than every bound need be looked at.
    const numbers = db
      .statement(
        `SELECT number, log_bytes FROM runs
         WHERE schedule_id = ?1 AND fire_time <= max(?3, ?4, ?5) AND queue = 0 AND number <> ?2
           AND ((status NOT IN ('failed', 'lost') AND (fire_time <= ?3 OR ended_at <= ?4)) OR ended_at <= ?5)
         ORDER BY fire_time LIMIT ?6`,
      )
      .all(
        row.id,
        row.deleted === 1 ? -1 : newest.number,
        bound?.fire_time ?? Number.MIN_SAFE_INTEGER,
        now - history.maxAgeMs,
        now - history.maxFailureAgeMs,
        limit,
      ) as { number: number; log_bytes: number }[]
    for (const { number, log_bytes: logBytes } of numbers) {
      if (logBytes > 0) db.statement('DELETE FROM run_logs WHERE run = ?').run(number)
      db.statement('DELETE FROM runs WHERE number = ?').run(number)
    }
    return numbers.length
  }

  stats(): StoreStats {
    const db = this.#db
    const now = db.now()
    const schedules = { active: 0, paused: 0, finished: 0, broken: 0 }
    const states = db.statement('SELECT state, count(*) AS n FROM schedules GROUP BY state').all()
    for (const { state, n } of states as { state: keyof typeof schedules; n: number }[]) schedules[state] = n
    const open = { pending: 0, running: 0, retrying: 0 }
    const statuses = db
      .statement('SELECT status, count(*) AS n FROM runs WHERE queue > 0 GROUP BY status')
      .all()
    for (const { status, n } of statuses as { status: keyof typeof open; n: number }[]) open[status] = n
    const oldest = db
      .statement(
        `SELECT due_at AS at FROM schedules WHERE state = 'active' AND due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT 1`,
      )
      .get(now) as { at: number } | undefined
    const versions = db
      .statement(
        `SELECT tzdata, count(*) AS n FROM schedules
         WHERE state = 'active' AND due_at IS NOT NULL AND tzdata IS NOT NULL GROUP BY tzdata`,
      )
      .all() as { tzdata: string; n: number }[]
    const tzdata = Object.fromEntries(versions.map((row) => [row.tzdata, row.n]))
    return {
      now,
      schedules,
      ...open,
      tzdata,
      oldestDueAt: oldest?.at ?? null,
      unclaimed: this.#unclaimed(now),
    }
  }

  #unclaimed(now: number): Record<string, number> {
    const live = this.#db.statement('SELECT info FROM sessions WHERE lease_until > ?').all(now) as {
      info: string
    }[]
    const known = new Set(live.flatMap(({ info }) => (JSON.parse(info) as NodeInfo).tasks))
    const waiting = this.#db
      .statement('SELECT task, count(*) AS n FROM runs WHERE queue = 1 GROUP BY task')
      .all() as { task: string; n: number }[]
    return Object.fromEntries(waiting.filter(({ task }) => !known.has(task)).map(({ task, n }) => [task, n]))
  }
}
