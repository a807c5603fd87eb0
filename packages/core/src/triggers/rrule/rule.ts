import type { WallMs } from '../civil.js'

/** From the longest to the shortest. */
export const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'] as const

export type Frequency = (typeof FREQUENCIES)[number]

/** As RFC 5545 names them, Sunday first. */
export const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'] as const

/** `-1FR`: the last Friday. */
export interface NthWeekday {
  /** 0 for Sunday. */
  readonly weekday: number
  /** From the end when negative; 0 for every one. */
  readonly ordinal: number
}

/** The last time that may fire. */
export interface Until {
  readonly wall: WallMs
  /** Whether `wall` is a reading of UTC, and not of the rule's own zone. */
  readonly utc: boolean
}

/** A recurrence rule as it was written: lists are `null` where the rule does not have the part. */
export interface RecurrenceRule {
  readonly frequency: Frequency
  readonly interval: number
  readonly count: number | null
  readonly until: Until | null
  readonly seconds: readonly number[] | null
  readonly minutes: readonly number[] | null
  readonly hours: readonly number[] | null
  readonly weekdays: readonly NthWeekday[] | null
  readonly monthDays: readonly number[] | null
  readonly yearDays: readonly number[] | null
  readonly weekNumbers: readonly number[] | null
  readonly months: readonly number[] | null
  readonly positions: readonly number[] | null
  /** 0 for Sunday. */
  readonly weekStart: number
}
