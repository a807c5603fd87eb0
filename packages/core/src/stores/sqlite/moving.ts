import type { NodeId, RunId, ScheduleId } from '../../domain/ids.js'
import type { LogLine, Run } from '../../domain/run.js'
import type { ExportQuery, Page } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import {
  scheduleExport,
  type ExportedTiming,
  type OpenRun,
  type ScheduleExport,
  type StoreExport,
  type TombstoneExport,
} from '../../store/exports.js'
import type { Hints } from '../../store/hints.js'
import { mergedSchedule, type Remembered } from '../../store/merged-schedule.js'
import { NOT_OPEN_THERE } from '../../store/reasons.js'
import type { Calendars } from './calendars.js'
import type { Database } from './database.js'
import { QUEUE, queueOf, runOf, textOf, type RunRow } from '../sql/rows.js'
import { SELECT_RUN } from './rows.js'
import type { RunEndings } from './run-endings.js'
import type { RunLog } from './run-log.js'
import type { Schedules } from './schedules.js'

const PUT_RUN = `
INSERT OR REPLACE INTO runs (number, schedule_id, fire_time, request_id, kind, task, status, queue, attempt, session,
  fence, priority, grp, delivery, due_at, created_at, started_at, ended_at, cancel_requested, spec, error, result,
  progress, missed, stretched_ms, attempts, log_bytes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

type KnownRun = Pick<RunRow, 'number' | 'queue' | 'fence'> & { log_bytes: number }

/** How records leave the store, and how those of another one come in, inside a transaction. */
export class Moving {
  readonly #db: Database
  readonly #schedules: Schedules
  readonly #calendars: Calendars
  readonly #endings: RunEndings
  readonly #log: RunLog
  readonly #hints: Hints

  constructor(
    db: Database,
    schedules: Schedules,
    calendars: Calendars,
    endings: RunEndings,
    log: RunLog,
    hints: Hints,
  ) {
    this.#db = db
    this.#schedules = schedules
    this.#calendars = calendars
    this.#endings = endings
    this.#log = log
    this.#hints = hints
  }

  schedules({ limit, cursor }: ExportQuery): Page<ScheduleExport> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'])[0]!
    const rows = this.#db
      .statement('SELECT id FROM schedules WHERE id > ? ORDER BY id LIMIT ?')
      .all(after, limit + 1) as { id: ScheduleId }[]
    const items = rows.slice(0, limit).map(({ id }) => this.#exported(id))
    return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.id]) : null }
  }

  #exported(id: ScheduleId): ScheduleExport {
    const db = this.#db
    const timing = db
      .statement(
        `SELECT calendars_revision AS calendarsRevision, after_run_ms AS afterRunMs,
           (SELECT json_group_array(calendar) FROM schedule_calendars WHERE schedule_id = schedules.id) AS calendars
         FROM schedules WHERE id = ?`,
      )
      .get(id) as Omit<ExportedTiming, 'calendars'> & { calendars: string }
    const open = db.statement(`${SELECT_RUN} WHERE schedule_id = ? AND queue > 0`).all(id) as RunRow[]
    return scheduleExport(
      this.#schedules.get(id)!,
      { ...timing, calendars: JSON.parse(timing.calendars) as string[] },
      open.map((row) => Object.assign(runOf(row), { blocked: row.queue === QUEUE.blocked })),
    )
  }

  tombstones({ limit, cursor }: ExportQuery): Page<TombstoneExport> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, ['string'])[0]!
    const rows = this.#db
      .statement(
        `SELECT 'tombstone' AS kind, id, revision, high_water_mark AS highWaterMark, expires_at AS expiresAt
         FROM tombstones WHERE id > ? AND expires_at > ? ORDER BY id LIMIT ?`,
      )
      .all(after, this.#db.now(), limit + 1) as TombstoneExport[]
    const items = rows.slice(0, limit)
    return { items, nextCursor: rows.length > limit ? encodeCursor([items.at(-1)!.id]) : null }
  }

  import(item: StoreExport): void {
    switch (item.kind) {
      case 'calendar':
        this.#calendars.restore(item)
        break
      case 'run':
        this.#putRun(item.run, false, item.log)
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
    const db = this.#db
    const merged = mergedSchedule(item, this.#schedules.get(id), this.#tombstone(id))
    db.statement('DELETE FROM tombstones WHERE id = ?').run(id)
    db.statement(
      `INSERT OR REPLACE INTO schedules (id, revision, state, fire_time, due_at, high_water_mark, fires, failures, tzdata,
         calendars_revision, after_run_ms, stretched_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      id,
      merged.revision,
      merged.state,
      merged.nextFireTime,
      merged.dueAt,
      merged.highWaterMark,
      merged.fires,
      merged.consecutiveFailures,
      merged.tzdata,
      merged.calendarsRevision,
      merged.afterRunMs,
      merged.stretchedMs,
    )
    db.statement('INSERT OR REPLACE INTO definitions VALUES (?, ?, ?, ?, ?, ?)').run(
      id,
      merged.definition.task,
      JSON.stringify(merged.definition),
      merged.stateReason,
      merged.createdAt,
      merged.updatedAt,
    )
    this.#calendars.refer(id, merged.calendars)
    this.#cancelOthers(item)
    for (const { log, ...run } of merged.open) this.#putRun(run, run.blocked, log)
    this.#settle(id)
    this.#hints.note('due')
  }

  /** What waits here, and had ended there when the schedule was exported. */
  #cancelOthers({ id, highWaterMark, open }: ScheduleExport): void {
    const waitsThere = new Set<RunId>(open.map((run: OpenRun) => run.id))
    const rows = this.#db
      .statement(`${SELECT_RUN} WHERE schedule_id = ? AND queue IN (1, 2, 3)`)
      .all(id) as RunRow[]
    for (const row of rows) {
      const isOurs = row.kind === 'scheduled' && row.fire_time > (highWaterMark ?? Number.MIN_SAFE_INTEGER)
      if (isOurs || waitsThere.has(runOf(row).id)) continue
      this.#db
        .statement(
          `UPDATE runs SET status = 'cancelled', queue = 0, ended_at = ?, error = ? WHERE number = ?`,
        )
        .run(this.#db.now(), JSON.stringify(NOT_OPEN_THERE), row.number)
    }
  }

  /** What is held here, or was leased here since, stays. */
  #putRun(run: Run, blocked: boolean, log: readonly LogLine[] | undefined): void {
    const { scheduleId, fireTime, requestId } = run
    const known = this.#db
      .statement(
        'SELECT number, queue, fence, log_bytes FROM runs WHERE schedule_id = ? AND fire_time = ? AND request_id = ?',
      )
      .get(scheduleId, fireTime, requestId) as KnownRun | undefined
    if (known !== undefined && (known.queue === QUEUE.held || known.fence > run.fence)) return
    if (known === undefined && run.kind === 'manual' && this.#isRequested(scheduleId, requestId)) return
    const number = known?.number ?? this.#numberAt(run.createdAt)
    const logBytes = log === undefined ? (known?.log_bytes ?? 0) : this.#log.replace(number, log)
    this.#db
      .statement(PUT_RUN)
      .run(
        number,
        scheduleId,
        fireTime,
        requestId,
        run.kind,
        run.task,
        run.status,
        queueOf(run, blocked, this.#db.now()),
        run.attempt,
        run.node === null ? null : this.#pastSession(run.node),
        run.fence,
        run.priority,
        run.group,
        run.delivery,
        run.dueAt,
        run.createdAt,
        run.startedAt,
        run.endedAt,
        run.cancelRequested ? 1 : 0,
        run.spec,
        textOf(run.error),
        textOf(run.result),
        textOf(run.progress),
        textOf(run.missed),
        run.stretchedMs,
        run.attempts.length === 0 ? null : JSON.stringify(run.attempts),
        logBytes,
      )
  }

  /** One run answers a request for ever. */
  #isRequested(scheduleId: ScheduleId, requestId: string): boolean {
    const sql = `SELECT 1 FROM runs WHERE schedule_id = ? AND request_id = ? AND kind = 'manual'`
    return this.#db.statement(sql).get(scheduleId, requestId) !== undefined
  }

  /** Runs are listed by their numbers: above those of an earlier moment and of this one, below those of a later one. */
  #numberAt(createdAt: number): number {
    const { last } = this.#db
      .statement('SELECT max(number) AS last FROM runs WHERE number < ?')
      .get((createdAt + 1) * 1000) as { last: number | null }
    return Math.max((last ?? 0) + 1, createdAt * 1000)
  }

  /** The name of a node that ran something elsewhere, as a session that has long ended. */
  #pastSession(node: NodeId): number {
    const session = `imported:${node}`
    const known = this.#db.statement('SELECT number FROM sessions WHERE session = ?').get(session) as
      | { number: number }
      | undefined
    if (known !== undefined) return known.number
    const { lastInsertRowid } = this.#db
      .statement(
        `INSERT INTO sessions (session, node, info, started_at, last_beat_at, lease_until, has_left)
         VALUES (?, ?, '{}', 0, 0, 0, 1)`,
      )
      .run(session, node)
    return Number(lastInsertRowid)
  }

  /** What depends on which runs of a schedule are open. */
  #settle(scheduleId: ScheduleId): void {
    this.#endings.unblock(scheduleId)
    this.#endings.timeAfterRun(scheduleId)
    this.#hints.note('ready')
  }

  #importTombstone({ id, revision, highWaterMark, expiresAt }: TombstoneExport): void {
    const existing = this.#schedules.get(id)
    if (existing !== null && existing.revision > revision) return
    if (existing !== null) this.#schedules.delete(id, undefined)
    const db = this.#db
    db.statement(
      `INSERT INTO tombstones VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET revision = max(revision, ?2),
         high_water_mark = max(coalesce(high_water_mark, ?3), coalesce(?3, high_water_mark)), expires_at = ?4`,
    ).run(id, revision, highWaterMark, expiresAt)
  }

  #tombstone(id: ScheduleId): Remembered | null {
    const row = this.#db
      .statement('SELECT revision, high_water_mark AS highWaterMark FROM tombstones WHERE id = ?')
      .get(id) as Remembered | undefined
    return row ?? null
  }
}
