import type { Run } from '../../domain/run.js'
import type { Page, RunQuery } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import { runOf, type RunKey, type RunRecord } from './run-record.js'
import type { RunTable } from './run-table.js'
import { byText } from './sorted-set.js'

/** Newest first: by fire time within one schedule, else by creation. */
export function listRuns(runs: RunTable, query: RunQuery): Page<Run> {
  const { scheduleId, limit } = query
  const keys =
    scheduleId === undefined ? runsByCreation(runs, query) : runsOfSchedule(runs, scheduleId, query)
  const found: RunRecord[] = []
  for (const key of keys) {
    const record = runs.get(key.id)!
    if (matches(record, query) && found.push(record) > limit) break
  }
  const items = found.slice(0, limit)
  const last = items.at(-1)?.key
  if (found.length <= limit || last === undefined) return { items: items.map(runOf), nextCursor: null }
  const position = scheduleId === undefined ? [last.sequence] : [last.fireTime, last.requestId]
  return { items: items.map(runOf), nextCursor: encodeCursor(position) }
}

function runsByCreation(runs: RunTable, { cursor }: RunQuery): Iterable<RunKey> {
  if (cursor === undefined) return runs.byCreation().descending()
  const [sequence] = decodeCursor(cursor, ['number']) as [number]
  return runs.byCreation().descending((key) => key.sequence >= sequence)
}

function runsOfSchedule(runs: RunTable, scheduleId: string, { cursor }: RunQuery): Iterable<RunKey> {
  const keys = runs.bySchedule(scheduleId)
  if (cursor === undefined) return keys?.descending() ?? []
  const [fireTime, requestId] = decodeCursor(cursor, ['number', 'string']) as [number, string]
  const passed = (key: RunKey): boolean =>
    key.fireTime > fireTime || (key.fireTime === fireTime && byText(key.requestId, requestId) >= 0)
  return keys?.descending(passed) ?? []
}

function matches(record: RunRecord, { task, status }: RunQuery): boolean {
  if (task !== undefined && record.task !== task) return false
  return status === undefined || status.length === 0 || status.includes(record.status)
}
