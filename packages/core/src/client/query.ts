import { InvalidError } from '../domain/errors.js'
import { FieldChecks, shown } from '../domain/field-checks.js'
import { RUN_STATUSES } from '../domain/run.js'
import { SCHEDULE_STATES } from '../domain/schedule.js'
import type { CalendarQuery, LockQuery, RunQuery, ScheduleQuery } from '../store/contract.js'

const LIMIT = 100
const MAX_LIMIT = 1000

/** @throws {InvalidError} INVALID_QUERY */
export function scheduleQuery(query: Partial<ScheduleQuery>): ScheduleQuery {
  return checked(query, ['state', 'task', 'prefix', 'calendar', 'limit', 'cursor'], (checks) => {
    if (query.state !== undefined) checks.oneOf('state', query.state, SCHEDULE_STATES)
    if (query.prefix !== undefined) checks.text('prefix', query.prefix, 128)
    if (query.calendar !== undefined) checks.text('calendar', query.calendar, 128)
  })
}

/** @throws {InvalidError} INVALID_QUERY */
export function runQuery(query: Partial<RunQuery>): RunQuery {
  const valid = checked(query, ['scheduleId', 'task', 'status', 'limit', 'cursor'], (checks) => {
    const statuses: unknown = query.status ?? []
    if (!Array.isArray(statuses)) checks.add('status', 'array', `must be a list, but is ${shown(statuses)}`)
    else for (const status of new Set(statuses)) checks.oneOf('status', status, RUN_STATUSES)
    if (query.scheduleId !== undefined) checks.text('scheduleId', query.scheduleId, 128)
  })
  // Each once: what is asked for must not depend on how often it is named.
  return valid.status === undefined ? valid : { ...valid, status: [...new Set(valid.status)] }
}

/** @throws {InvalidError} INVALID_QUERY */
export function calendarQuery(query: Partial<CalendarQuery>): CalendarQuery {
  return checked(query, ['limit', 'cursor'], () => {})
}

/** @throws {InvalidError} INVALID_QUERY */
export function lockQuery(query: Partial<LockQuery>): LockQuery {
  return checked(query, ['prefix', 'limit', 'cursor'], (checks) => {
    if (query.prefix !== undefined) checks.text('prefix', query.prefix, 128)
  })
}

/** A whole number from `least` to `most`. @throws {InvalidError} INVALID_QUERY */
export function wholeNumber(
  field: string,
  value: number | undefined,
  { fallback, least = 1, most }: { fallback: number; least?: number; most: number },
): number {
  const checks = new FieldChecks()
  if (value === undefined || checks.integer(field, value, least, most)) return value ?? fallback
  throw new InvalidError('INVALID_QUERY', checks.problems)
}

function checked<Query extends { task?: string; cursor?: string; limit?: number }>(
  query: Query,
  fields: readonly string[],
  check: (checks: FieldChecks) => void,
): Query & { limit: number } {
  const checks = new FieldChecks()
  if (checks.object('', query, fields)) {
    check(checks)
    if (query.task !== undefined) checks.text('task', query.task, 128)
    if (query.cursor !== undefined) checks.text('cursor', query.cursor, 1000)
    if (query.limit !== undefined) checks.integer('limit', query.limit, 1, MAX_LIMIT)
  }
  if (checks.problems.length > 0) throw new InvalidError('INVALID_QUERY', checks.problems)
  return { ...query, limit: query.limit ?? LIMIT }
}
