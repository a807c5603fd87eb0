import type { Problem } from '../domain/errors.js'
import { isPlainObject } from '../domain/json.js'
import { longestMonth } from './civil.js'
import { DateSet, type DateRange } from './date-set.js'
import { readDate } from './date.js'
import { collect, didYouMean, quote, unknownFields } from './problems.js'

const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const

/** Both ends included. */
export type DateRangeJson = {
  readonly from: string
  readonly to: string
}

/** Dates as users write them. All of it together: a date belongs when any field names it. */
export type DatesJson = {
  /** `2026-12-25` */
  readonly dates?: readonly string[]
  /** `SAT` */
  readonly weekdays?: readonly string[]
  readonly ranges?: readonly DateRangeJson[]
  /** `12-25`: of every year. `02-29` is a date of leap years only. */
  readonly yearly?: readonly string[]
}

export const DATE_FIELDS = ['dates', 'weekdays', 'ranges', 'yearly'] as const

// What a person or an import of some years of holidays writes, and little enough to compile in a millisecond.
const MOST_ENTRIES = 5000
const DAY_OF_YEAR = /^(\d\d)-(\d\d)$/

/** The dates that an object names; problems are added with paths below `path`, which is empty or ends with a dot. */
export function readDates(value: Record<string, unknown>, path: string, problems: Problem[]): DateSet {
  const days = entries(value.dates, `${path}dates`, problems)
    .map(([field, date]) => collect(problems, () => readDate(field, date)))
    .filter((day) => day !== null)
  const ranges = entries(value.ranges, `${path}ranges`, problems)
    .map(([field, range]) => readRange(field, range, problems))
    .filter((range) => range !== null)
  return new DateSet({
    ranges: [...days.map((day) => ({ from: day, to: day })), ...ranges],
    weekdays: readWeekdays(value.weekdays, `${path}weekdays`, problems),
    yearly: readYearly(value.yearly, `${path}yearly`, problems),
  })
}

/** Each entry of a list with its path. */
function entries(list: unknown, path: string, problems: Problem[]): [field: string, entry: unknown][] {
  if (list === undefined) return []
  if (Array.isArray(list) && list.length <= MOST_ENTRIES) {
    return list.map((entry: unknown, i) => [`${path}[${i}]`, entry])
  }
  problems.push({
    path,
    rule: 'dates.list',
    message: `${path} must be a list of at most ${MOST_ENTRIES} entries, but ${Array.isArray(list) ? `has ${list.length}` : `was ${quote(list)}`}`,
  })
  return []
}

function readRange(path: string, range: unknown, problems: Problem[]): DateRange | null {
  if (!isPlainObject(range)) {
    problems.push({
      path,
      rule: 'dates.range',
      message: `${path} must be an object such as {"from":"2026-12-24","to":"2027-01-02"}, but was ${quote(range)}`,
    })
    return null
  }
  problems.push(...unknownFields(range, ['from', 'to'], path))
  const from = collect(problems, () => readDate(`${path}.from`, range.from))
  const to = collect(problems, () => readDate(`${path}.to`, range.to))
  if (from === null || to === null) return null
  if (to >= from) return { from, to }
  problems.push({
    path: `${path}.to`,
    rule: 'dates.order',
    message: `${path}.to must not be before ${quote(range.from)}, where the range begins, but was ${quote(range.to)}`,
  })
  return null
}

function readWeekdays(list: unknown, path: string, problems: Problem[]): number {
  let mask = 0
  for (const [field, name] of entries(list, path, problems)) {
    const weekday = typeof name === 'string' ? WEEKDAYS.findIndex((each) => each === name.toUpperCase()) : -1
    if (weekday !== -1) mask |= 1 << weekday
    else {
      const hint = typeof name === 'string' ? didYouMean(name, WEEKDAYS) : ''
      problems.push({
        path: field,
        rule: 'dates.weekday',
        message: `${field} must be one of ${WEEKDAYS.join(', ')}, but was ${quote(name)}${hint}`,
      })
    }
  }
  return mask
}

function readYearly(list: unknown, path: string, problems: Problem[]): number[] {
  const days = entries(list, path, problems)
  const months = Array.from({ length: days.length === 0 ? 0 : 12 }, () => 0)
  for (const [field, text] of days) {
    const match = typeof text === 'string' ? DAY_OF_YEAR.exec(text) : null
    const [month, day] = match === null ? [0, 0] : [Number(match[1]), Number(match[2])]
    if (month >= 1 && month <= 12 && day >= 1 && day <= longestMonth(month)) {
      months[month - 1]! |= 1 << (day - 1)
    } else {
      problems.push({
        path: field,
        rule: 'dates.yearly',
        message: `${field} must be a month and a day such as "12-25", but was ${quote(text)}`,
      })
    }
  }
  return months
}
