import type { Run, RunStatus } from '../../domain/run.js'
import { isOpen } from '../../domain/run.js'
import type { Page, RunQuery } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { Database } from './database.js'
import type { SqlValue } from './driver.js'
import { runOf, type RunRow } from '../sql/rows.js'
import { SELECT_RUN } from './rows.js'

/** Newest first: by fire time within one schedule, else by creation. */
export function listRuns(db: Database, query: RunQuery): Page<Run> {
  const rows =
    query.scheduleId === undefined ? newestOfAll(db, query) : newestOfSchedule(db, query, query.scheduleId)
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  const position =
    query.scheduleId === undefined ? [last?.number ?? 0] : [last?.fire_time ?? 0, last?.request_id ?? '']
  return {
    items: page.map((row) => runOf(row)),
    nextCursor: rows.length > query.limit ? encodeCursor(position) : null,
  }
}

function newestOfSchedule(
  db: Database,
  { task, status, limit, cursor }: RunQuery,
  scheduleId: string,
): RunRow[] {
  const filter = new Filter().where('runs.schedule_id = ?', scheduleId)
  if (cursor !== undefined) {
    filter.where('(runs.fire_time, runs.request_id) < (?, ?)', ...decodeCursor(cursor, ['number', 'string']))
  }
  if (task !== undefined) filter.where('runs.task = ?', task)
  if (status !== undefined) {
    // One text for every list, so that each is not a statement of its own.
    filter.where('runs.status IN (SELECT value FROM json_each(?))', JSON.stringify(status))
  }
  return filter.rows(db, 'runs.fire_time DESC, runs.request_id DESC', limit + 1)
}

/** One walk along an index for each status asked for, for no index serves several at once; then the newest of them. */
function newestOfAll(db: Database, { task, status, limit, cursor }: RunQuery): RunRow[] {
  const after = cursor === undefined ? null : decodeCursor(cursor, ['number'])
  const walk = (of: RunStatus | null): RunRow[] => {
    const filter = new Filter()
    if (after !== null) filter.where('runs.number < ?', ...after)
    if (task !== undefined) filter.where('runs.task = ?', task)
    if (of !== null) filter.where('runs.status = ?', of)
    if (of !== null && isOpen(of)) filter.where('runs.queue > 0')
    // Literally the condition of the index over the few runs that ended without success.
    if (of !== null && !isOpen(of) && of !== 'succeeded')
      filter.where(`runs.queue = 0 AND runs.status <> 'succeeded'`)
    return filter.rows(db, 'runs.number DESC', limit + 1)
  }
  if (status === undefined) return walk(null)
  return status
    .flatMap((one) => walk(one))
    .toSorted((a, b) => b.number - a.number)
    .slice(0, limit + 1)
}

class Filter {
  readonly #conditions: string[] = []
  readonly #values: SqlValue[] = []

  where(condition: string, ...values: SqlValue[]): this {
    this.#conditions.push(condition)
    this.#values.push(...values)
    return this
  }

  rows(db: Database, order: string, limit: number): RunRow[] {
    const filter = this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`
    return db
      .statement(`${SELECT_RUN} ${filter} ORDER BY ${order} LIMIT ?`)
      .all(...this.#values, limit) as RunRow[]
  }
}
