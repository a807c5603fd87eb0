import type { EpochMs } from '../../domain/clock.js'
import {
  civilFromDays,
  DAY_MS,
  DAY_SECONDS,
  daysFromCivil,
  daysInMonth,
  FIRST_INSTANT,
  LAST_INSTANT,
  SECOND_MS,
  type WallMs,
} from '../civil.js'
import { isLeftOut, type Zone } from '../zone.js'
import { nextBit, nextOfSixty, type CronFields } from './fields.js'

/** The first fire time strictly after an instant; `null` when none is left before the year 10000. */
export function nextCron(calendar: CronCalendar, zone: Zone, after: EpochMs): EpochMs | null {
  if (!(after < LAST_INSTANT)) return null
  // Offsets are whole seconds, so whole seconds of the clock on the wall are whole seconds of time.
  const start = Math.max(Math.floor(after / SECOND_MS) * SECOND_MS + SECOND_MS, FIRST_INSTANT)
  const at = calendar.fields.wildcard ? nextReal(calendar, zone, start) : nextFixed(calendar, zone, start)
  return at <= LAST_INSTANT ? at : null
}

/** The first instant from `at` on whose wall clock matches. */
function nextReal(calendar: CronCalendar, zone: Zone, at: EpochMs): EpochMs {
  for (;;) {
    const { until, offset } = zone.segmentAt(at)
    const match = calendar.next(at + offset) - offset
    if (match < until || match === Infinity) return match
    // Far from the next transition, no later clock can go back behind this one, and none can be a day ahead of it.
    at = at < until - 2 * DAY_MS ? Math.max(until, match - 2 * DAY_MS) : until
  }
}

/**
 * The first instant from `at` on that is the first occurrence of a matching reading, or stands for one that the clock
 * jumped over.
 */
function nextFixed(calendar: CronCalendar, zone: Zone, at: EpochMs): EpochMs {
  for (;;) {
    const segment = zone.segmentAt(at)
    const { from, until, offset, before, shown } = segment
    let swallowed = Infinity
    // A swallowed reading fires as late as the clocks jumped, so the search for them ends that long after the jump.
    if (at < from + offset - before && shown < from + offset) {
      let wall = calendar.next(Math.max(shown, at + before))
      while (wall < from + offset && isLeftOut(wall, segment)) {
        wall = calendar.next((Math.floor(wall / DAY_MS) + 1) * DAY_MS)
      }
      if (wall < from + offset) swallowed = wall - before
    }
    const match = calendar.next(Math.max(shown, at + offset)) - offset
    const first = Math.min(swallowed, match)
    if (first < until || first === Infinity) return first
    // Until that reading the clocks show nothing that matches, and no offset differs from another by two days.
    at = Math.max(until, match - 2 * DAY_MS)
  }
}

/** Finds matching readings of a wall clock. Keeps the days of the month that was asked for last. */
export class CronCalendar {
  readonly fields: CronFields
  readonly #firstSecondOfDay: number
  // The month kept: its first day and the first day after it, counted from 1970, and its matching days as bits.
  #monthStart = 0
  #monthEnd = 0
  #days = 0

  constructor(fields: CronFields) {
    this.fields = fields
    this.#firstSecondOfDay = this.#secondOfDay(0)
  }

  /** The first matching reading at or after `wall`; Infinity when none is left before the year 10000. */
  next(wall: WallMs): WallMs {
    const seconds = Math.ceil(wall / SECOND_MS)
    const day = Math.floor(seconds / DAY_SECONDS)
    if (day < this.#monthStart || day >= this.#monthEnd) this.#keepMonthOf(day)
    if ((this.#days & (1 << (day - this.#monthStart))) !== 0) {
      const second = this.#secondOfDay(seconds - day * DAY_SECONDS)
      if (second !== -1) return (day * DAY_SECONDS + second) * SECOND_MS
    }
    return (this.#nextDay(day + 1) * DAY_SECONDS + this.#firstSecondOfDay) * SECOND_MS
  }

  /** The first matching second of the day at or after `from`, or −1. */
  #secondOfDay(from: number): number {
    const { seconds, minutes, hours } = this.fields
    const fromHour = (from / 3600) | 0
    const fromMinute = ((from / 60) | 0) % 60
    const hour = nextBit(hours, fromHour)
    if (hour === fromHour) {
      const minute = nextOfSixty(minutes, fromMinute)
      if (minute === fromMinute) {
        const second = nextOfSixty(seconds, from % 60)
        if (second !== -1) return hour * 3600 + minute * 60 + second
        if (minute < 59) {
          const later = nextOfSixty(minutes, minute + 1)
          if (later !== -1) return hour * 3600 + later * 60 + nextOfSixty(seconds, 0)
        }
      } else if (minute !== -1) return hour * 3600 + minute * 60 + nextOfSixty(seconds, 0)
    }
    const later = hour === fromHour ? nextBit(hours, hour + 1) : hour
    return later === -1 ? -1 : later * 3600 + nextOfSixty(minutes, 0) * 60 + nextOfSixty(seconds, 0)
  }

  #nextDay(day: number): number {
    if (day >= this.#monthEnd) this.#keepMonthOf(day)
    let bit = nextBit(this.#days, day - this.#monthStart)
    if (bit !== -1) return this.#monthStart + bit
    let { year, month } = civilFromDays(this.#monthStart)
    while (year <= 9999) {
      month = month === 12 ? -1 : nextBit(this.fields.months, month + 1)
      if (month === -1) {
        year++
        month = nextBit(this.fields.months, 1)
      }
      this.#keepMonth(year, month)
      bit = nextBit(this.#days, 0)
      if (bit !== -1) return this.#monthStart + bit
    }
    return Infinity
  }

  #keepMonthOf(day: number): void {
    const { year, month } = civilFromDays(day)
    this.#keepMonth(year, month)
  }

  #keepMonth(year: number, month: number): void {
    const start = daysFromCivil(year, month, 1)
    const length = daysInMonth(year, month)
    this.#monthStart = start
    this.#monthEnd = start + length
    this.#days = this.#matchingDays(month, start, length)
  }

  /** Bit 0 for the first of the month. */
  #matchingDays(month: number, start: number, length: number): number {
    const { days, months, weekdays, daysRestricted, weekdaysRestricted } = this.fields
    if ((months & (1 << month)) === 0) return 0
    const byDate = days >>> 1
    // 1970-01-01 was a Thursday. `start` may lie long before it.
    const weekday = (((start + 4) % 7) + 7) % 7
    const turned = (weekdays >>> weekday) | (weekdays << (7 - weekday))
    const week = turned & 0x7f
    const byWeekday = week | (week << 7) | (week << 14) | (week << 21) | (week << 28)
    const matching = daysRestricted && weekdaysRestricted ? byDate | byWeekday : byDate & byWeekday
    return matching & (2 ** length - 1)
  }
}
