import { runIdOf, type RunId } from '../../domain/ids.js'
import type { Fence } from '../../domain/lease.js'
import type { FireTime } from '../../domain/plan.js'
import type { RunKind, RunStatus } from '../../domain/run.js'
import type { RunRequest } from '../../store/contract.js'
import { idOf, QUEUE, type RunRow } from './rows.js'
import type { Transaction } from './transaction.js'

const INSERT_RUNS = `
INSERT INTO @runs (schedule_id, fire_time, request_id, kind, task, status, queue, attempt, session, fence, priority, grp,
  delivery, due_at, created_at, started_at, ended_at, stretched_ms, spec, error, missed)
SELECT new.schedule_id, new.fire_time, new.request_id, new.kind, new.task, new.status, new.queue,
  CASE WHEN new.session IS NULL THEN 0 ELSE 1 END, new.session, new.fence, new.priority, new.grp, new.delivery, new.due_at,
  $1, CASE WHEN new.session IS NOT NULL THEN $1::bigint END, CASE WHEN new.queue = ${QUEUE.ended} THEN $1::bigint END,
  new.stretched_ms, new.spec, new.error, new.missed
FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::bigint[],
  $10::bigint[], $11::integer[], $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::text[], $17::text[], $18::text[])
  AS new (schedule_id, fire_time, request_id, kind, task, status, queue, session, fence, priority, grp, delivery, due_at,
    stretched_ms, spec, error, missed)
ON CONFLICT DO NOTHING
RETURNING number, schedule_id, fire_time, request_id`

/** A row of `runs` before it is one. */
export interface NewRun extends Omit<RunRequest, 'kind' | 'fireTime'>, FireTime {
  readonly kind: RunKind
  readonly status: RunStatus
  readonly queue: number
  readonly lease: { readonly session: number; readonly fence: Fence } | null
  readonly error: string | null
  readonly missed: string | null
}

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
  const inserted = await tx.rows<Pick<RunRow, 'number' | 'schedule_id' | 'fire_time' | 'request_id'>>(
    INSERT_RUNS,
    [
      tx.now,
      sorted.map((run) => run.scheduleId),
      sorted.map((run) => run.fireTime),
      sorted.map((run) => run.requestId),
      sorted.map((run) => run.kind),
      sorted.map((run) => run.task),
      sorted.map((run) => run.status),
      sorted.map((run) => run.queue),
      sorted.map((run) => run.lease?.session ?? null),
      sorted.map((run) => run.lease?.fence ?? 0),
      sorted.map((run) => run.priority),
      sorted.map((run) => run.group),
      sorted.map((run) => run.delivery),
      sorted.map((run) => run.dueAt),
      sorted.map((run) => run.stretchedMs ?? null),
      sorted.map((run) => run.spec),
      sorted.map((run) => run.error),
      sorted.map((run) => run.missed),
    ],
  )
  return new Map(inserted.map((row) => [idOf(row), row.number]))
}

export function idOfNew({ scheduleId, fireTime, requestId }: NewRun): RunId {
  return runIdOf(scheduleId, fireTime, requestId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
