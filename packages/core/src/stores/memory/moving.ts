import type { RunId } from '../../domain/ids.js'
import type { LogLine, Run } from '../../domain/run.js'
import type { ExportQuery, Page } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import {
  scheduleExport,
  type ScheduleExport,
  type StoreExport,
  type TombstoneExport,
} from '../../store/exports.js'
import type { Hints } from '../../store/hints.js'
import { mergedSchedule } from '../../store/merged-schedule.js'
import type { StoreClock } from '../../store/store-clock.js'
import type { Calendars } from './calendars.js'
import { deepFreeze } from './deep-freeze.js'
import type { RunEndings } from './run-endings.js'
import type { RunLogs } from './run-logs.js'
import { isWaiting, runOf } from './run-record.js'
import type { RunTable } from './run-table.js'
import type { ScheduleTable } from './schedule-table.js'
import type { Schedules } from './schedules.js'
import type { Tombstones } from './tombstones.js'

/** How records leave the store, and how those of another one come in. */
export class Moving {
  readonly #table: ScheduleTable
  readonly #schedules: Schedules
  readonly #calendars: Calendars
  readonly #runs: RunTable
  readonly #logs: RunLogs
  readonly #endings: RunEndings
  readonly #tombstones: Tombstones
  readonly #hints: Hints
  readonly #clock: StoreClock

  constructor(
    table: ScheduleTable,
    schedules: Schedules,
    calendars: Calendars,
    runs: RunTable,
    logs: RunLogs,
    endings: RunEndings,
    tombstones: Tombstones,
    hints: Hints,
    clock: StoreClock,
  ) {
    this.#table = table
    this.#schedules = schedules
    this.#calendars = calendars
    this.#runs = runs
    this.#logs = logs
    this.#endings = endings
    this.#tombstones = tombstones
    this.#hints = hints
    this.#clock = clock
  }

  schedules({ limit, cursor }: ExportQuery): Page<ScheduleExport> {
    const after = cursor === undefined ? '' : (decodeCursor(cursor, ['string'])[0] as string)
    const items: ScheduleExport[] = []
    for (const id of this.#table.ids().ascending((each) => each > after)) {
      if (items.length === limit) return { items, nextCursor: encodeCursor([items.at(-1)!.id]) }
      items.push(this.#exported(id))
    }
    return { items, nextCursor: null }
  }

  #exported(id: string): ScheduleExport {
    const { calendars, calendarsRevision, afterRunMs } = this.#table.get(id)!
    const open = (this.#runs.openOf(id)?.ids() ?? []).map((runId) => {
      const record = this.#runs.get(runId)!
      return Object.assign(runOf(record), { blocked: record.blocked })
    })
    return scheduleExport(this.#schedules.get(id)!, { calendars, calendarsRevision, afterRunMs }, open)
  }

  tombstones(query: ExportQuery): Page<TombstoneExport> {
    return this.#tombstones.list(query, this.#clock.now())
  }

  import(item: StoreExport): void {
    switch (item.kind) {
      case 'calendar':
        this.#calendars.restore(item)
        break
      case 'run':
        this.#restoreRun(item.run, false, item.log)
        this.#settle(item.run.scheduleId)
        break
      case 'schedule':
        this.#importSchedule(item)
        break
      default:
        this.#importTombstone(item)
    }
  }

  #importSchedule(item: ScheduleExport): void {
    const { id } = item
    const existing = this.#table.get(id)
    const merged = mergedSchedule(item, existing, this.#tombstones.get(id, this.#clock.now()))
    const { kind: _kind, open, ...record } = merged
    this.#table.set({ ...record, definition: deepFreeze(structuredClone(record.definition)) })
    this.#tombstones.delete(id)
    this.#cancelOthers(item)
    for (const { blocked, log, ...run } of open) this.#restoreRun(run, blocked, log)
    this.#settle(id)
    this.#hints.note('due')
  }

  /** What waits here, and had ended there when the schedule was exported. */
  #cancelOthers({ id, highWaterMark, open }: ScheduleExport): void {
    const waitsThere = new Set<RunId>(open.map((run) => run.id))
    for (const runId of this.#runs.openOf(id)?.ids() ?? []) {
      const run = this.#runs.get(runId)!
      const isOurs = run.kind === 'scheduled' && run.fireTime > (highWaterMark ?? -Infinity)
      if (isWaiting(run) && !isOurs && !waitsThere.has(runId)) this.#endings.cancelImported(run)
    }
  }

  /** What is held here, or was leased here since, stays. */
  #restoreRun(run: Run, blocked: boolean, log: readonly LogLine[] | undefined): void {
    const before = this.#runs.get(run.id)
    if (before !== null && (before.status === 'running' || before.fence > run.fence)) return
    if (
      run.kind === 'manual' &&
      (this.#runs.manualRun(run.scheduleId, run.requestId)?.id ?? run.id) !== run.id
    )
      return
    const { result, ...rest } = structuredClone(run)
    this.#runs.restore(
      deepFreeze({
        ...rest,
        result: result === null ? null : JSON.stringify(result),
        session: null,
        blocked,
        recoveries: 0,
      }),
    )
    if (log !== undefined) this.#logs.replace(run.id, log)
  }

  /** What depends on which runs of a schedule are open. */
  #settle(scheduleId: string): void {
    this.#endings.letNextStart(scheduleId)
    this.#endings.timeAfterRun(scheduleId)
    this.#hints.note('ready')
  }

  #importTombstone({ kind: _kind, ...item }: TombstoneExport): void {
    const { id, revision, highWaterMark } = item
    const existing = this.#table.get(id)
    if (existing !== null && existing.revision > revision) return
    if (existing !== null) this.#schedules.delete(id, undefined)
    const known = this.#tombstones.get(id, this.#clock.now())
    const mark = Math.max(highWaterMark ?? -Infinity, known?.highWaterMark ?? -Infinity)
    this.#tombstones.set({
      id,
      revision: Math.max(revision, known?.revision ?? 0),
      highWaterMark: mark === -Infinity ? null : mark,
      expiresAt: item.expiresAt,
    })
  }
}
