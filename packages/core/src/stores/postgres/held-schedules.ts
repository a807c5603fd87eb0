import type { ScheduleId } from '../../domain/ids.js'
import type { WholeScheduleRow } from './rows.js'
import type { Transaction } from './transaction.js'

/** A schedule while it is locked: nobody else changes it, or which runs of it are open. */
export type HeldSchedule = Pick<
  WholeScheduleRow,
  | 'id'
  | 'revision'
  | 'state'
  | 'fire_time'
  | 'due_at'
  | 'stretched_ms'
  | 'tzdata'
  | 'calendars_revision'
  | 'after_run_ms'
  | 'high_water_mark'
  | 'fires'
  | 'failures'
>

const SELECT_HELD = `
SELECT id, revision, state, fire_time, due_at, stretched_ms, tzdata, calendars_revision, after_run_ms, high_water_mark,
       fires, failures
FROM @schedules WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE`

/**
 * Locks the schedules in the order of their ids; those that are not there are left out. Which runs are open may only be
 * read after it, in a statement of its own, and only under this lock does a run begin or cease to be open.
 */
export async function holdSchedules(
  tx: Transaction,
  ids: Iterable<ScheduleId>,
): Promise<ReadonlyMap<ScheduleId, HeldSchedule>> {
  if (!tx.isCallers) return hold(tx, ids, SELECT_HELD)
  for (;;) {
    const free = await holdFreeSchedules(tx, ids)
    const [locked] = await lockedAmong(tx, ids, free)
    if (locked === undefined) return free
    await tx.pause(`schedule ${locked}`)
  }
}

/** Leaves out those that are locked: where another is about to commit the same, or stands still with them. */
export function holdFreeSchedules(
  tx: Transaction,
  ids: Iterable<ScheduleId>,
): Promise<ReadonlyMap<ScheduleId, HeldSchedule>> {
  return hold(tx, ids, `${SELECT_HELD} SKIP LOCKED`)
}

/** Of those that are not among the free ones: which are there, and so were locked. */
export async function lockedAmong(
  tx: Transaction,
  ids: Iterable<ScheduleId>,
  free: ReadonlyMap<ScheduleId, HeldSchedule>,
): Promise<ReadonlySet<ScheduleId>> {
  const others = [...new Set(ids)].filter((id) => !free.has(id))
  if (others.length === 0) return new Set()
  const rows = await tx.rows<{ id: ScheduleId }>('SELECT id FROM @schedules WHERE id = ANY ($1::text[])', [
    others,
  ])
  return new Set(rows.map(({ id }) => id))
}

async function hold(
  tx: Transaction,
  ids: Iterable<ScheduleId>,
  sql: string,
): Promise<ReadonlyMap<ScheduleId, HeldSchedule>> {
  const rows = await tx.rows<HeldSchedule>(sql, [[...new Set(ids)]])
  return new Map(rows.map((row) => [row.id, row]))
}

/** Writes back what was changed on rows that are held. */
export async function writeHeld(tx: Transaction, rows: readonly HeldSchedule[]): Promise<void> {
  if (rows.length === 0) return
  await tx.query(
    `UPDATE @schedules schedules SET revision = new.revision, state = new.state, fire_time = new.fire_time,
            due_at = new.due_at, stretched_ms = new.stretched_ms, tzdata = new.tzdata,
            calendars_revision = new.calendars_revision, after_run_ms = new.after_run_ms,
            high_water_mark = new.high_water_mark, fires = new.fires, failures = new.failures
     FROM unnest($1::text[], $2::integer[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[],
       $9::bigint[], $10::bigint[], $11::bigint[], $12::integer[])
       AS new (id, revision, state, fire_time, due_at, stretched_ms, tzdata, calendars_revision, after_run_ms,
         high_water_mark, fires, failures)
     WHERE schedules.id = new.id`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.revision),
      rows.map((row) => row.state),
      rows.map((row) => row.fire_time),
      rows.map((row) => row.due_at),
      rows.map((row) => row.stretched_ms),
      rows.map((row) => row.tzdata),
      rows.map((row) => row.calendars_revision),
      rows.map((row) => row.after_run_ms),
      rows.map((row) => row.high_water_mark),
      rows.map((row) => row.fires),
      rows.map((row) => row.failures),
    ],
  )
}

/** Of held schedules that fire after the end of their last run: takes the fire time away, or gives it one. */
export async function timeAfterRun(tx: Transaction, ids: readonly ScheduleId[]): Promise<void> {
  if (ids.length === 0) return
  const { count } = await tx.query(
    `UPDATE @schedules schedules SET fire_time = CASE WHEN is_open THEN NULL ELSE $2 + after_run_ms END,
            due_at = CASE WHEN is_open THEN NULL ELSE $2 + after_run_ms END
     FROM (SELECT held.id, EXISTS (SELECT FROM @runs runs WHERE runs.schedule_id = held.id AND runs.queue > 0) AS is_open
           FROM unnest($1::text[]) AS held (id)) open
     WHERE schedules.id = open.id AND after_run_ms IS NOT NULL AND is_open = (fire_time IS NOT NULL)`,
    [ids, tx.now],
  )
  if (count > 0) tx.note('due')
}

/** Of those held, the ones that fire after the end of their last run. */
export function afterRunAmong(held: ReadonlyMap<ScheduleId, HeldSchedule>): ScheduleId[] {
  return [...held.values()].filter((row) => row.after_run_ms !== null).map((row) => row.id)
}
