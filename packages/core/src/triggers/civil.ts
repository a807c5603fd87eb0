import type { EpochMs } from '../domain/clock.js'

export const SECOND_MS = 1000
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000
export const DAY_SECONDS = 86_400

/** Triggers know the years 1 to 9999: what fits the four-digit years of ISO 8601. */
export const FIRST_INSTANT: EpochMs = -62_135_596_800_000
export const LAST_INSTANT: EpochMs = 253_402_300_799_999

/** A reading of a wall clock, as if it had been taken in UTC: milliseconds since 1970-01-01T00:00 on that clock. */
export type WallMs = number

const DAYS_PER_ERA = 146_097

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. `month` is 1 to 12. */
export function daysFromCivil(year: number, month: number, day: number): number {
  // Years that begin in March end with the leap day, so that its presence shifts no other month.
  const y = month > 2 ? year : year - 1
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const monthFromMarch = month > 2 ? month - 3 : month + 9
  const dayOfYear = (((153 * monthFromMarch + 2) / 5) | 0) + day - 1
  const dayOfEra = yearOfEra * 365 + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0) + dayOfYear
  return era * DAYS_PER_ERA + dayOfEra - 719_468
}

interface CivilDate {
  readonly year: number
  readonly month: number
  readonly day: number
}

/** The inverse of {@link daysFromCivil}. */
export function civilFromDays(days: number): CivilDate {
  const shifted = days + 719_468
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0
  const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0))
  const monthFromMarch = ((5 * dayOfYear + 2) / 153) | 0
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - (((153 * monthFromMarch + 2) / 5) | 0) + 1,
  }
}

// 29 days for February: the longest that each month can be.
const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

/** The most days that a month (1 to 12) has in any year. */
export function longestMonth(month: number): number {
  return LONGEST_MONTHS[month - 1]!
}

export function daysInMonth(year: number, month: number): number {
  if (month !== 2) return LONGEST_MONTHS[month - 1]!
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** `2026-03-29T03:30:00`, with `.250` only where there are milliseconds. */
export function wallText(wall: WallMs): string {
  const days = Math.floor(wall / DAY_MS)
  const { year, month, day } = civilFromDays(days)
  const ms = wall - days * DAY_MS
  const fraction = ms % SECOND_MS
  const time = [Math.floor(ms / HOUR_MS), Math.floor(ms / MINUTE_MS) % 60, Math.floor(ms / SECOND_MS) % 60]
  return (
    `${String(year).padStart(4, '0')}-${pad(month)}-${pad(day)}T${time.map(pad).join(':')}` +
    (fraction === 0 ? '' : `.${String(fraction).padStart(3, '0')}`)
  )
}

/** `+02:00`; with seconds only where there are any, as in the local mean times before standard time. */
export function offsetText(offsetMs: number): string {
  const seconds = Math.abs(offsetMs) / SECOND_MS
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  if (parts[2] === 0) parts.pop()
  return (offsetMs < 0 ? '-' : '+') + parts.map(pad).join(':')
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
