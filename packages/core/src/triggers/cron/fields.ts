/** The fields of a cron expression as sets of values, one bit per value. */
export interface CronFields {
  readonly seconds: SixtyBits
  readonly minutes: SixtyBits
  /** Bit h for hour h. */
  readonly hours: number
  /** Bit d for day d; bit 0 is never set. */
  readonly days: number
  /** Bit m for month m, 1 to 12. */
  readonly months: number
  /** Bit w for weekday w, Sunday being 0. */
  readonly weekdays: number
  /** `null` where no day depends on the month, as in most expressions. */
  readonly moving: MovingDays | null
  /** `null` for any year. */
  readonly years: YearBits | null
  /** A date must match both day fields. Otherwise, when both are restricted, either will do. */
  readonly bothDays: boolean
  /**
   * Follows real time: an open term in the fields for the time of day. Otherwise it names fixed times of the wall clock.
   * @see docs/triggers.md, "Daylight saving"
   */
  readonly wildcard: boolean
}

/** Days that each month has elsewhere. */
export interface MovingDays {
  /** Bit n for the day that lies n days before the last one: `L` is bit 0, `L-3` is bit 3. */
  readonly fromLast: number
  /** Bit d for the working day nearest to day d (`15W`), bit 0 for the one nearest to the last day (`LW`). */
  readonly nearest: number
  /** Bit w for the last weekday w of the month: `5L`. */
  readonly lastWeekdays: number
  /** Bit w of entry n−1 for the n-th weekday w of the month: `MON#2` is bit 1 of entry 1. */
  readonly nthWeekdays: readonly number[]
}

/** A set of numbers from 0 to 59. Two words, for bit operations work on 32 bits. */
export interface SixtyBits {
  /** 0 to 29. */
  readonly low: number
  /** 30 to 59. */
  readonly high: number
}

/** A set of years, 32 to a word, from {@link FIRST_YEAR} on. */
export type YearBits = readonly number[]

export const FIRST_YEAR = 1970
export const LAST_YEAR = 2199

const HALF = 30

export function sixtyBits(values: Iterable<number>): SixtyBits {
  let low = 0
  let high = 0
  for (const value of values) {
    if (value < HALF) low |= 1 << value
    else high |= 1 << (value - HALF)
  }
  return { low, high }
}

export function bits(values: Iterable<number>): number {
  let mask = 0
  for (const value of values) mask |= 1 << value
  return mask
}

export function yearBits(years: Iterable<number>): YearBits {
  const words = [0, 0, 0, 0, 0, 0, 0, 0]
  for (const year of years) words[(year - FIRST_YEAR) >>> 5]! |= 1 << ((year - FIRST_YEAR) & 31)
  return words
}

export function hasYear(set: YearBits, year: number): boolean {
  if (year < FIRST_YEAR || year > LAST_YEAR) return false
  return (set[(year - FIRST_YEAR) >>> 5]! & (1 << ((year - FIRST_YEAR) & 31))) !== 0
}

/** The smallest member that is at least `from`, or −1. `from` is 0 to 31. */
export function nextBit(mask: number, from: number): number {
  const rest = mask & (-1 << from)
  return rest === 0 ? -1 : 31 - Math.clz32(rest & -rest)
}

/** The largest member that is at most `from`, or −1. `from` is −1 to 31. */
export function previousBit(mask: number, from: number): number {
  // Shifting by 32 would shift by none.
  if (from < 0) return -1
  return 31 - Math.clz32(mask & (-1 >>> (31 - from)))
}

/** The smallest member that is at least `from`, or −1. `from` is 0 to 60. */
export function nextOfSixty(set: SixtyBits, from: number): number {
  if (from < HALF) {
    const bit = nextBit(set.low, from)
    if (bit !== -1) return bit
    from = HALF
  }
  const bit = nextBit(set.high, from - HALF)
  return bit === -1 ? -1 : bit + HALF
}

/** The largest member that is at most `from`, or −1. `from` is −1 to 59. */
export function previousOfSixty(set: SixtyBits, from: number): number {
  if (from >= HALF) {
    const bit = previousBit(set.high, from - HALF)
    if (bit !== -1) return bit + HALF
    from = HALF - 1
  }
  return previousBit(set.low, from)
}
