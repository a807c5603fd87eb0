/** A date with what crons ask of it, taken from `Date`. */
export interface CalendarDate {
  readonly year: number
  readonly month: number
  readonly day: number
  /** Sunday is 0. */
  readonly weekday: number
  /** Days in its month. */
  readonly length: number
}

/** `days` counts from 1970-01-01. */
export function calendarDate(days: number): CalendarDate {
  const date = new Date(days * 86_400_000)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1]
  const length = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return { year, month, day: date.getUTCDate(), weekday: date.getUTCDay(), length }
}

/** Another date of the same month. */
export function monthDay(date: CalendarDate, day: number): CalendarDate {
  return { ...date, day, weekday: (((date.weekday + day - date.day) % 7) + 7) % 7 }
}
