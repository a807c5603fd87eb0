import { isOpen, type Run, type RunStatus } from '../../domain/run.js'
import type { Page, RunQuery } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { Database } from './database.js'
import { Filter } from './filter.js'
import { runOf, type RunRow } from '../sql/rows.js'
import { SELECT_RUN } from './rows.js'

/** Newest first: by fire time within one schedule, else by creation. */
export async function listRuns(db: Database, query: RunQuery): Promise<Page<Run>> {
  const ofSchedule = query.scheduleId !== undefined
  const rows = await (ofSchedule ? newestOfSchedule(db, query) : newestOfAll(db, query))
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  const position = ofSchedule ? [last?.fire_time ?? 0, last?.request_id ?? ''] : [last?.number ?? 0]
  return {
    items: page.map((row) => runOf(row)),
    nextCursor: rows.length > query.limit ? encodeCursor(position) : null,
  }
}

function newestOfSchedule(db: Database, query: RunQuery): Promise<RunRow[]> {
  const { scheduleId, task, status, limit, cursor } = query
  const filter = new Filter().where('runs.schedule_id = ?', scheduleId!)
  if (cursor !== undefined) {
    filter.where('(runs.fire_time, runs.request_id) < (?, ?)', ...decodeCursor(cursor, ['number', 'string']))
  }
  if (task !== undefined) filter.where('runs.task = ?', task)
  if (status !== undefined) filter.where('runs.status = ANY (?::text[])', status)
  return filter.select<RunRow>(db, SELECT_RUN, 'runs.fire_time DESC, runs.request_id DESC', limit + 1)
}

/** One walk along an index for each status asked for, for no index serves several at once; then the newest of them. */
async function newestOfAll(db: Database, { task, status, limit, cursor }: RunQuery): Promise<RunRow[]> {
  const after = cursor === undefined ? null : decodeCursor(cursor, ['number'])
  const walk = (of: RunStatus | null): Promise<RunRow[]> => {
    const filter = new Filter()
    if (after !== null) filter.where('runs.number < ?', ...after)
    if (task !== undefined) filter.where('runs.task = ?', task)
    if (of !== null) filter.where('runs.status = ?', of)
    if (of !== null && isOpen(of)) filter.where('runs.queue > 0')
    // Literally the condition of the index over the few runs that ended without success.
    if (of !== null && !isOpen(of) && of !== 'succeeded')
      filter.where(`runs.queue = 0 AND runs.status <> 'succeeded'`)
    return filter.select<RunRow>(db, SELECT_RUN, 'runs.number DESC', limit + 1)
  }
  if (status === undefined) return walk(null)
  const found = await Promise.all(status.map((one) => walk(one)))
  return found
    .flat()
    .toSorted((a, b) => b.number - a.number)
    .slice(0, limit + 1)
}
