import type { EpochMs } from '../domain/clock.js'
import type { Problem } from '../domain/errors.js'
import { isPlainObject } from '../domain/json.js'
import type { Trigger } from '../domain/trigger.js'
import { Union } from './any.js'
import { DAY_MS } from './civil.js'
import type { DateSet } from './date-set.js'
import { FIRST_DAY } from './date.js'
import { DST_DEFAULT } from './dst.js'
import { Search, type Effort } from './effort.js'
import type { CompileContext } from './kind.js'
import { MovedTimes } from './moved-times.js'
import { collect, didYouMean, invalid, quote, refuse, unknownFields } from './problems.js'
import { readDates, type DatesJson } from './read-dates.js'
import { WallTrigger } from './wall-trigger.js'
import { readZone, UTC, type Zone } from './zone.js'

const INSTEADS = ['next', 'previous'] as const

/** Where a fire time on an excluded date goes: the same time of day on the nearest date after or before it that is not. */
export type Instead = (typeof INSTEADS)[number]

/** Dates on which a trigger does not fire. */
export type ExcludeJson = Omit<DatesJson, 'yearly'> & {
  /** The name of a calendar: its days are excluded as well. */
  readonly calendar?: string
  /** Whose dates are meant. @default the trigger's own timezone, or UTC */
  readonly timezone?: string
  /** @default dropped */
  readonly instead?: Instead
}

// Of excluded dates in a row: a weekly fire time is looked for over 38 years, at some 1 ms.
const MOST_STRETCHES = 2000

/**
 * A trigger without the dates that `json` names. `trigger` is `null` when it could not be compiled; then the fields are
 * only checked.
 * @throws {InvalidError} INVALID_TRIGGER with a problem per field.
 */
export function exclude(
  trigger: Trigger | null,
  json: unknown,
  ownZone: Zone | null,
  context: CompileContext,
): Trigger | null {
  if (!isPlainObject(json)) {
    throw invalid(
      'exclude',
      'exclude.object',
      `exclude must be an object such as {"weekdays":["SAT","SUN"]}, but was ${quote(json)}`,
    )
  }
  const problems: Problem[] = unknownFields(
    json,
    ['dates', 'weekdays', 'ranges', 'calendar', 'timezone', 'instead'],
    'exclude',
  )
  const { timezone, instead } = json
  const zone = timezone === undefined ? ownZone : collect(problems, () => readExcludeZone(timezone))
  const days = readDays(json, context, problems)
  checkInstead(instead, trigger, problems)
  if (problems.length === 0 && days.outsideFrom(FIRST_DAY) === Infinity) {
    problems.push({
      path: 'exclude',
      rule: 'exclude.everything',
      message: `exclude must leave some date, but ${quote(json)} names all of them`,
    })
  }
  refuse(problems)
  if (trigger === null) return null
  const clock = zone ?? UTC
  const kept = new Excluding(trigger, days, clock, context.effort)
  if (instead === undefined) return kept
  const moved = new MovedTimes(trigger, days, clock, instead as Instead, context.effort)
  return new Union([kept, new WallTrigger(moved, clock, DST_DEFAULT)])
}

/** Drops the fire times on some dates. */
class Excluding implements Trigger {
  readonly #trigger: Trigger
  readonly #days: DateSet
  readonly #zone: Zone
  readonly #ahead: Search
  readonly #back: Search
  readonly afterCompletion?: true

  constructor(trigger: Trigger, days: DateSet, zone: Zone, effort: Effort) {
    this.#trigger = trigger
    this.#days = days
    this.#zone = zone
    this.#ahead = new Search(effort, MOST_STRETCHES)
    this.#back = new Search(effort, MOST_STRETCHES)
    if (trigger.afterCompletion === true) this.afterCompletion = true
  }

  next(after: EpochMs): EpochMs | null {
    let at = this.#trigger.next(after)
    return this.#ahead.run(after, () => {
      if (at === null) return null
      const { until, offset } = this.#zone.segmentAt(at)
      const day = Math.floor((at + offset) / DAY_MS)
      if (!this.#days.has(day)) return at
      const free = this.#days.outsideFrom(day)
      if (free === Infinity) return null
      // No further than the offset holds: clocks that are turned back may show the date before once more. If that is
      // excluded as well, up to where it may be the free date somewhere on earth.
      const near = Math.min(until, free * DAY_MS - offset)
      const jump = this.#days.has(day - 1) ? Math.max(near, (free - 2) * DAY_MS) : near
      at = this.afterCompletion === true ? jump : this.#trigger.next(jump - 1)
      return undefined
    })
  }

  previous(before: EpochMs): EpochMs | null {
    let at = this.#trigger.previous(before)
    return this.#back.run(-before, () => {
      if (at === null) return null
      const { from, offset } = this.#zone.segmentAt(at)
      const day = Math.floor((at + offset) / DAY_MS)
      if (!this.#days.has(day)) return at
      const free = this.#days.outsideUntil(day)
      if (free === -Infinity) return null
      const near = Math.max(from, (free + 1) * DAY_MS - offset)
      at = this.#trigger.previous(this.#days.has(day + 1) ? Math.min(near, (free + 3) * DAY_MS) : near)
      return undefined
    })
  }
}

function readExcludeZone(timezone: unknown): Zone {
  const problems: Problem[] = []
  const zone = collect(problems, () => readZone(timezone))
  const [problem] = problems
  if (problem === undefined) return zone!
  throw invalid('exclude.timezone', problem.rule, `exclude.${problem.message}`)
}

function readDays(json: Record<string, unknown>, context: CompileContext, problems: Problem[]): DateSet {
  const days = readDates({ ...json, yearly: undefined }, 'exclude.', problems)
  const { calendar } = json
  if (calendar === undefined) return days
  if (typeof calendar !== 'string') {
    problems.push({
      path: 'exclude.calendar',
      rule: 'calendar.name',
      message: `exclude.calendar must be the name of a calendar, but was ${quote(calendar)}`,
    })
    return days
  }
  const named = collect(problems, () => context.calendar(calendar))
  return named === null ? days : days.with(named.days)
}

function checkInstead(instead: unknown, trigger: Trigger | null, problems: Problem[]): void {
  if (instead === undefined) return
  if (instead !== 'next' && instead !== 'previous') {
    problems.push({
      path: 'exclude.instead',
      rule: 'exclude.instead',
      message:
        `exclude.instead must be one of ${INSTEADS.join(', ')}, or left out to drop the fire time, but was ${quote(instead)}` +
        (typeof instead === 'string' ? didYouMean(instead, INSTEADS) : ''),
    })
  } else if (trigger?.afterCompletion === true) {
    problems.push({
      path: 'exclude.instead',
      rule: 'exclude.instead',
      message:
        'exclude.instead must be left out: an interval after completion waits until the excluded dates are over',
    })
  }
}
