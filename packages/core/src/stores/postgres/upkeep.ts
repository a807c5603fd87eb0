import type { EpochMs } from '../../domain/clock.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { HistoryPolicy } from '../../domain/policies.js'
import type { NodeInfo, PruneResult, StoreStats } from '../../store/contract.js'
import type { Database } from './database.js'
import { forgetOldLocks } from './locks.js'
import type { Transaction } from './transaction.js'

/** A look at a schedule with nothing to delete costs about 50 µs; so many keep one transaction within milliseconds. */
const SCHEDULES_AT_ONCE = 50

/**
 * From one schedule with runs to the next; `DISTINCT` would read all their runs. The limit stands within, where the walk is
 * in order and goes no further; a join has an order only where it is asked for one.
 */
const HISTORIES = `
WITH RECURSIVE ids AS (
  (SELECT schedule_id AS id FROM @runs WHERE schedule_id > $1 ORDER BY schedule_id LIMIT 1)
  UNION ALL
  SELECT (SELECT schedule_id FROM @runs WHERE schedule_id > ids.id ORDER BY schedule_id LIMIT 1) FROM ids
  WHERE ids.id IS NOT NULL)
SELECT ids.id, definitions.history, definitions.id IS NULL AS deleted
FROM (SELECT id FROM ids WHERE id IS NOT NULL LIMIT ${SCHEDULES_AT_ONCE}) ids
LEFT JOIN @definitions definitions ON definitions.id = ids.id
ORDER BY ids.id`

/**
 * What never started and is too much goes first, and does not count among the newest. A run does not end before its fire
 * time, so nothing younger than every bound need be looked at. Where a schedule has not as many runs as it may have, its
 * bound is NULL, which is true of none.
 */
const OLD_RUNS = `
SELECT old.number, rules.place
FROM unnest($1::text[], $2::boolean[], $3::integer[], $4::bigint[], $5::integer[], $6::bigint[], $7::integer[])
  WITH ORDINALITY AS rules (id, deleted, max_runs, ended_before, max_failures, failed_before, max_skipped, place)
CROSS JOIN LATERAL (
  SELECT (SELECT fire_time FROM @runs runs WHERE runs.schedule_id = rules.id AND queue = 0 AND status IN ('skipped', 'missed')
          ORDER BY fire_time DESC LIMIT 1 OFFSET rules.max_skipped) AS skipped,
         (SELECT number FROM @runs runs WHERE runs.schedule_id = rules.id
          ORDER BY fire_time DESC, request_id DESC LIMIT 1) AS newest) few
CROSS JOIN LATERAL (
  SELECT CASE WHEN few.skipped IS NULL
    THEN (SELECT fire_time FROM @runs runs WHERE runs.schedule_id = rules.id
          ORDER BY fire_time DESC, request_id DESC LIMIT 1 OFFSET rules.max_runs)
    ELSE (SELECT fire_time FROM @runs runs WHERE runs.schedule_id = rules.id
            AND NOT (queue = 0 AND status IN ('skipped', 'missed') AND fire_time <= few.skipped AND number <> few.newest)
          ORDER BY fire_time DESC, request_id DESC LIMIT 1 OFFSET rules.max_runs) END AS fire_time) bound
CROSS JOIN LATERAL (
  SELECT (SELECT fire_time FROM @runs runs WHERE runs.schedule_id = rules.id AND queue = 0 AND status IN ('failed', 'lost')
            AND (fire_time <= bound.fire_time OR ended_at <= rules.ended_before)
          ORDER BY fire_time DESC LIMIT 1 OFFSET rules.max_failures) AS fire_time) failed
CROSS JOIN LATERAL (
  SELECT runs.number FROM @runs runs
  WHERE runs.schedule_id = rules.id AND runs.queue = 0 AND (rules.deleted OR runs.number <> few.newest)
    AND runs.fire_time <= greatest(bound.fire_time, rules.ended_before, rules.failed_before, few.skipped)
    AND ((runs.status IN ('skipped', 'missed') AND runs.fire_time <= few.skipped)
         OR ((runs.status NOT IN ('failed', 'lost') OR runs.fire_time <= failed.fire_time)
             AND (runs.fire_time <= bound.fire_time OR runs.ended_at <= rules.ended_before))
         OR (runs.status IN ('failed', 'lost') AND runs.ended_at <= rules.failed_before))
  ORDER BY runs.fire_time LIMIT $8) old
ORDER BY rules.place LIMIT $8`

/** More runs than any schedule has. */
const MOST = 2_147_483_647

interface HistoryRow {
  id: ScheduleId
  history: string | null
  deleted: boolean
}

/** Removes what is no longer wanted, a few schedules at a time. */
export class Pruning {
  /** Where the last round over the schedules stopped. */
  #position = ''

  async step(tx: Transaction, defaults: HistoryPolicy, limit: number): Promise<PruneResult> {
    await forgetOldLocks(tx)
    await tx.query(
      `DELETE FROM @tombstones WHERE id IN (SELECT id FROM @tombstones WHERE expires_at <= $1 FOR UPDATE SKIP LOCKED)`,
      [tx.now],
    )
    const rows = await tx.rows<HistoryRow>(HISTORIES, [this.#position])
    const old = await oldRuns(tx, rows, defaults, limit)
    const deleted = await deleteRuns(
      tx,
      old.map(({ number }) => number),
    )
    if (old.length === limit) {
      // There may be more of the last one: go on with it.
      const place = old.at(-1)!.place
      if (place > 1) this.#position = rows[place - 2]!.id
      return { deleted, more: true }
    }
    const wholeRound = rows.length < SCHEDULES_AT_ONCE
    this.#position = wholeRound ? '' : rows.at(-1)!.id
    return { deleted, more: !wholeRound }
  }
}

async function oldRuns(
  tx: Transaction,
  rows: readonly HistoryRow[],
  defaults: HistoryPolicy,
  limit: number,
): Promise<{ number: number; place: number }[]> {
  const rules = rows.map(({ history }): HistoryPolicy => {
    const own = history === null ? {} : (JSON.parse(history) as Partial<HistoryPolicy>)
    return { ...defaults, ...own }
  })
  return tx.rows(OLD_RUNS, [
    rows.map(({ id }) => id),
    rows.map(({ deleted }) => deleted),
    rules.map(({ maxRuns }) => maxRuns),
    rules.map(({ maxAgeMs }) => tx.now - maxAgeMs),
    rules.map(({ maxFailures }) => maxFailures),
    rules.map(({ maxFailureAgeMs }) => tx.now - maxFailureAgeMs),
    // Where all runs together may not be more, it is no limit of its own, and need not be looked for.
    rules.map(({ maxSkipped, maxRuns }) => (maxSkipped < maxRuns ? maxSkipped : MOST)),
    limit,
  ])
}

/** But for those that someone is about to retry, or another deletes. */
async function deleteRuns(tx: Transaction, numbers: readonly number[]): Promise<number> {
  if (numbers.length === 0) return 0
  const deleted = await tx.rows<{ number: number }>(
    `DELETE FROM @runs WHERE number IN (
       SELECT number FROM @runs WHERE number = ANY ($1::bigint[]) AND queue = 0 FOR UPDATE SKIP LOCKED)
     RETURNING number`,
    [numbers],
  )
  const gone = deleted.map(({ number }) => number)
  await tx.query('DELETE FROM @run_logs WHERE run = ANY ($1::bigint[])', [gone])
  return gone.length
}

/** As it stood at one moment. */
export async function stats(db: Database): Promise<StoreStats> {
  const now = await db.now()
  const { rows } = await db.query<StatsRow>(
    `SELECT
       (SELECT json_object_agg(state, n) FROM (SELECT state, count(*) AS n FROM @schedules GROUP BY state) a) AS states,
       (SELECT json_object_agg(status, n)
        FROM (SELECT status, count(*) AS n FROM @runs WHERE queue > 0 GROUP BY status) b) AS statuses,
       (SELECT json_object_agg(tzdata, n) FROM (
          SELECT tzdata, count(*) AS n FROM @schedules
          WHERE state = 'active' AND due_at IS NOT NULL AND tzdata IS NOT NULL GROUP BY tzdata) c) AS versions,
       (SELECT min(due_at) FROM @schedules WHERE state = 'active' AND due_at <= $1) AS oldest_due_at,
       (SELECT json_object_agg(task, n)
        FROM (SELECT task, count(*) AS n FROM @runs WHERE queue = 1 GROUP BY task) d) AS ready,
       (SELECT json_agg(info) FROM @sessions WHERE lease_until > $1) AS nodes`,
    [now],
  )
  const row = rows[0]!
  const infos = (JSON.parse(row.nodes ?? '[]') as string[]).map((info) => JSON.parse(info) as NodeInfo)
  const known = new Set(infos.flatMap(({ tasks }) => tasks))
  const waiting = Object.entries(countsOf(row.ready))
  return {
    now,
    schedules: { active: 0, paused: 0, finished: 0, broken: 0, ...countsOf(row.states) },
    pending: 0,
    running: 0,
    retrying: 0,
    ...countsOf(row.statuses),
    tzdata: countsOf(row.versions),
    oldestDueAt: row.oldest_due_at,
    unclaimed: Object.fromEntries(waiting.filter(([task]) => !known.has(task))),
  }
}

interface StatsRow {
  states: string | null
  statuses: string | null
  versions: string | null
  oldest_due_at: EpochMs | null
  ready: string | null
  nodes: string | null
}

function countsOf(json: string | null): Record<string, number> {
  return JSON.parse(json ?? '{}') as Record<string, number>
}
