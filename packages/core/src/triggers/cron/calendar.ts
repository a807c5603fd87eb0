import { civilFromDays, DAY_SECONDS, daysFromCivil, daysInMonth, SECOND_MS, type WallMs } from '../civil.js'
import type { WallTimes } from '../wall-times.js'
import { matchingDays } from './days.js'
import { nextBit, nextOfSixty, previousBit, previousOfSixty, type CronFields } from './fields.js'

// A wall clock is up to a day ahead of UTC or behind it, whose years are 1 to 9999.
const FIRST_YEAR = 0
const LAST_YEAR = 10_000

/** Finds matching readings of a wall clock. Keeps the days of the month that was asked for last. */
export class CronCalendar implements WallTimes {
  readonly #fields: CronFields
  readonly #firstSecondOfDay: number
  readonly #lastSecondOfDay: number
  // The month kept: its first day and the first day after it, counted from 1970, and its matching days as bits.
  #monthStart = 0
  #monthEnd = 0
  #days = 0

  constructor(fields: CronFields) {
    this.#fields = fields
    this.#firstSecondOfDay = this.#secondFrom(0)
    this.#lastSecondOfDay = this.#secondUntil(DAY_SECONDS - 1)
  }

  /** The first matching reading at or after `wall`; Infinity when the years that triggers know have none left. */
  next(wall: WallMs): WallMs {
    const seconds = Math.ceil(wall / SECOND_MS)
    const day = Math.floor(seconds / DAY_SECONDS)
    if (day < this.#monthStart || day >= this.#monthEnd) this.#keepMonthOf(day)
    if ((this.#days & (1 << (day - this.#monthStart))) !== 0) {
      const second = this.#secondFrom(seconds - day * DAY_SECONDS)
      if (second !== -1) return (day * DAY_SECONDS + second) * SECOND_MS
    }
    return (this.#nextDay(day + 1) * DAY_SECONDS + this.#firstSecondOfDay) * SECOND_MS
  }

  /** The last matching reading at or before `wall`; −Infinity when the years that triggers know have none. */
  previous(wall: WallMs): WallMs {
    const seconds = Math.floor(wall / SECOND_MS)
    const day = Math.floor(seconds / DAY_SECONDS)
    if (day < this.#monthStart || day >= this.#monthEnd) this.#keepMonthOf(day)
    if ((this.#days & (1 << (day - this.#monthStart))) !== 0) {
      const second = this.#secondUntil(seconds - day * DAY_SECONDS)
      if (second !== -1) return (day * DAY_SECONDS + second) * SECOND_MS
    }
    return (this.#previousDay(day - 1) * DAY_SECONDS + this.#lastSecondOfDay) * SECOND_MS
  }

  /** The first matching second of the day at or after `from`, or −1. */
  #secondFrom(from: number): number {
    const { seconds, minutes, hours } = this.#fields
    const fromHour = (from / 3600) | 0
    const fromMinute = ((from / 60) | 0) % 60
    const hour = nextBit(hours, fromHour)
    if (hour === fromHour) {
      const minute = nextOfSixty(minutes, fromMinute)
      if (minute === fromMinute) {
        const second = nextOfSixty(seconds, from % 60)
        if (second !== -1) return hour * 3600 + minute * 60 + second
        const later = nextOfSixty(minutes, minute + 1)
        if (later !== -1) return hour * 3600 + later * 60 + nextOfSixty(seconds, 0)
      } else if (minute !== -1) return hour * 3600 + minute * 60 + nextOfSixty(seconds, 0)
    }
    const later = hour === fromHour ? nextBit(hours, hour + 1) : hour
    return later === -1 ? -1 : later * 3600 + nextOfSixty(minutes, 0) * 60 + nextOfSixty(seconds, 0)
  }

  /** The last matching second of the day at or before `until`, or −1. */
  #secondUntil(until: number): number {
    const { seconds, minutes, hours } = this.#fields
    const lastHour = (until / 3600) | 0
    const lastMinute = ((until / 60) | 0) % 60
    const hour = previousBit(hours, lastHour)
    if (hour === lastHour) {
      const minute = previousOfSixty(minutes, lastMinute)
      if (minute === lastMinute) {
        const second = previousOfSixty(seconds, until % 60)
        if (second !== -1) return hour * 3600 + minute * 60 + second
        const earlier = previousOfSixty(minutes, minute - 1)
        if (earlier !== -1) return hour * 3600 + earlier * 60 + previousOfSixty(seconds, 59)
      } else if (minute !== -1) return hour * 3600 + minute * 60 + previousOfSixty(seconds, 59)
    }
    const earlier = hour === lastHour ? previousBit(hours, hour - 1) : hour
    return earlier === -1
      ? -1
      : earlier * 3600 + previousOfSixty(minutes, 59) * 60 + previousOfSixty(seconds, 59)
  }

  #nextDay(day: number): number {
    if (day >= this.#monthEnd) this.#keepMonthOf(day)
    let bit = nextBit(this.#days, day - this.#monthStart)
    if (bit !== -1) return this.#monthStart + bit
    let { year, month } = civilFromDays(this.#monthStart)
    while (year <= LAST_YEAR) {
      month = nextBit(this.#fields.months, month + 1)
      if (month === -1) {
        year++
        month = nextBit(this.#fields.months, 1)
      }
      this.#keepMonth(year, month)
      bit = nextBit(this.#days, 0)
      if (bit !== -1) return this.#monthStart + bit
    }
    return Infinity
  }

  #previousDay(day: number): number {
    if (day < this.#monthStart) this.#keepMonthOf(day)
    let bit = previousBit(this.#days, day - this.#monthStart)
    if (bit !== -1) return this.#monthStart + bit
    let { year, month } = civilFromDays(this.#monthStart)
    while (year >= FIRST_YEAR) {
      month = previousBit(this.#fields.months, month - 1)
      if (month === -1) {
        year--
        month = previousBit(this.#fields.months, 12)
      }
      this.#keepMonth(year, month)
      bit = previousBit(this.#days, 31)
      if (bit !== -1) return this.#monthStart + bit
    }
    return -Infinity
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
    this.#days = matchingDays(this.#fields, year, month, start, length)
  }
}
