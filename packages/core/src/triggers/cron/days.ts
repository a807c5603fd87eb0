import { daysFromCivil, daysInMonth } from '../civil.js'
import { hasYear, LAST_YEAR, FIRST_YEAR, nextBit, type CronFields, type MovingDays } from './fields.js'

const WEEK = 0x7f

/**
 * The days of a month that match, bit 0 for the first. `start` is that first day, counted from 1970-01-01, and `length`
 * the number of days.
 */
export function matchingDays(
  fields: CronFields,
  year: number,
  month: number,
  start: number,
  length: number,
): number {
  const { days, months, weekdays, moving, years, bothDays } = fields
  if ((months & (1 << month)) === 0 || (years !== null && !hasYear(years, year))) return 0
  // 1970-01-01 was a Thursday. `start` may lie long before it.
  const firstWeekday = (((start + 4) % 7) + 7) % 7
  let byDate = days >>> 1
  let byWeekday = everyWeek(weekdays, firstWeekday)
  if (moving !== null) {
    byDate |= movingDates(moving, firstWeekday, length)
    byWeekday |= movingWeekdays(moving, firstWeekday, length)
  }
  return (bothDays ? byDate & byWeekday : byDate | byWeekday) & (2 ** length - 1)
}

/**
 * Whether any date of the calendar matches. Dates and weekdays repeat every 400 years, so that many decide it; the
 * first of them are enough for nearly every expression, and all of them take well under a millisecond.
 */
export function matchesAnyDate(fields: CronFields): boolean {
  const { months, years } = fields
  const [first, last] = years === null ? [2000, 2399] : [FIRST_YEAR, LAST_YEAR]
  for (let year = first; year <= last; year++) {
    if (years !== null && !hasYear(years, year)) continue
    for (let month = nextBit(months, 1); month !== -1; month = nextBit(months, month + 1)) {
      const start = daysFromCivil(year, month, 1)
      if (matchingDays(fields, year, month, start, daysInMonth(year, month)) !== 0) return true
    }
  }
  return false
}

/** The days that fall on some of the weekdays: a week turned to where the month begins, five times. */
function everyWeek(weekdays: number, firstWeekday: number): number {
  const week = ((weekdays >>> firstWeekday) | (weekdays << (7 - firstWeekday))) & WEEK
  return week | (week << 7) | (week << 14) | (week << 21) | (week << 28)
}

function movingDates({ fromLast, nearest }: MovingDays, firstWeekday: number, length: number): number {
  let days = 0
  for (let n = nextBit(fromLast, 0); n !== -1; n = nextBit(fromLast, n + 1)) {
    if (n < length) days |= 1 << (length - 1 - n)
  }
  for (let n = nextBit(nearest, 0); n !== -1; n = n === 31 ? -1 : nextBit(nearest, n + 1)) {
    // A month without a 31st has no working day nearest to it either.
    if (n <= length) days |= 1 << (nearestWorkingDay(n === 0 ? length : n, firstWeekday, length) - 1)
  }
  return days
}

/** Never leaves the month: for Saturday the 1st it is Monday the 3rd. */
function nearestWorkingDay(day: number, firstWeekday: number, length: number): number {
  const weekday = (firstWeekday + day - 1) % 7
  if (weekday === 6) return day > 1 ? day - 1 : day + 2
  if (weekday === 0) return day < length ? day + 1 : day - 2
  return day
}

function movingWeekdays(
  { lastWeekdays, nthWeekdays }: MovingDays,
  firstWeekday: number,
  length: number,
): number {
  let days = everyWeek(lastWeekdays, firstWeekday) & (WEEK << (length - 7))
  for (let n = 0; n < nthWeekdays.length; n++) {
    days |= everyWeek(nthWeekdays[n]!, firstWeekday) & (WEEK << (7 * n))
  }
  return days
}
