import type { Run } from '../../domain/run.js'
import type { Schedule } from '../../domain/schedule.js'
import type { Page, RunQuery, ScheduleQuery } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { Cells } from './cells.js'
import { idOfScheduleRow, numberOfRun, runOf, scheduleOf, type RunRow, type ScheduleRow } from './rows.js'

/** Ordered by id. */
export async function listSchedules(cells: Cells, query: ScheduleQuery): Promise<Page<Schedule>> {
  const { limit, cursor } = query
  const after = cursor === undefined ? false : decodeCursor(cursor, ['string'])[0]!
  const pages = await cells.everywhere<ScheduleRow[]>('list-schedules', () => ({
    after,
    prefix: query.prefix ?? false,
    state: query.state ?? false,
    task: query.task ?? false,
    calendar: query.calendar ?? false,
    limit: limit + 1,
  }))
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
  const rows = await cells.of(scheduleId).run<RunRow[]>('list-runs-of', {
    schedule: scheduleId,
    limit: limit + 1,
    before: time === undefined ? false : [String(time), member],
    task: task ?? false,
    statuses: status === undefined ? false : Object.fromEntries(status.map((one) => [one, true])),
  })
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
  const pages = await cells.everywhere<RunRow[]>('list-runs', () => ({
    limit: limit + 1,
    before: number === undefined ? false : [String(number), id],
    task: task ?? false,
    statuses: status === undefined ? false : [...new Set(status)],
  }))
  const rows = pages.flat().map((row) => ({ row, number: numberOfRun(row) }))
  if (pages.length > 1) rows.sort((a, b) => b.number - a.number || (a.row[0] < b.row[0] ? 1 : -1))
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(({ row }) => runOf(row)),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor([last.number, last.row[0]]) : null,
  }
}
