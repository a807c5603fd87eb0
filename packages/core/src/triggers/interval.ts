import type { EpochMs } from '../domain/clock.js'
import type { Problem } from '../domain/errors.js'
import { isPlainObject } from '../domain/json.js'
import type { Trigger, TriggerJson } from '../domain/trigger.js'
import { DAY_MS, FIRST_INSTANT, HOUR_MS, LAST_INSTANT, MINUTE_MS, SECOND_MS } from './civil.js'
import { readInstant, timeText } from './instant.js'
import type { TriggerKind } from './kind.js'
import { collect, quote, refuse, unknownFields } from './problems.js'

/** A length of real time: the sum of its parts, each a whole number. A day is 24 hours, whatever the clocks do. */
export type IntervalLength = {
  readonly weeks?: number
  readonly days?: number
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly milliseconds?: number
}

export interface IntervalJson extends TriggerJson {
  readonly kind: 'interval'
  readonly every: IntervalLength
  /** `completion`: `every` is the delay from the end of one run to the next. Absent: it is counted from `start`. */
  readonly after?: 'completion'
  /**
   * ISO 8601 with its offset from UTC: the first fire time.
   * @default '1970-01-01T00:00:00Z', or with `after`: one length after the schedule begins.
   */
  readonly start?: string
}

const UNIT_MS: Readonly<Record<keyof IntervalLength, number>> = {
  weeks: 7 * DAY_MS,
  days: DAY_MS,
  hours: HOUR_MS,
  minutes: MINUTE_MS,
  seconds: SECOND_MS,
  milliseconds: 1,
}
const UNITS = Object.keys(UNIT_MS) as (keyof IntervalLength)[]

/**
 * Fires at `start` and every whole multiple of `every` after it, at least 1 ms apart; it does not drift.
 * Without a start, multiples are counted from 1970-01-01T00:00:00Z. With `after: 'completion'` it fires once `every` has
 * passed since the last run ended.
 */
export function interval(
  every: IntervalLength,
  options: { readonly start?: string | Date; readonly after?: 'completion' } = {},
): IntervalJson {
  const { start, after } = options
  return {
    kind: 'interval',
    every: { ...every },
    ...(after === undefined ? {} : { after }),
    ...(start === undefined ? {} : { start: timeText('start', start) }),
  }
}

export const intervalKind: TriggerKind = {
  kind: 'interval',
  readsStart: true,
  compile(json) {
    const problems = unknownFields(json, ['kind', 'every', 'after', 'start'])
    const everyMs = readEvery(json.every, problems)
    const { after } = json
    if (after !== undefined && after !== 'completion') {
      problems.push({
        path: 'after',
        rule: 'interval.after',
        message: `after must be "completion", or left out to count from the start, but was ${quote(after)}`,
      })
    }
    const start = json.start === undefined ? null : collect(problems, () => readInstant('start', json.start))
    refuse(problems)
    return after === undefined ? new Interval(everyMs, start ?? 0) : afterCompletion(everyMs, start)
  },
}

/**
 * The length of an interval that counts from its start, in milliseconds; `null` for every other trigger. `json` is one
 * that compiles.
 */
export function intervalMsOf({ kind, every, after }: TriggerJson): number | null {
  return kind === 'interval' && after === undefined ? readEvery(every, []) : null
}

/** The instant asked about stands for the end of a run, or for the beginning of the schedule. */
function afterCompletion(everyMs: number, start: EpochMs | null): Trigger {
  const first = start ?? FIRST_INSTANT
  return {
    afterCompletion: true,
    next(after) {
      if (Number.isNaN(after)) return null
      const at =
        start !== null && after < start ? start : Math.floor(Math.max(after, FIRST_INSTANT)) + everyMs
      return at <= LAST_INSTANT ? at : null
    },
    previous(before) {
      const at = Math.ceil(Math.min(before, LAST_INSTANT + 1)) - everyMs
      return at >= first ? at : null
    },
  }
}

class Interval implements Trigger {
  readonly #everyMs: number
  readonly #start: EpochMs

  constructor(everyMs: number, start: EpochMs) {
    this.#everyMs = everyMs
    this.#start = start
  }

  next(after: EpochMs): EpochMs | null {
    if (Number.isNaN(after)) return null
    const at = this.#start + this.#timesUntil(after) * this.#everyMs
    return at <= LAST_INSTANT ? at : null
  }

  previous(before: EpochMs): EpochMs | null {
    // A whole number, so that the one before it is the last instant that counts.
    const times = this.#timesUntil(Math.min(Math.ceil(before) - 1, LAST_INSTANT))
    return times > 0 ? this.#start + (times - 1) * this.#everyMs : null
  }

  count(after: EpochMs, until: EpochMs): number {
    const last = Math.min(until, LAST_INSTANT)
    return last > after ? this.#timesUntil(last) - this.#timesUntil(after) : 0
  }

  /** How many fire times lie at or before `at`. Exact: both numbers are whole and below 2^49. */
  #timesUntil(at: EpochMs): number {
    return at < this.#start ? 0 : Math.floor((at - this.#start) / this.#everyMs) + 1
  }
}

function readEvery(every: unknown, problems: Problem[]): number {
  if (!isPlainObject(every)) {
    problems.push({
      path: 'every',
      rule: 'interval.units',
      message: `every must be an object of ${UNITS.join(', ')}, such as {"seconds":30}, but was ${quote(every)}`,
    })
    return 0
  }
  const before = problems.length
  problems.push(...unknownFields(every, UNITS, 'every'))
  let everyMs = 0
  const given = UNITS.filter((unit) => every[unit] !== undefined)
  for (const unit of given) {
    const value = every[unit]
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) {
      everyMs += value * UNIT_MS[unit]
    } else {
      problems.push({
        path: `every.${unit}`,
        rule: 'interval.positive',
        message: `every.${unit} must be a whole number of at least 0, but was ${quote(value)}`,
      })
    }
  }
  if (problems.length > before) return 0
  if (everyMs === 0) {
    problems.push({
      path: given.length === 1 ? `every.${given[0]}` : 'every',
      rule: 'interval.positive',
      message: `every must be at least 1 millisecond in all, but was ${quote(every)}`,
    })
  } else if (!Number.isSafeInteger(everyMs)) {
    problems.push({
      path: 'every',
      rule: 'interval.range',
      message: `every must be at most ${Number.MAX_SAFE_INTEGER} milliseconds in all, but was ${quote(every)}`,
    })
  }
  return everyMs
}
