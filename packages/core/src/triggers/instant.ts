import type { EpochMs } from '../domain/clock.js'
import { InvalidError } from '../domain/errors.js'
import {
  daysFromCivil,
  daysInMonth,
  DAY_MS,
  FIRST_INSTANT,
  HOUR_MS,
  LAST_INSTANT,
  MINUTE_MS,
  SECOND_MS,
  type WallMs,
} from './civil.js'
import { quote } from './problems.js'

/** A point in time as ISO 8601 writes it: what the wall clock read, and how far that clock is from UTC. */
interface WrittenTime {
  readonly wall: WallMs
  /** Milliseconds east of UTC; `null` when the text does not say. */
  readonly offset: number | null
}

const ISO_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?$/

/** Date and time with or without an offset, seconds optional; `null` for anything else and for dates that do not exist. */
export function readTime(text: string): WrittenTime | null {
  const match = ISO_TIME.exec(text)
  if (match === null) return null
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null
  if (hour > 23 || minute > 59 || second > 59) return null
  const ms = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  const time = hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + ms
  const wall = daysFromCivil(year, month, day) * DAY_MS + time
  if (match[8] !== undefined) return { wall, offset: 0 }
  if (match[9] === undefined) return { wall, offset: null }
  const [offsetHours, offsetMinutes] = [Number(match[10]), Number(match[11])]
  if (offsetHours > 23 || offsetMinutes > 59) return null
  const offset = offsetHours * HOUR_MS + offsetMinutes * MINUTE_MS
  return { wall, offset: match[9] === '-' ? -offset : offset }
}

/**
 * The instant that a field names, which must carry its offset from UTC.
 * @throws {InvalidError} INVALID_TRIGGER with a problem at `field`.
 */
export function readInstant(field: string, value: unknown): EpochMs {
  const time = typeof value === 'string' ? readTime(value) : null
  if (time === null || time.offset === null) {
    throw new InvalidError('INVALID_TRIGGER', [
      {
        path: field,
        rule: 'time.instant',
        message:
          `${field} must be a time of ISO 8601 with its offset from UTC, such as "2026-12-01T09:00:00Z" ` +
          `or "2026-12-01T09:00:00+08:00", but was ${quote(value)}`,
      },
    ])
  }
  return withinRange(field, time.wall - time.offset, value)
}

/** @throws {InvalidError} INVALID_TRIGGER for an instant outside the years 1 to 9999. */
export function withinRange(field: string, at: EpochMs, value: unknown): EpochMs {
  if (at >= FIRST_INSTANT && at <= LAST_INSTANT) return at
  throw new InvalidError('INVALID_TRIGGER', [
    {
      path: field,
      rule: 'time.range',
      message: `${field} must lie in the years 1 to 9999 of UTC, but was ${quote(value)}`,
    },
  ])
}

/**
 * What a builder was given, as the text that is stored.
 * @throws {InvalidError} INVALID_TRIGGER for a `Date` that is not a time.
 */
export function timeText(field: string, time: string | Date): string {
  if (typeof time === 'string') return time
  const at = time.getTime()
  return new Date(withinRange(field, at, String(time))).toISOString()
}
