import type { EpochMs } from '../domain/clock.js'
import type { Trigger } from '../domain/trigger.js'
import { DAY_MS, SECOND_MS, type WallMs } from './civil.js'
import type { DateRange, DateSet } from './date-set.js'
import type { DayNumber } from './date.js'
import { Search, type Effort } from './effort.js'
import type { WallTimes } from './wall-times.js'
import type { Zone } from './zone.js'

// A fire time moves a year at most; on an excluded date further inside a longer stretch it is dropped.
const FURTHEST_DAYS = 366
// That could receive something, in a row: 38 years of weekends.
const MOST_DATES = 2000
const LAST_TIME = DAY_MS - SECOND_MS

/**
 * The local times to which the fire times on excluded dates move: the same time of day, to the second, on the nearest
 * date in one direction that is not excluded. So each such date receives what falls on the excluded ones beside it.
 */
export class MovedTimes implements WallTimes {
  readonly #trigger: Trigger
  readonly #days: DateSet
  readonly #zone: Zone
  readonly #forward: boolean
  readonly #ahead: Search
  readonly #back: Search

  constructor(trigger: Trigger, days: DateSet, zone: Zone, instead: 'next' | 'previous', effort: Effort) {
    this.#trigger = trigger
    this.#days = days
    this.#zone = zone
    this.#forward = instead === 'next'
    this.#ahead = new Search(effort, MOST_DATES)
    this.#back = new Search(effort, MOST_DATES)
  }

  next(wall: WallMs): WallMs {
    let day = Math.floor(wall / DAY_MS)
    let time = wall - day * DAY_MS
    const found = this.#ahead.run(wall, () => {
      const receiving = this.#receivingFrom(day)
      if (receiving === Infinity) return null
      if (receiving > day) time = 0
      const first = this.#firstTime(this.#sourcesOf(receiving), time)
      if (first !== null) return receiving * DAY_MS + first
      // What is received later comes from later dates. A date may begin a day before it does so in UTC.
      const fire = this.#trigger.next(receiving * DAY_MS - 1)
      if (fire === null) return null
      day = Math.max(receiving + 1, this.#targetOf(this.#dayOf(fire) - 1))
      time = 0
      return undefined
    })
    return found ?? Infinity
  }

  previous(wall: WallMs): WallMs {
    let day = Math.floor(wall / DAY_MS)
    let time = wall - day * DAY_MS
    const found = this.#back.run(-wall, () => {
      const receiving = this.#receivingUntil(day)
      if (receiving === -Infinity) return null
      if (receiving < day) time = LAST_TIME
      const last = this.#lastTime(this.#sourcesOf(receiving), time)
      if (last !== null) return receiving * DAY_MS + last
      const fire = this.#trigger.previous((receiving + 1) * DAY_MS)
      if (fire === null) return null
      day = Math.min(receiving - 1, this.#targetOf(this.#dayOf(fire) + 1))
      time = LAST_TIME
      return undefined
    })
    return found ?? -Infinity
  }

  /** The first date on or after `day` that is not excluded and has an excluded one beside it, or Infinity. */
  #receivingFrom(day: DayNumber): DayNumber {
    const free = this.#days.outsideFrom(day)
    if (this.#forward) {
      if (free === Infinity || this.#days.has(free - 1)) return free
      const excluded = this.#days.from(free)
      return excluded === Infinity ? Infinity : this.#days.outsideFrom(excluded)
    }
    // With none excluded from there on, nothing is received; one is excluded, so the one before it is free.
    const excluded = free === Infinity ? Infinity : this.#days.from(free)
    return excluded - 1
  }

  #receivingUntil(day: DayNumber): DayNumber {
    const free = this.#days.outsideUntil(day)
    if (!this.#forward) {
      if (free === -Infinity || this.#days.has(free + 1)) return free
      const excluded = this.#days.until(free)
      return excluded === -Infinity ? -Infinity : this.#days.outsideUntil(excluded)
    }
    const excluded = free === -Infinity ? -Infinity : this.#days.until(free)
    return excluded + 1
  }

  /** The excluded dates whose fire times a date receives. */
  #sourcesOf(receiving: DayNumber): DateRange {
    if (this.#forward) {
      const from = this.#days.outsideUntil(receiving - 1) + 1
      return { from: Math.max(from, receiving - FURTHEST_DAYS), to: receiving - 1 }
    }
    const to = this.#days.outsideFrom(receiving + 1) - 1
    return { from: receiving + 1, to: Math.min(to, receiving + FURTHEST_DAYS) }
  }

  /** The date that receives what falls on `day`; that day itself when it is not excluded. */
  #targetOf(day: DayNumber): DayNumber {
    return this.#forward ? this.#days.outsideFrom(day) : this.#days.outsideUntil(day)
  }

  #dayOf(at: EpochMs): DayNumber {
    return Math.floor((at + this.#zone.offsetAt(at)) / DAY_MS)
  }

  /** The least time of day, at or after `time`, at which anything fires on one of the dates. */
  #firstTime({ from, to }: DateRange, time: number): number | null {
    let best: number | null = null
    for (let day = from; day <= to && best !== time; day++) {
      const midnight = day * DAY_MS
      for (const { start, end, offset } of this.#stretchesOf(day)) {
        const begin = Math.max(start, midnight + time - offset)
        const at = begin < end ? this.#trigger.next(begin - 1) : null
        if (at === null || at >= end) continue
        const found = inSeconds(at + offset - midnight)
        if (best === null || found < best) best = found
      }
    }
    return best
  }

  /** The greatest time of day, at or before `time`, at which anything fires on one of the dates. */
  #lastTime({ from, to }: DateRange, time: number): number | null {
    let best: number | null = null
    for (let day = to; day >= from && best !== time; day--) {
      const midnight = day * DAY_MS
      for (const { start, end, offset } of this.#stretchesOf(day)) {
        const finish = Math.min(end, midnight + time + SECOND_MS - offset)
        const at = start < finish ? this.#trigger.previous(finish) : null
        if (at === null || at < start) continue
        const found = inSeconds(at + offset - midnight)
        if (best === null || found > best) best = found
      }
    }
    return best
  }

  /** The real time during which the clocks show a date: one stretch, unless they change on it. */
  *#stretchesOf(
    day: DayNumber,
  ): Generator<{ start: EpochMs; end: EpochMs; offset: number }, void, undefined> {
    const midnight = day * DAY_MS
    let segment = this.#zone.segmentAt(midnight - DAY_MS)
    while (segment.from < midnight + 2 * DAY_MS) {
      const { from, until, offset } = segment
      const start = Math.max(from, midnight - offset)
      const end = Math.min(until, midnight + DAY_MS - offset)
      if (start < end) yield { start, end, offset }
      if (until === Infinity) return
      segment = this.#zone.segmentAt(until)
    }
  }
}

function inSeconds(ms: number): number {
  return Math.floor(ms / SECOND_MS) * SECOND_MS
}
