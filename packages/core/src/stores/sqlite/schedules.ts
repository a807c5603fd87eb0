import { EvertickError } from '../../domain/errors.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { Schedule } from '../../domain/schedule.js'
import type {
  DueSchedule,
  Page,
  Peek,
  PutResult,
  PutSchedule,
  ScheduleQuery,
  Timing,
} from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import { droppedFire } from '../../store/dropped-fire.js'
import type { Calendars } from './calendars.js'
import type { Database } from './database.js'
import type { Hints } from '../../store/hints.js'
import type { SqlValue } from './driver.js'
import { droppedRun } from '../sql/new-run.js'
import { scheduleOf, type LastRunRow, type ScheduleRow } from '../sql/rows.js'
import type { NewRuns } from './new-runs.js'
import type { RunEndings } from './run-endings.js'
import { DELETED } from '../../store/reasons.js'
import { BACKLOG_AFTER_MS, ON_TIME_SHARE, TOMBSTONE_MS } from '../../store/periods.js'

const SELECT_SCHEDULE = `
SELECT s.id, s.revision, s.state, s.fire_time, s.due_at, s.stretched_ms, s.tzdata, s.high_water_mark, s.fires,
       s.failures, d.definition, d.state_reason, d.created_at, d.updated_at
FROM schedules s JOIN definitions d ON d.id = s.id`

const SELECT_DUE = `
SELECT id, revision, fire_time AS fireTime, due_at AS dueAt, fires, stretched_ms AS stretchedMs,
       calendars_revision AS calendarsRevision
FROM schedules`

interface Tombstone {
  revision: number
  high_water_mark: number | null
}

export class Schedules {
  readonly #db: Database
  readonly #calendars: Calendars
  readonly #newRuns: NewRuns
  readonly #endings: RunEndings
  readonly #hints: Hints

  constructor(db: Database, calendars: Calendars, newRuns: NewRuns, endings: RunEndings, hints: Hints) {
    this.#db = db
    this.#calendars = calendars
    this.#newRuns = newRuns
    this.#endings = endings
    this.#hints = hints
  }

  put(item: PutSchedule): PutResult {
    const { definition, expect, timing } = item
    const existing = this.get(definition.id)
    if (expect === 'absent' ? existing !== null : existing?.revision !== expect) {
      return { outcome: 'conflict', schedule: existing }
    }
    const use = timing === 'keep' ? null : (timing?.calendars ?? null)
    const refusal = use === null ? null : this.#calendars.refusal(use)
    if (refusal !== null) return { outcome: 'calendars', ...refusal }
    const now = this.#db.now()
    if (existing === null) this.#insert(item, now)
    else this.#update(item, existing, now)
    if (timing !== 'keep' && existing !== null) this.#recordDropped(existing, timing, now)
    if (timing !== 'keep') this.#setTiming(definition.id, timing)
    this.#hints.note('due')
    return { outcome: existing === null ? 'created' : 'updated', schedule: this.get(definition.id)! }
  }

  #insert({ definition, state, stateReason }: PutSchedule, now: number): void {
    const db = this.#db
    const { id } = definition
    const grave = db
      .statement('DELETE FROM tombstones WHERE id = ? RETURNING revision, high_water_mark')
      .get(id) as Tombstone | undefined
    // Revisions go on where the deleted namesake ended: a stale edit of that one must not fit this one.
    db.statement(
      'INSERT INTO schedules (id, revision, state, high_water_mark, fires, failures) VALUES (?, ?, ?, ?, 0, 0)',
    ).run(id, (grave?.revision ?? 0) + 1, state, grave?.high_water_mark ?? null)
    db.statement('INSERT INTO definitions VALUES (?, ?, ?, ?, ?, ?)').run(
      id,
      definition.task,
      JSON.stringify(definition),
      stateReason,
      now,
      now,
    )
  }

  #update({ definition, state, stateReason }: PutSchedule, existing: Schedule, now: number): void {
    const db = this.#db
    const { id } = definition
    // A schedule that someone sets going again has a clean record.
    const failures = state === 'active' && existing.state !== 'active' ? 0 : existing.consecutiveFailures
    db.statement('UPDATE schedules SET revision = revision + 1, state = ?, failures = ? WHERE id = ?').run(
      state,
      failures,
      id,
    )
    db.statement(
      'UPDATE definitions SET task = ?, definition = ?, state_reason = ?, updated_at = ? WHERE id = ?',
    ).run(definition.task, JSON.stringify(definition), stateReason, now, id)
  }

  #recordDropped(existing: Schedule, timing: Timing | null, now: number): void {
    const dropped = droppedFire(existing, timing, now)
    if (dropped === null) return
    this.#newRuns.insert(droppedRun(existing, dropped))
    this.#db.statement('UPDATE schedules SET high_water_mark = ? WHERE id = ?').run(dropped.to, existing.id)
  }

  #setTiming(id: ScheduleId, timing: Timing | null): void {
    const calendars = timing?.calendars ?? null
    this.#db
      .statement(
        `UPDATE schedules SET fire_time = ?, due_at = ?, stretched_ms = ?, tzdata = ?, calendars_revision = ?,
                after_run_ms = ?
         WHERE id = ?`,
      )
      .run(
        timing?.fireTime ?? null,
        timing?.dueAt ?? null,
        timing?.stretchedMs ?? null,
        timing?.tzdata ?? null,
        calendars?.revision ?? null,
        timing?.afterRunMs ?? null,
        id,
      )
    // Without a fire time the trigger stays what it was, and with it what it refers to.
    if (timing !== null) this.#calendars.refer(id, calendars?.names ?? [])
    if (timing?.afterRunMs != null) this.#endings.timeAfterRun(id)
  }

  get(id: ScheduleId): Schedule | null {
    const row = this.#db.statement(`${SELECT_SCHEDULE} WHERE s.id = ?`).get(id) as ScheduleRow | undefined
    return row === undefined ? null : this.#complete(row)
  }

  list(query: ScheduleQuery): Page<Schedule> {
    const conditions: string[] = []
    const values: SqlValue[] = []
    const where = (condition: string, ...bound: SqlValue[]): void => {
      conditions.push(condition)
      values.push(...bound)
    }
    if (query.cursor !== undefined) where('s.id > ?', ...decodeCursor(query.cursor, ['string']))
    if (query.state !== undefined) where('s.state = ?', query.state)
    if (query.task !== undefined) where('d.task = ?', query.task)
    if (query.calendar !== undefined)
      where('s.id IN (SELECT schedule_id FROM schedule_calendars WHERE calendar = ?)', query.calendar)
    // Ids are ASCII, so every id with this prefix sorts below the prefix followed by the last ASCII character.
    if (query.prefix !== undefined) where('s.id >= ? AND s.id < ?', query.prefix, `${query.prefix}\x7f`)
    const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const rows = this.#db
      .statement(`${SELECT_SCHEDULE} ${filter} ORDER BY s.id LIMIT ?`)
      .all(...values, query.limit + 1) as ScheduleRow[]
    const items = rows.slice(0, query.limit).map((row) => this.#complete(row))
    return { items, nextCursor: rows.length > query.limit ? encodeCursor([items.at(-1)!.id]) : null }
  }

  #complete(row: ScheduleRow): Schedule {
    const last = this.#db
      .statement(
        `SELECT fire_time, request_id, status, started_at, ended_at FROM runs
         WHERE schedule_id = ? ORDER BY fire_time DESC, request_id DESC LIMIT 1`,
      )
      .get(row.id) as LastRunRow | undefined
    return scheduleOf(row, last)
  }

  delete(id: ScheduleId, revision: number | undefined): boolean {
    const db = this.#db
    const row = db.statement('SELECT revision, high_water_mark FROM schedules WHERE id = ?').get(id) as
      | Tombstone
      | undefined
    if (row === undefined) return false
    if (revision !== undefined && row.revision !== revision) {
      throw new EvertickError(
        'REVISION_CONFLICT',
        `Schedule ${id} has revision ${row.revision}, not ${revision}`,
      )
    }
    this.#endings.cancelAllOf(id, DELETED)
    db.statement('INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?)').run(
      id,
      row.revision,
      row.high_water_mark,
      db.now() + TOMBSTONE_MS,
    )
    db.statement('DELETE FROM schedules WHERE id = ?').run(id)
    db.statement('DELETE FROM definitions WHERE id = ?').run(id)
    this.#calendars.refer(id, [])
    return true
  }

  peek(limit: number): Peek {
    const db = this.#db
    const now = db.now()
    const due = (condition: string, ...values: SqlValue[]): DueSchedule[] =>
      db
        .statement(
          `${SELECT_DUE} WHERE state = 'active' AND due_at IS NOT NULL AND ${condition} ORDER BY due_at LIMIT ?`,
        )
        .all(...values) as DueSchedule[]
    const onTime = due('due_at > ? AND due_at <= ?', now - BACKLOG_AFTER_MS, now, limit)
    const room = Math.max(limit - onTime.length, Math.floor(limit * (1 - ON_TIME_SHARE)))
    const backlog = due('due_at <= ?', now - BACKLOG_AFTER_MS, room)
    const more = backlog.length === room || backlog.length + onTime.length >= limit
    const rows = [...backlog, ...onTime.slice(0, limit - backlog.length)]
    const calendarsRevision = this.#calendars.revision()
    return { due: rows, calendarsRevision, now, nextDueAt: more ? now : this.#firstDueAfter(now) }
  }

  #firstDueAfter(now: number): number | null {
    const row = this.#db
      .statement(
        `SELECT due_at FROM schedules WHERE state = 'active' AND due_at IS NOT NULL AND due_at > ? ORDER BY due_at LIMIT 1`,
      )
      .get(now) as { due_at: number } | undefined
    return row?.due_at ?? null
  }
}
