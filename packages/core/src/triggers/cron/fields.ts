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
  /** Not `*`: with both restricted, a date matches by either of the two. */
  readonly daysRestricted: boolean
  readonly weekdaysRestricted: boolean
  /**
   * Follows real time: an open term in the fields for the time of day. Otherwise it names fixed times of the wall clock.
   * @see docs/design.md, "Triggers and daylight saving"
   */
  readonly wildcard: boolean
}

/** A set of numbers from 0 to 59. Two words, for bit operations work on 32 bits. */
export interface SixtyBits {
  /** 0 to 29. */
  readonly low: number
  /** 30 to 59. */
  readonly high: number
}

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

/** The smallest member that is at least `from`, or −1. `from` is 0 to 31. */
export function nextBit(mask: number, from: number): number {
  const rest = mask & (-1 << from)
  return rest === 0 ? -1 : 31 - Math.clz32(rest & -rest)
}

/** The smallest member that is at least `from`, or −1. `from` is 0 to 59. */
export function nextOfSixty(set: SixtyBits, from: number): number {
  if (from < HALF) {
    const bit = nextBit(set.low, from)
    if (bit !== -1) return bit
    from = HALF
  }
  const bit = nextBit(set.high, from - HALF)
  return bit === -1 ? -1 : bit + HALF
}
