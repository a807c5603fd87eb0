import type { RunId, ScheduleId } from '../../domain/ids.js'
import type {
  CalendarExport,
  RunExport,
  ScheduleExport,
  StoreExport,
  TombstoneExport,
} from '../../store/exports.js'
import { mergedSchedule, type Remembered } from '../../store/merged-schedule.js'
import { NOT_OPEN_THERE } from '../../store/reasons.js'
import { refer, restoreCalendar } from './calendars.js'
import type { Database } from './database.js'
import { holdSchedules, timeAfterRun, writeHeld } from './held-schedules.js'
import { putRuns } from './imported-runs.js'
import { IMPORTS } from './lock-keys.js'
import { idOf, QUEUE, type RunIdentity, type RunRow } from '../sql/rows.js'
import { wholeScheduleOf } from './rows.js'
import { holdOpenRuns, unblock } from './run-endings.js'
import { deleteSchedule, readSchedules, shardOf } from './schedules.js'
import type { Transaction } from './transaction.js'

/** One transaction for each stretch of one kind in which nothing stands twice. */
export async function importAll(db: Database, items: readonly StoreExport[]): Promise<void> {
  for (const batch of inBatches(items)) {
    for (let left: readonly StoreExport[] = batch; left.length > 0;) {
      left = await db.transaction((tx) => importBatch(tx, left))
    }
  }
}

/** Answers what was created by another at the same time, and must be imported over that. */
async function importBatch(tx: Transaction, batch: readonly StoreExport[]): Promise<readonly StoreExport[]> {
  // One at a time, for the numbers of its runs.
  await tx.lock([IMPORTS])
  switch (batch[0]!.kind) {
    case 'calendar':
      for (const item of batch) await restoreCalendar(tx, item as CalendarExport)
      return []
    case 'run':
      await importRuns(tx, batch as readonly RunExport[])
      return []
    case 'schedule':
      return importSchedules(tx, batch as readonly ScheduleExport[])
    default:
      for (const item of batch) await importTombstone(tx, item as TombstoneExport)
      return []
  }
}

async function importRuns(tx: Transaction, items: readonly RunExport[]): Promise<void> {
  const ids = [...new Set(items.map(({ run }) => run.scheduleId))]
  await holdSchedules(tx, ids)
  await holdOpenRuns(tx, ids)
  await putRuns(
    tx,
    items.map(({ run, log }) => ({ ...run, blocked: false, log })),
  )
  await settle(tx, ids)
}

async function importSchedules(
  tx: Transaction,
  items: readonly ScheduleExport[],
): Promise<readonly ScheduleExport[]> {
  const ids = items.map(({ id }) => id)
  await holdSchedules(tx, ids)
  const before = await readSchedules(tx, ids)
  const graves = await makeRows(
    tx,
    ids.filter((id) => !before.has(id)),
  )
  const written = items.filter(({ id }) => before.has(id) || graves.has(id))
  const merged = written.map((item) => {
    const row = before.get(item.id)
    return mergedSchedule(item, row === undefined ? null : wholeScheduleOf(row), graves.get(item.id) ?? null)
  })
  await writeHeld(
    tx,
    merged.map((schedule) => ({
      id: schedule.id,
      revision: schedule.revision,
      state: schedule.state,
      fire_time: schedule.nextFireTime,
      due_at: schedule.dueAt,
      stretched_ms: schedule.stretchedMs,
      tzdata: schedule.tzdata,
      calendars_revision: schedule.calendarsRevision,
      after_run_ms: schedule.afterRunMs,
      high_water_mark: schedule.highWaterMark,
      fires: schedule.fires,
      failures: schedule.consecutiveFailures,
    })),
  )
  await define(tx, merged)
  await refer(tx, new Map(merged.map(({ id, calendars }) => [id, calendars])))
  const writtenIds = written.map(({ id }) => id)
  await holdOpenRuns(tx, writtenIds)
  await cancelOthers(tx, written)
  await putRuns(
    tx,
    merged.flatMap(({ open }) => open),
  )
  await settle(tx, writtenIds)
  tx.note('due')
  return items.filter((item) => !written.includes(item))
}

/** Bare rows of those that could be created, with what is remembered of their deleted namesakes. */
async function makeRows(
  tx: Transaction,
  ids: readonly ScheduleId[],
): Promise<ReadonlyMap<ScheduleId, Remembered | null>> {
  if (ids.length === 0) return new Map()
  const sorted = ids.toSorted()
  const made = await tx.rows<{ id: ScheduleId }>(
    `INSERT INTO @schedules (id, shard, revision, state, fires, failures)
     SELECT new.id, new.shard, 0, 'paused', 0, 0 FROM unnest($1::text[], $2::smallint[]) AS new (id, shard)
     ON CONFLICT DO NOTHING RETURNING id`,
    [sorted, sorted.map(shardOf)],
  )
  const graves = await tx.rows<{ id: ScheduleId; revision: number; high_water_mark: number | null }>(
    'DELETE FROM @tombstones WHERE id = ANY ($1::text[]) RETURNING id, revision, high_water_mark',
    [made.map(({ id }) => id)],
  )
  const graveOf = new Map(
    graves.map(({ id, revision, high_water_mark: highWaterMark }) => [id, { revision, highWaterMark }]),
  )
  return new Map(made.map(({ id }) => [id, graveOf.get(id) ?? null]))
}

async function define(tx: Transaction, schedules: readonly ScheduleExport[]): Promise<void> {
  const definitions = schedules.map(({ definition }) => definition)
  await tx.query(
    `INSERT INTO @definitions (id, task, definition, history, pause_after, state_reason, created_at, updated_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::bigint[], $8::bigint[])
     ON CONFLICT (id) DO UPDATE SET task = excluded.task, definition = excluded.definition, history = excluded.history,
       pause_after = excluded.pause_after, state_reason = excluded.state_reason, created_at = excluded.created_at,
       updated_at = excluded.updated_at`,
    [
      definitions.map(({ id }) => id),
      definitions.map(({ task }) => task),
      definitions.map((definition) => JSON.stringify(definition)),
      definitions.map(({ history }) => (history === undefined ? null : JSON.stringify(history))),
      definitions.map(({ pauseAfterFailures }) => pauseAfterFailures ?? null),
      schedules.map(({ stateReason }) => stateReason),
      schedules.map(({ createdAt }) => createdAt),
      schedules.map(({ updatedAt }) => updatedAt),
    ],
  )
}

/** What waits here, and had ended there when its schedule was exported. */
async function cancelOthers(tx: Transaction, items: readonly ScheduleExport[]): Promise<void> {
  const markOf = new Map(items.map(({ id, highWaterMark }) => [id, highWaterMark ?? -Infinity]))
  const waitsThere = new Set<RunId>(items.flatMap(({ open }) => open.map(({ id }) => id)))
  type Waiting = Pick<RunRow, keyof RunIdentity | 'number' | 'kind'>
  const waiting = await tx.rows<Waiting>(
    `SELECT number, kind, schedule_id, fire_time, request_id FROM @runs
     WHERE schedule_id = ANY ($1::text[]) AND queue IN (1, 2, 3)`,
    [[...markOf.keys()]],
  )
  const others = waiting.filter((row) => {
    const isOurs = row.kind === 'scheduled' && row.fire_time > markOf.get(row.schedule_id)!
    return !isOurs && !waitsThere.has(idOf(row))
  })
  if (others.length === 0) return
  await tx.query(
    `UPDATE @runs SET status = 'cancelled', queue = ${QUEUE.ended}, ended_at = $2, error = $3
     WHERE number = ANY ($1::bigint[])`,
    [others.map(({ number }) => number), tx.now, JSON.stringify(NOT_OPEN_THERE)],
  )
}

/** What depends on which runs of schedules are open. */
async function settle(tx: Transaction, ids: readonly ScheduleId[]): Promise<void> {
  await unblock(tx, ids)
  await timeAfterRun(tx, ids)
  tx.note('ready')
}

async function importTombstone(
  tx: Transaction,
  { id, revision, highWaterMark, expiresAt }: TombstoneExport,
): Promise<void> {
  const existing = (await holdSchedules(tx, [id])).get(id)
  if (existing !== undefined && existing.revision > revision) return
  if (existing !== undefined) await deleteSchedule(tx, id)
  await tx.query(
    `INSERT INTO @tombstones AS grave (id, revision, high_water_mark, expires_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (id) DO UPDATE SET revision = greatest(grave.revision, excluded.revision),
       high_water_mark = greatest(grave.high_water_mark, excluded.high_water_mark), expires_at = excluded.expires_at`,
    [id, revision, highWaterMark, expiresAt],
  )
}

function inBatches(items: readonly StoreExport[]): StoreExport[][] {
  const batches: StoreExport[][] = []
  let seen = new Set<string>()
  for (const item of items) {
    const key = item.kind === 'calendar' ? item.name : item.kind === 'run' ? item.run.id : item.id
    if (batches.at(-1)?.[0]!.kind !== item.kind || seen.has(key)) {
      batches.push([])
      seen = new Set()
    }
    seen.add(key)
    batches.at(-1)!.push(item)
  }
  return batches
}
