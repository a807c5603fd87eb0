import type { Run } from '../../domain/run.js'
import type { Schedule } from '../../domain/schedule.js'
import type { Page, RunQuery, ScheduleQuery } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { Cells } from './cells.js'
import { idOfScheduleRow, numberOfRun, runOf, scheduleOf, type RunRow, type ScheduleRow } from './rows.js'

/** Of what a run is sorted by, and which of those that are equal in that. */
type RunPlace = readonly [number: string, name: string]

/**
 * A page out of steps that each look at so many records that nobody is held up for long. `step` answers what it found, and
 * where to look on, `null` at the end.
 */
async function pageOf<Row, Place>(
  limit: number,
  from: Place | false,
  step: (limit: number, from: Place | false) => Promise<readonly [rows: readonly Row[], next: Place | null]>,
): Promise<Row[]> {
  const page: Row[] = []
  for (let place: Place | false | null = from; place !== null && page.length < limit;) {
    const [rows, next]: readonly [readonly Row[], Place | null] = await step(limit - page.length, place)
    page.push(...rows)
    place = next
  }
  return page
}

/** Ordered by id. */
export async function listSchedules(cells: Cells, query: ScheduleQuery): Promise<Page<Schedule>> {
  const { limit, cursor } = query
  const after = cursor === undefined ? false : String(decodeCursor(cursor, ['string'])[0])
  const pages = await Promise.all(
    cells.all.map((cell) =>
      pageOf<ScheduleRow, string>(limit + 1, after, (wanted, from) =>
        cell.run('list-schedules', {
          after: from,
          prefix: query.prefix ?? false,
          state: query.state ?? false,
          task: query.task ?? false,
          calendar: query.calendar ?? false,
          limit: wanted,
        }),
      ),
    ),
  )
  const found = pages.flat().map((row) => scheduleOf(idOfScheduleRow(row), row))
  if (pages.length > 1) found.sort((a, b) => (a.id < b.id ? -1 : 1))
  const items = found.slice(0, limit)
  return { items, nextCursor: found.length > limit ? encodeCursor([items.at(-1)!.id]) : null }
}

/** Newest first: by fire time within one schedule, else by creation. */
export function listRuns(cells: Cells, query: RunQuery): Promise<Page<Run>> {
  return query.scheduleId === undefined ? listAll(cells, query) : listOf(cells, query, query.scheduleId)
}

async function listOf(
  cells: Cells,
  { task, status, limit, cursor }: RunQuery,
  scheduleId: string,
): Promise<Page<Run>> {
  const [time, request] = cursor === undefined ? [] : decodeCursor(cursor, ['number', 'string'])
  const member = request === '' ? String(time) : `${time}.${request}`
  const cell = cells.of(scheduleId)
  const before: RunPlace | false = time === undefined ? false : [String(time), member]
  const rows = await pageOf<RunRow, RunPlace>(limit + 1, before, (wanted, from) =>
    cell.run('list-runs-of', {
      schedule: scheduleId,
      limit: wanted,
      before: from,
      task: task ?? false,
      statuses: status === undefined ? false : Object.fromEntries(status.map((one) => [one, true])),
    }),
  )
  const items = rows.slice(0, limit).map(runOf)
  const last = items.at(-1)
  return {
    items,
    nextCursor:
      rows.length > limit && last !== undefined ? encodeCursor([last.fireTime, last.requestId]) : null,
  }
}

async function listAll(cells: Cells, { task, status, limit, cursor }: RunQuery): Promise<Page<Run>> {
  const [number, id] = cursor === undefined ? [] : decodeCursor(cursor, ['number', 'string'])
  const before: RunPlace | false = number === undefined ? false : [String(number), String(id)]
  const pages = await Promise.all(
    cells.all.map((cell) =>
      pageOf<RunRow, RunPlace>(limit + 1, before, (wanted, from) =>
        cell.run('list-runs', {
          limit: wanted,
          before: from,
          task: task ?? false,
          statuses: status === undefined ? false : [...new Set(status)],
        }),
      ),
    ),
  )
  const rows = pages.flat().map((row) => ({ row, number: numberOfRun(row) }))
  if (pages.length > 1) rows.sort((a, b) => b.number - a.number || (a.row[0] < b.row[0] ? 1 : -1))
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(({ row }) => runOf(row)),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor([last.number, last.row[0]]) : null,
  }
}
