import type { Run } from '../../domain/run.js'
import type { Page, RunQuery } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { Database } from './database.js'
import type { SqlValue } from './driver.js'
import { runOf, SELECT_RUN, type RunRow } from './rows.js'

/** Newest first: by fire time within one schedule, else by creation. */
export function listRuns(db: Database, query: RunQuery): Page<Run> {
  const conditions: string[] = []
  const values: SqlValue[] = []
  const where = (condition: string, ...bound: SqlValue[]): void => {
    conditions.push(condition)
    values.push(...bound)
  }
  const bySchedule = query.scheduleId !== undefined
  if (query.scheduleId !== undefined) {
    where('runs.schedule_id = ?', query.scheduleId)
    if (query.cursor !== undefined) {
      where('(runs.fire_time, runs.request_id) < (?, ?)', ...decodeCursor(query.cursor, ['number', 'string']))
    }
  } else if (query.cursor !== undefined) {
    where('runs.number < ?', ...decodeCursor(query.cursor, ['number']))
  }
  if (query.task !== undefined) where('runs.task = ?', query.task)
  if (query.status !== undefined && query.status.length > 0) {
    where(`runs.status IN (${query.status.map(() => '?').join(', ')})`, ...query.status)
    // Literally the condition of the index over the few runs that did not succeed.
    const unsuccessful = query.status.every((status) => ENDED_UNSUCCESSFULLY.has(status))
    if (unsuccessful && !bySchedule) where(`runs.queue = 0 AND runs.status <> 'succeeded'`)
    if (query.status.every((status) => OPEN.has(status))) where('runs.queue > 0')
  }
  const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  const order = bySchedule ? 'runs.fire_time DESC, runs.request_id DESC' : 'runs.number DESC'
  const rows = db
    .statement(`${SELECT_RUN} ${filter} ORDER BY ${order} LIMIT ?`)
    .all(...values, query.limit + 1) as RunRow[]
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  const more = rows.length > query.limit && last !== undefined
  return {
    items: page.map((row) => runOf(row)),
    nextCursor: more ? encodeCursor(bySchedule ? [last.fire_time, last.request_id] : [last.number]) : null,
  }
}

const ENDED_UNSUCCESSFULLY = new Set<string>(['failed', 'cancelled', 'lost', 'missed', 'skipped'])
const OPEN = new Set<string>(['pending', 'running', 'retrying'])
