import { DAY_SECONDS, SECOND_MS, type WallMs } from '../civil.js'
import { indexFrom, indexUntil, type Dates } from '../day-times.js'
import type { WallTimes } from '../wall-times.js'
import { commonDivisor, CYCLE_DAYS } from './cycle.js'
import type { Frequency, RecurrenceRule } from './rule.js'

type FineFrequency = Extract<Frequency, 'HOURLY' | 'MINUTELY' | 'SECONDLY'>

export const UNIT_SECONDS: Readonly<Record<FineFrequency, number>> = {
  HOURLY: 3600,
  MINUTELY: 60,
  SECONDLY: 1,
}

/**
 * Every n-th hour, minute or second of the clock on the wall: on the days of the rule, within its hours, minutes and
 * seconds, at the same offsets in each. Leaps from what one part rules out to the next that it allows.
 */
export class FineTimes implements WallTimes {
  readonly #days: Dates
  readonly #unit: number
  readonly #first: number
  readonly #interval: number
  /** Seconds into the unit. */
  readonly #offsets: readonly number[]
  readonly #limits: TimeLimits
  /** Seconds after which the calendar and the interval have come again together. */
  readonly #cycle: number

  /** `first` is the first unit, counted from 1970. */
  constructor(
    days: Dates,
    unit: number,
    first: number,
    interval: number,
    offsets: readonly number[],
    limits: TimeLimits,
  ) {
    this.#days = days
    this.#unit = unit
    this.#first = first
    this.#interval = interval
    this.#offsets = offsets
    this.#limits = limits
    const units = (CYCLE_DAYS * DAY_SECONDS) / unit
    this.#cycle = ((units * interval) / commonDivisor(interval, units)) * unit
  }

  /**
   * Whether any unit of any day is both in step with the interval and within the limits: steps and days share a rhythm of
   * their greatest common divisor.
   */
  isPossible(): boolean {
    if (this.#offsets.length === 0) return false
    const unitsPerDay = DAY_SECONDS / this.#unit
    const rhythm = commonDivisor(this.#interval, unitsPerDay)
    for (let second = this.#limits.from(0); second !== -1;) {
      if ((Math.floor(second / this.#unit) - this.#first) % rhythm === 0) return true
      const following = (Math.floor(second / this.#unit) + 1) * this.#unit
      second = following < DAY_SECONDS ? this.#limits.from(following) : -1
    }
    return false
  }

  next(wall: WallMs): WallMs {
    let second = Math.max(Math.ceil(wall / SECOND_MS), this.#first * this.#unit)
    const end = second + this.#cycle
    while (second <= end) {
      let unit = Math.floor(second / this.#unit)
      const past = (unit - this.#first) % this.#interval
      if (past !== 0) {
        unit += this.#interval - past
        second = unit * this.#unit
      }
      const today = Math.floor(second / DAY_SECONDS)
      const day = this.#days.from(today)
      if (day === Infinity) return Infinity
      const midnight = day * DAY_SECONDS
      const begin = day === today ? second - midnight : 0
      const allowed = this.#limits.from(begin)
      if (allowed === -1) second = midnight + DAY_SECONDS
      else if (midnight + allowed !== second) second = midnight + allowed
      else {
        const index = indexFrom(this.#offsets, second - unit * this.#unit)
        if (index < this.#offsets.length) return (unit * this.#unit + this.#offsets[index]!) * SECOND_MS
        second = (unit + 1) * this.#unit
      }
    }
    return Infinity
  }

  previous(wall: WallMs): WallMs {
    let second = Math.floor(wall / SECOND_MS)
    const end = second - this.#cycle
    while (second >= end) {
      let unit = Math.floor(second / this.#unit)
      if (unit < this.#first) return -Infinity
      const past = (unit - this.#first) % this.#interval
      if (past !== 0) {
        unit -= past
        second = (unit + 1) * this.#unit - 1
      }
      const today = Math.floor(second / DAY_SECONDS)
      const day = this.#days.until(today)
      if (day === -Infinity) return -Infinity
      const midnight = day * DAY_SECONDS
      const end = day === today ? second - midnight : DAY_SECONDS - 1
      const allowed = this.#limits.until(end)
      if (allowed === -1) second = midnight - 1
      else if (midnight + allowed !== second) second = midnight + allowed
      else {
        const index = indexUntil(this.#offsets, second - unit * this.#unit)
        if (index >= 0) return (unit * this.#unit + this.#offsets[index]!) * SECOND_MS
        second = unit * this.#unit - 1
      }
    }
    return -Infinity
  }
}

/** The hours, minutes and seconds that a rule is limited to; what does not limit it is left out. */
export class TimeLimits {
  readonly #hours: Allowed
  readonly #minutes: Allowed
  readonly #seconds: Allowed

  constructor({ frequency, hours, minutes, seconds }: RecurrenceRule) {
    this.#hours = new Allowed(24, hours)
    this.#minutes = new Allowed(60, frequency === 'HOURLY' ? null : minutes)
    this.#seconds = new Allowed(60, frequency === 'SECONDLY' ? seconds : null)
  }

  /** The first allowed second of the day at or after `second`, or −1. */
  from(second: number): number {
    let hour = Math.floor(second / 3600)
    let minute = Math.floor(second / 60) % 60
    let rest = second % 60
    const fromHour = this.#hours.from(hour)
    if (fromHour !== hour) {
      if (fromHour === -1) return -1
      hour = fromHour
      minute = rest = 0
    }
    const fromMinute = this.#minutes.from(minute)
    if (fromMinute === -1) return hour === 23 ? -1 : this.from((hour + 1) * 3600)
    if (fromMinute !== minute) rest = 0
    const fromSecond = this.#seconds.from(rest)
    if (fromSecond !== -1) return hour * 3600 + fromMinute * 60 + fromSecond
    const following = hour * 3600 + (fromMinute + 1) * 60
    return following < DAY_SECONDS ? this.from(following) : -1
  }

  /** The last allowed second of the day at or before `second`, or −1. */
  until(second: number): number {
    let hour = Math.floor(second / 3600)
    let minute = Math.floor(second / 60) % 60
    let rest = second % 60
    const untilHour = this.#hours.until(hour)
    if (untilHour !== hour) {
      if (untilHour === -1) return -1
      hour = untilHour
      minute = rest = 59
    }
    const untilMinute = this.#minutes.until(minute)
    if (untilMinute === -1) return hour === 0 ? -1 : this.until(hour * 3600 - 1)
    if (untilMinute !== minute) rest = 59
    const untilSecond = this.#seconds.until(rest)
    if (untilSecond !== -1) return hour * 3600 + untilMinute * 60 + untilSecond
    const following = hour * 3600 + untilMinute * 60 - 1
    return following >= 0 ? this.until(following) : -1
  }
}

/** For each value the nearest allowed ones, so that a lookup is a single read. */
class Allowed {
  readonly #from: Int8Array
  readonly #until: Int8Array

  constructor(size: number, values: readonly number[] | null) {
    const allowed = new Set(values ?? Array.from({ length: size }, (_, i) => i))
    this.#from = new Int8Array(size)
    this.#until = new Int8Array(size)
    for (let i = size - 1, nearest = -1; i >= 0; i--) this.#from[i] = nearest = allowed.has(i) ? i : nearest
    for (let i = 0, nearest = -1; i < size; i++) this.#until[i] = nearest = allowed.has(i) ? i : nearest
  }

  from(value: number): number {
    return this.#from[value]!
  }

  until(value: number): number {
    return this.#until[value]!
  }
}
