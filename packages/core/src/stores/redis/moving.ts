import { policyOf } from '../../domain/definition.js'
import { codeOf } from '../../domain/errors.js'
import { parseRunId, type ScheduleId } from '../../domain/ids.js'
import type { LogLine, Run } from '../../domain/run.js'
import type { ExportQuery, Page } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import {
  scheduleExport,
  type CalendarExport,
  type RunExport,
  type ScheduleExport,
  type StoreExport,
  type TombstoneExport,
} from '../../store/exports.js'
import { logBytesOf } from '../../store/log-limit.js'
import { mergedSchedule, type Remembered } from '../../store/merged-schedule.js'
import type { Calendars } from './calendars.js'
import type { Cell, Cells } from './cells.js'
import { idOfScheduleRow, openRunOf, scheduleOf, timingOf, type RunRow, type ScheduleRow } from './rows.js'
import type { Schedules } from './schedules.js'

type ExportedRow = readonly [ScheduleRow, readonly RunRow[]]
type Standing = readonly [ScheduleRow | null, revision: string | null, highWaterMark: string | null]
type TombstoneRow = readonly [id: ScheduleId, revision: string, highWaterMark: string | null, until: string]
type TombstonePlace = readonly [until: string, id: ScheduleId]

/** So many runs are written in one step at most, unless one schedule has more. */
const RUNS_AT_ONCE = 500

/** How records leave the store, cell by cell, and how those of another one come in. */
export class Moving {
  readonly #cells: Cells
  readonly #schedules: Schedules
  readonly #calendars: Calendars

  constructor(cells: Cells, schedules: Schedules, calendars: Calendars) {
    this.#cells = cells
    this.#schedules = schedules
    this.#calendars = calendars
  }

  schedules(query: ExportQuery): Promise<Page<ScheduleExport>> {
    return this.#page(query, ['string'], async (cell, after, limit) => {
      type Answer = readonly [rows: readonly ExportedRow[], next: ScheduleId | null]
      const [rows, next] = await cell.run<Answer>('export-schedules', { after: after?.[0] ?? false, limit })
      return [rows.map(exportOf), next === null ? null : [next]]
    })
  }

  tombstones(query: ExportQuery): Promise<Page<TombstoneExport>> {
    return this.#page(query, ['string', 'string'], async (cell, after, limit) => {
      type Answer = readonly [rows: readonly TombstoneRow[], next: TombstonePlace | null]
      const [rows, next] = await cell.run<Answer>('export-tombstones', { after: after ?? false, limit })
      return [rows.map(tombstoneOf), next]
    })
  }

  /** One step in the cell that the cursor has come to. */
  async #page<Item>(
    { limit, cursor }: ExportQuery,
    shape: readonly 'string'[],
    step: (
      cell: Cell,
      after: readonly string[] | null,
      limit: number,
    ) => Promise<readonly [items: Item[], next: readonly string[] | null]>,
  ): Promise<Page<Item>> {
    const [number = 0, ...after] =
      cursor === undefined
        ? []
        : decodeCursor(cursor, cursorAtStart(cursor) ? ['number'] : ['number', ...shape])
    const cell = this.#cells.all[Number(number)]
    if (cell === undefined) return { items: [], nextCursor: null }
    const [items, next] = await step(cell, after.length === 0 ? null : after.map(String), limit)
    if (next !== null) return { items, nextCursor: encodeCursor([Number(number), ...next]) }
    const isLast = Number(number) + 1 === this.#cells.all.length
    return { items, nextCursor: isLast ? null : encodeCursor([Number(number) + 1]) }
  }

  async import(items: readonly StoreExport[]): Promise<void> {
    for (const batch of inBatches(items)) {
      const [first] = batch
      if (first!.kind === 'schedule') await this.#importSchedules(batch as ScheduleExport[])
      else if (first!.kind === 'run') await this.#importRuns(batch as RunExport[])
      else if (first!.kind === 'calendar') await this.#importCalendar(first!)
      else await this.#importTombstone(first!)
    }
  }

  async #importRuns(items: readonly RunExport[]): Promise<void> {
    await this.#cells.each(
      items,
      ({ run }) => run.scheduleId,
      async (cell, own) => {
        await cell.run('import-runs', { runs: own.map(({ run, log }) => runArgs(run, false, log)) })
        return own
      },
    )
  }

  async #importSchedules(items: readonly ScheduleExport[]): Promise<void> {
    await this.#cells.each(
      items,
      ({ id }) => id,
      async (cell, own) => {
        // What was changed since it was read is decided about again.
        for (let left = own; left.length > 0;) left = await this.#tryImport(cell, left)
        return own
      },
    )
  }

  /** Answers those that were not written. */
  async #tryImport(cell: Cell, items: readonly ScheduleExport[]): Promise<readonly ScheduleExport[]> {
    const standing = await cell.run<Standing[]>('get-standing', { ids: items.map(({ id }) => id) })
    const written = await cell.run<string>('import-schedules', {
      items: items.map((item, i) => this.#scheduleArgs(item, standing[i]!)),
    })
    return items.filter((_, i) => written[i] !== '1')
  }

  #scheduleArgs(item: ScheduleExport, [row, revision, highWaterMark]: Standing): readonly unknown[] {
    const { id } = item
    const grave: Remembered | null =
      revision === null
        ? null
        : { revision: Number(revision), highWaterMark: highWaterMark === null ? null : Number(highWaterMark) }
    const merged = mergedSchedule(item, row === null ? null : scheduleOf(id, row), grave)
    const numbers = [
      merged.revision,
      merged.state,
      merged.nextFireTime,
      merged.tzdata,
      merged.dueAt,
      merged.highWaterMark,
      merged.fires,
      merged.consecutiveFailures,
      merged.calendarsRevision,
      merged.afterRunMs,
      merged.stretchedMs,
    ]
    return [
      id,
      row?.[0] ?? '',
      revision ?? '',
      numbers.map(textOf),
      String(this.#cells.shardOf(id)),
      coldFields(merged),
      merged.calendars.length === 0 ? false : merged.calendars,
      textOf(item.highWaterMark),
      merged.open.map(({ blocked, log, ...run }) => runArgs(run, blocked, log)),
    ]
  }

  async #importCalendar({ kind: _kind, calendarsRevision, ...calendar }: CalendarExport): Promise<void> {
    await this.#calendars.restore(calendar, calendarsRevision)
  }

  /** Deletes an older namesake first; between the two its own tombstone says as much. */
  async #importTombstone({ id, revision, highWaterMark, expiresAt }: TombstoneExport): Promise<void> {
    for (;;) {
      const [existing] = await this.#schedules.get([id])
      if (existing != null && existing.revision > revision) return
      if (existing == null || (await this.#deleted(id, existing.revision))) break
    }
    await this.#cells.of(id).run('bury', {
      id,
      revision: String(revision),
      mark: textOf(highWaterMark),
      till: String(expiresAt),
    })
  }

  /** `false`: it was changed at the same time. */
  async #deleted(id: ScheduleId, revision: number): Promise<boolean> {
    try {
      return await this.#schedules.delete(id, revision)
    } catch (error) {
      if (codeOf(error) === 'REVISION_CONFLICT') return false
      throw error
    }
  }
}

/** Whether it stands before all of its cell. */
function cursorAtStart(cursor: string): boolean {
  return /^\[\d+\]$/.test(Buffer.from(cursor, 'base64url').toString())
}

/** In order; what is of one kind together, as far as one step bears it. */
function inBatches(items: readonly StoreExport[]): StoreExport[][] {
  const batches: StoreExport[][] = []
  let room = 0
  for (const item of items) {
    const last = batches.at(-1)
    const joins =
      (item.kind === 'schedule' || item.kind === 'run') && last?.[0]?.kind === item.kind && room > 0
    if (joins) last.push(item)
    else {
      batches.push([item])
      room = RUNS_AT_ONCE
    }
    room -= item.kind === 'schedule' ? 1 + item.open.length : 1
  }
  return batches
}

function exportOf([row, open]: ExportedRow): ScheduleExport {
  return scheduleExport(scheduleOf(idOfScheduleRow(row), row), timingOf(row), open.map(openRunOf))
}

function tombstoneOf([id, revision, highWaterMark, until]: TombstoneRow): TombstoneExport {
  return {
    kind: 'tombstone',
    id,
    revision: Number(revision),
    highWaterMark: highWaterMark === null ? null : Number(highWaterMark),
    expiresAt: Number(until),
  }
}

/** The hash d:ID but for its calendars; see lua/lib/schedules.lua. */
function coldFields({ definition, stateReason, createdAt, updatedAt }: ScheduleExport): string[] {
  const { delivery, priority, group } = policyOf(definition)
  const fields: Record<string, string> = {
    def: JSON.stringify(definition),
    task: definition.task,
    at: String(createdAt),
    up: String(updatedAt),
    policy: JSON.stringify([delivery, priority, group]),
  }
  if (stateReason !== null) fields['why'] = stateReason
  if (definition.pauseAfterFailures != null) fields['pause'] = String(definition.pauseAfterFailures)
  if (definition.history !== undefined) fields['hist'] = JSON.stringify(definition.history)
  return Object.entries(fields).flat()
}

/** See lua/lib/imports.lua. */
function runArgs(run: Run, blocked: boolean, log: readonly LogLine[] | undefined): readonly unknown[] {
  const { requestId } = parseRunId(run.id)!
  const texts: Record<string, string> = {}
  if (run.spec !== null) texts['spec'] = run.spec
  for (const name of ['error', 'result', 'progress', 'missed'] as const)
    if (run[name] !== null) texts[name] = JSON.stringify(run[name])
  if (run.stretchedMs !== null) texts['stretched'] = String(run.stretchedMs)
  return [
    run.id,
    String(run.fireTime),
    requestId,
    run.status,
    String(run.fence),
    textOf(run.endedAt),
    String(run.attempt),
    run.task,
    String(run.createdAt),
    run.group === 'default' ? '' : run.group,
    String(run.dueAt),
    blocked ? '1' : '',
    textOf(run.startedAt),
    run.kind === 'scheduled' ? '' : run.kind,
    run.priority === 0 ? '' : String(run.priority),
    run.delivery === 'atLeastOnce' ? '' : run.delivery,
    run.cancelRequested ? '1' : '',
    run.node ?? '',
    Object.entries(texts).flat(),
    run.attempts.map((attempt) => JSON.stringify(attempt)),
    log === undefined ? false : log.map((line) => JSON.stringify(line)),
    String(logBytesOf(log ?? [])),
  ]
}

function textOf(value: string | number | null): string {
  return value === null ? '' : String(value)
}
