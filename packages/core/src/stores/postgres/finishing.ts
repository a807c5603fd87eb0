import type { AttemptReport } from '../../store/contract.js'
import type { Lease } from '../../domain/lease.js'
import { holdFreeSchedules, lockedAmong } from './held-schedules.js'
import { leaseKey, leaseKeyOf, LEASES, leaseValues } from './leases.js'
import { QUEUE } from '../sql/rows.js'
import { afterAttempt, type HeldRun } from './run-changes.js'
import {
  follow,
  HELD_COLUMNS,
  JOIN_SESSIONS,
  scheduleIdOf,
  scheduleIdsOf,
  writeRuns,
  type Changed,
} from './run-endings.js'
import type { Transaction } from './transaction.js'

const FROM_LEASES = `FROM ${LEASES} JOIN @runs runs USING (schedule_id, fire_time, request_id, fence)`

const HOLD_LEASED = `
SELECT ${HELD_COLUMNS} ${FROM_LEASES} ${JOIN_SESSIONS}
WHERE runs.queue = 4 ORDER BY runs.number FOR NO KEY UPDATE OF runs SKIP LOCKED`

const SUCCEED = `
UPDATE @runs runs SET status = 'succeeded', queue = ${QUEUE.ended}, ended_at = $5, error = NULL, result = lease.result
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $6::text[]) WITH ORDINALITY
  AS lease (schedule_id, fire_time, request_id, fence, result, place)
WHERE runs.schedule_id = lease.schedule_id AND runs.fire_time = lease.fire_time AND runs.request_id = lease.request_id
  AND runs.fence = lease.fence AND runs.queue = ${QUEUE.held}
RETURNING lease.place`

/**
 * Fenced: `false` for a lease that is not held; `null` where another transaction holds the run or its schedule. That may
 * be one that takes its time, and the outcomes of all other schedules must not wait for it.
 */
export async function finish(
  tx: Transaction,
  reports: readonly AttemptReport[],
): Promise<(boolean | null)[]> {
  const ids = scheduleIdsOf(reports)
  const schedules = await holdFreeSchedules(tx, ids)
  const locked = await lockedAmong(tx, ids, schedules)
  // The first report ends the lease; a second one in the same batch comes too late.
  const first = new Map(reports.toReversed().map((report) => [leaseKey(report), report]))
  const usual: AttemptReport[] = []
  const others: AttemptReport[] = []
  for (const report of first.values()) {
    const id = scheduleIdOf(report.runId)
    if (report.outcome.kind === 'succeeded' && schedules.has(id)) usual.push(report)
    else if (!locked.has(id)) others.push(report)
  }
  const changed = new Map([...(await succeed(tx, usual)), ...(await endOthers(tx, others))])
  const accepted = reports.map((report) => {
    const key = leaseKey(report)
    return first.get(key) === report && changed.has(key)
  })
  const inOrder = reports.flatMap((report, index) => (accepted[index]! ? changed.get(leaseKey(report))! : []))
  await follow(tx, inOrder, schedules)
  const busy = await stillLeased(
    tx,
    reports.filter((_, index) => !accepted[index]),
  )
  return reports.map((report, index) => accepted[index]! || (busy.has(leaseKey(report)) ? null : false))
}

/**
 * What is usual, in one statement and without reading the runs first: while their schedules are held nobody else ends,
 * takes back or leases a run that is held, nor does a caller hold one for long.
 */
async function succeed(tx: Transaction, reports: readonly AttemptReport[]): Promise<[string, Changed][]> {
  if (reports.length === 0) return []
  const results = reports.map(({ outcome }) => (outcome.kind === 'succeeded' ? outcome.result : null))
  const rows = await tx.rows<{ place: number }>(SUCCEED, [...leaseValues(reports), tx.now, results])
  return rows.map(({ place }) => {
    const report = reports[place - 1]!
    const run = { schedule_id: scheduleIdOf(report.runId), status: 'succeeded', queue: QUEUE.ended } as const
    return [leaseKey(report), run]
  })
}

async function endOthers(tx: Transaction, reports: readonly AttemptReport[]): Promise<[string, Changed][]> {
  if (reports.length === 0) return []
  const held = await tx.rows<HeldRun>(HOLD_LEASED, leaseValues(reports))
  const outcomes = new Map(reports.map((report) => [leaseKey(report), report.outcome]))
  const changed = held.map((run) => afterAttempt(run, outcomes.get(leaseKeyOf(run))!, tx.now))
  await writeRuns(tx, changed)
  return changed.map((run) => [leaseKeyOf(run), run])
}

/** Those that are held all the same: somebody has locked them. */
async function stillLeased(tx: Transaction, leases: readonly Lease[]): Promise<ReadonlySet<string>> {
  if (leases.length === 0) return new Set()
  const rows = await tx.rows<Parameters<typeof leaseKeyOf>[0]>(
    `SELECT schedule_id, fire_time, request_id, fence ${FROM_LEASES} WHERE runs.queue = 4`,
    leaseValues(leases),
  )
  return new Set(rows.map(leaseKeyOf))
}
