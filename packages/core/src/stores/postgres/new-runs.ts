import { runIdOf, type RunId } from '../../domain/ids.js'
import type { NewRun } from '../sql/new-run.js'
import { idOf, QUEUE, type RunIdentity } from '../sql/rows.js'
import type { Transaction } from './transaction.js'

/** What runs have alike stands once, and `terms` says where: as a rule all of them have all of it alike. */
const INSERT_RUNS = `
INSERT INTO @runs (schedule_id, fire_time, request_id, due_at, kind, task, status, queue, attempt, session, fence, priority,
  grp, delivery, created_at, started_at, ended_at, stretched_ms, spec, error, missed)
SELECT new.schedule_id, new.fire_time, new.request_id, new.due_at, ($7::text[])[terms], ($8::text[])[terms],
  ($9::text[])[terms], ($10::smallint[])[terms], CASE WHEN ($11::bigint[])[terms] IS NULL THEN 0 ELSE 1 END,
  ($11::bigint[])[terms], ($12::bigint[])[terms], ($13::integer[])[terms], ($14::text[])[terms], ($15::text[])[terms],
  $1, CASE WHEN ($11::bigint[])[terms] IS NOT NULL THEN $1::bigint END,
  CASE WHEN ($10::smallint[])[terms] = ${QUEUE.ended} THEN $1::bigint END,
  ($16::bigint[])[terms], ($17::text[])[terms], ($18::text[])[terms], ($19::text[])[terms]
FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::integer[])
  AS new (schedule_id, fire_time, request_id, due_at, terms)
ON CONFLICT DO NOTHING
RETURNING number, schedule_id, fire_time, request_id`

/** Answers the numbers of those that did not exist. Of several with one identity the first is taken. */
export async function insertRuns(
  tx: Transaction,
  runs: readonly NewRun[],
): Promise<ReadonlyMap<RunId, number>> {
  if (runs.length === 0) return new Map()
  // Another may insert the same at the same time, and is waited for: in one order, so that it does not wait for us.
  const sorted = runs.toSorted(
    (a, b) =>
      compare(a.scheduleId, b.scheduleId) || compare(a.requestId, b.requestId) || a.fireTime - b.fireTime,
  )
  const terms: NewRun[] = []
  const termsOf = sorted.map((run) => {
    if (terms.length === 0 || !isAlike(run, terms.at(-1)!)) terms.push(run)
    return terms.length
  })
  const inserted = await tx.rows<RunIdentity & { number: number }>(INSERT_RUNS, [
    tx.now,
    sorted.map((run) => run.scheduleId),
    sorted.map((run) => run.fireTime),
    sorted.map((run) => run.requestId),
    sorted.map((run) => run.dueAt),
    termsOf,
    terms.map((run) => run.kind),
    terms.map((run) => run.task),
    terms.map((run) => run.status),
    terms.map((run) => run.queue),
    terms.map((run) => run.lease?.session ?? null),
    terms.map((run) => run.lease?.fence ?? 0),
    terms.map((run) => run.priority),
    terms.map((run) => run.group),
    terms.map((run) => run.delivery),
    terms.map((run) => run.stretchedMs ?? null),
    terms.map((run) => run.spec),
    terms.map((run) => run.error),
    terms.map((run) => run.missed),
  ])
  return new Map(inserted.map((row) => [idOf(row), row.number]))
}

/** In all but what each run has of its own. */
function isAlike(a: NewRun, b: NewRun): boolean {
  return (
    a.kind === b.kind &&
    a.task === b.task &&
    a.status === b.status &&
    a.queue === b.queue &&
    a.lease?.session === b.lease?.session &&
    a.lease?.fence === b.lease?.fence &&
    a.priority === b.priority &&
    a.group === b.group &&
    a.delivery === b.delivery &&
    (a.stretchedMs ?? null) === (b.stretchedMs ?? null) &&
    a.spec === b.spec &&
    a.error === b.error &&
    a.missed === b.missed
  )
}

export function idOfNew({ scheduleId, fireTime, requestId }: NewRun): RunId {
  return runIdOf(scheduleId, fireTime, requestId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
