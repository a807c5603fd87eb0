import type { CalendarName } from '../../domain/calendar.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { CalendarUse, PutResult, PutSchedule } from '../../store/contract.js'
import { droppedFire } from '../../store/dropped-fire.js'
import { droppedRun, type NewRun } from '../sql/new-run.js'
import { holdCalendars, refer } from './calendars.js'
import { holdSchedules, timeAfterRun, writeHeld, type HeldSchedule } from './held-schedules.js'
import { insertRuns } from './new-runs.js'
import { wholeScheduleOf, type WholeScheduleRow } from './rows.js'
import { readSchedules, shardOf } from './schedules.js'
import type { Transaction } from './transaction.js'

interface Tombstone {
  id: ScheduleId
  revision: number
  high_water_mark: number | null
}

type Calendars = Awaited<ReturnType<typeof holdCalendars>>

/** One step per item, in order; those of different schedules are taken together. */
export async function putSchedules(tx: Transaction, items: readonly PutSchedule[]): Promise<PutResult[]> {
  const uses = items.flatMap(({ timing }) => (timing === 'keep' ? [] : (timing?.calendars ?? [])))
  const calendars =
    uses.length === 0 ? null : await holdCalendars(tx, [...new Set(uses.flatMap((use) => use.names))])
  await holdSchedules(
    tx,
    items.map(({ definition }) => definition.id),
  )
  const results: PutResult[] = []
  for (const round of withoutRepetition(items)) results.push(...(await putDistinct(tx, round, calendars)))
  return results
}

/** In order; within each part no schedule stands twice. */
function withoutRepetition(items: readonly PutSchedule[]): PutSchedule[][] {
  const parts: PutSchedule[][] = []
  let seen = new Set<ScheduleId>()
  for (const item of items) {
    const { id } = item.definition
    if (parts.length === 0 || seen.has(id)) {
      parts.push([])
      seen = new Set()
    }
    seen.add(id)
    parts.at(-1)!.push(item)
  }
  return parts
}

/** Of schedules that are held as far as they exist. */
async function putDistinct(
  tx: Transaction,
  items: readonly PutSchedule[],
  calendars: Calendars | null,
): Promise<PutResult[]> {
  const ids = items.map(({ definition }) => definition.id)
  const before = await readSchedules(tx, ids)
  const refusals = items.map((item) => refusalOf(item, before.get(item.definition.id), calendars))
  const allowed = items.filter((_, index) => refusals[index] === null)
  const created = await create(
    tx,
    allowed.filter(({ definition }) => !before.has(definition.id)),
  )
  // Who was told that there is none, but was not the one to create it, is told who was.
  const written = allowed.filter(({ definition: { id } }) => before.has(id) || created.has(id))
  await update(tx, written, before, created)
  if (written.length > 0) tx.note('due')
  const after = await readSchedules(tx, ids)
  return items.map((item, index): PutResult => {
    const { id } = item.definition
    const schedule = after.get(id)
    if (refusals[index] !== null) return refusals[index]!
    if (!written.includes(item))
      return { outcome: 'conflict', schedule: schedule ? wholeScheduleOf(schedule) : null }
    return { outcome: before.has(id) ? 'updated' : 'created', schedule: wholeScheduleOf(schedule!) }
  })
}

function refusalOf(
  { expect, timing }: PutSchedule,
  existing: WholeScheduleRow | undefined,
  calendars: Calendars | null,
): PutResult | null {
  if (expect === 'absent' ? existing !== undefined : existing?.revision !== expect) {
    return { outcome: 'conflict', schedule: existing === undefined ? null : wholeScheduleOf(existing) }
  }
  const use = timing === 'keep' ? null : (timing?.calendars ?? null)
  return use === null ? null : outdated(use, calendars!)
}

function outdated({ names, revision }: CalendarUse, calendars: Calendars): PutResult | null {
  const missing = names.filter((name: CalendarName) => !calendars.known.has(name))
  return missing.length > 0 || revision !== calendars.revision ? { outcome: 'calendars', missing } : null
}

/** Makes bare rows, which are then held like any other. */
async function create(
  tx: Transaction,
  items: readonly PutSchedule[],
): Promise<ReadonlyMap<ScheduleId, HeldSchedule>> {
  if (items.length === 0) return new Map()
  const ids = items.map(({ definition }) => definition.id).toSorted()
  const graves = await tx.rows<Tombstone>(
    `DELETE FROM @tombstones WHERE id IN (
       SELECT id FROM @tombstones WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE)
     RETURNING id, revision, high_water_mark`,
    [ids],
  )
  const graveOf = new Map(graves.map((grave) => [grave.id, grave]))
  // In the order of ids: another may create the same, and is waited for. Revisions go on where the deleted namesake
  // ended: a stale edit of that one must not fit this one.
  const made = await tx.rows<{ id: ScheduleId }>(
    `INSERT INTO @schedules (id, shard, revision, state, high_water_mark, fires, failures)
     SELECT new.id, new.shard, new.revision, 'paused', new.high_water_mark, 0, 0
     FROM unnest($1::text[], $2::smallint[], $3::integer[], $4::bigint[]) AS new (id, shard, revision, high_water_mark)
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      ids,
      ids.map(shardOf),
      ids.map((id) => graveOf.get(id)?.revision ?? 0),
      ids.map((id) => graveOf.get(id)?.high_water_mark ?? null),
    ],
  )
  return holdSchedules(
    tx,
    made.map(({ id }) => id),
  )
}

async function update(
  tx: Transaction,
  items: readonly PutSchedule[],
  before: ReadonlyMap<ScheduleId, WholeScheduleRow>,
  created: ReadonlyMap<ScheduleId, HeldSchedule>,
): Promise<void> {
  if (items.length === 0) return
  const dropped: NewRun[] = []
  const rows = items.map((item): HeldSchedule => {
    const { definition, state, timing } = item
    const existing = before.get(definition.id)
    const row = existing ?? created.get(definition.id)!
    // A schedule that someone sets going again has a clean record.
    const failures = state === 'active' && row.state !== 'active' ? 0 : row.failures
    const revised = { ...row, revision: row.revision + 1, state, failures }
    if (timing === 'keep') return revised
    const missed = existing === undefined ? null : droppedFire(wholeScheduleOf(existing), timing, tx.now)
    if (missed !== null) dropped.push(droppedRun(wholeScheduleOf(existing!), missed))
    return {
      ...revised,
      high_water_mark: missed?.to ?? row.high_water_mark,
      fire_time: timing?.fireTime ?? null,
      due_at: timing?.dueAt ?? null,
      stretched_ms: timing?.stretchedMs ?? null,
      tzdata: timing?.tzdata ?? null,
      calendars_revision: timing?.calendars?.revision ?? null,
      after_run_ms: timing?.afterRunMs ?? null,
    }
  })
  await writeHeld(tx, rows)
  await define(tx, items)
  await insertRuns(tx, dropped)
  // Without a fire time the trigger stays what it was, and with it what it refers to.
  const timed = items.flatMap(({ definition: { id }, timing }) =>
    timing === 'keep' || timing === null ? [] : [[id, timing.calendars?.names ?? []] as const],
  )
  if (timed.length > 0) await refer(tx, new Map(timed))
  await timeAfterRun(
    tx,
    rows.filter((row) => row.after_run_ms !== null).map(({ id }) => id),
  )
}

async function define(tx: Transaction, items: readonly PutSchedule[]): Promise<void> {
  const definitions = items.map(({ definition }) => definition)
  await tx.query(
    `INSERT INTO @definitions (id, task, definition, history, pause_after, state_reason, created_at, updated_at)
     SELECT new.*, $7, $7 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[]) AS new
     ON CONFLICT (id) DO UPDATE SET task = excluded.task, definition = excluded.definition, history = excluded.history,
       pause_after = excluded.pause_after, state_reason = excluded.state_reason, updated_at = excluded.updated_at`,
    [
      definitions.map(({ id }) => id),
      definitions.map(({ task }) => task),
      definitions.map((definition) => JSON.stringify(definition)),
      definitions.map(({ history }) => (history === undefined ? null : JSON.stringify(history))),
      definitions.map(({ pauseAfterFailures }) => pauseAfterFailures ?? null),
      items.map(({ stateReason }) => stateReason),
      tx.now,
    ],
  )
}
