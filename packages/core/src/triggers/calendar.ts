import type { Problem } from '../domain/errors.js'
import { isPlainObject } from '../domain/json.js'
import type { TriggerJson } from '../domain/trigger.js'
import { DaySteps, MonthSteps } from './calendar-steps.js'
import { readDate, readTimeOfDay, type DayNumber } from './date.js'
import { DayTimes, type Dates } from './day-times.js'
import { readDst, type DstJson } from './dst.js'
import type { TriggerKind } from './kind.js'
import { collect, didYouMean, quote, refuse, unknownFields } from './problems.js'
import { WallTrigger } from './wall-trigger.js'
import { readZone, UTC } from './zone.js'

/** Exactly one of them. */
export type CalendarLength = {
  readonly years?: number
  readonly months?: number
  readonly weeks?: number
  readonly days?: number
}

const OVERFLOWS = ['clamp', 'skip'] as const

/** A day that a month lacks: `clamp` takes its last day (31 January → 28 February), `skip` leaves the month out. */
export type Overflow = (typeof OVERFLOWS)[number]

export interface CalendarStepsJson extends TriggerJson {
  readonly kind: 'calendar'
  readonly every: CalendarLength
  /** A time of day, `09:00` or `09:00:30`, or several of them. */
  readonly at: string | string[]
  /** The first date, from which all steps are counted. */
  readonly startDate: string
  /** A zone of the IANA database. @default 'UTC' */
  readonly timezone?: string
  /** @default 'clamp' */
  readonly overflow?: Overflow
  readonly dst?: DstJson
}

const MOST_TIMES = 100
const UNITS = ['years', 'months', 'weeks', 'days'] as const

/**
 * Fires on dates in steps of whole years, months, weeks or days from `startDate` on, at times of the wall clock. Steps are
 * counted from the start and never from one another: every month from 31 January on gives 28 February and then 31 March.
 */
export function calendar(
  every: CalendarLength,
  options: Pick<CalendarStepsJson, 'startDate' | 'timezone' | 'overflow' | 'dst'> & {
    readonly at: string | readonly string[]
  },
): CalendarStepsJson {
  const { at } = options
  return {
    kind: 'calendar',
    every: { ...every },
    ...options,
    at: typeof at === 'string' ? at : [...at],
  }
}

export const calendarKind: TriggerKind = {
  kind: 'calendar',
  compile(json) {
    const problems = unknownFields(json, ['kind', 'every', 'at', 'startDate', 'timezone', 'overflow', 'dst'])
    const every = readEvery(json.every, problems)
    const times = readTimes(json.at, problems)
    const start = collect(problems, () => readDate('startDate', json.startDate))
    const zone = json.timezone === undefined ? UTC : collect(problems, () => readZone(json.timezone))
    const overflow = readOverflow(json.overflow, problems)
    const dst = collect(problems, () => readDst(json.dst))
    refuse(problems)
    return new WallTrigger(new DayTimes(stepsOf(start!, every!, overflow), times), zone!, dst!)
  },
}

interface Every {
  readonly unit: (typeof UNITS)[number]
  readonly amount: number
}

function stepsOf(start: DayNumber, { unit, amount }: Every, overflow: Overflow): Dates {
  const length = unit === 'years' ? 12 * amount : unit === 'weeks' ? 7 * amount : amount
  if (unit === 'weeks' || unit === 'days') return new DaySteps(start, length)
  return new MonthSteps(start, length, overflow === 'skip')
}

function readEvery(every: unknown, problems: Problem[]): Every | null {
  const known = isPlainObject(every) ? unknownFields(every, UNITS, 'every') : []
  problems.push(...known)
  const given = isPlainObject(every) ? UNITS.filter((unit) => every[unit] !== undefined) : []
  const [unit] = given
  if (!isPlainObject(every) || unit === undefined || given.length > 1) {
    if (known.length === 0) {
      problems.push({
        path: 'every',
        rule: 'calendar.every',
        message: `every must be an object with one of ${UNITS.join(', ')}, such as {"months":1}, but was ${quote(every)}`,
      })
    }
    return null
  }
  const amount = every[unit]
  // Beyond this, no second step is within the years 1 to 9999, whatever the unit.
  if (Number.isInteger(amount) && (amount as number) >= 1 && (amount as number) <= 4_000_000) {
    return { unit, amount: amount as number }
  }
  problems.push({
    path: `every.${unit}`,
    rule: 'calendar.amount',
    message: `every.${unit} must be a whole number from 1 to 4000000, but was ${quote(amount)}`,
  })
  return null
}

function readTimes(at: unknown, problems: Problem[]): readonly number[] {
  if (!Array.isArray(at)) {
    const time = collect(problems, () => readTimeOfDay('at', at))
    return time === null ? [] : [time]
  }
  if (at.length === 0 || at.length > MOST_TIMES) {
    problems.push({
      path: 'at',
      rule: 'calendar.times',
      message: `at must be a time of day or a list of 1 to ${MOST_TIMES} of them, but has ${at.length}`,
    })
    return []
  }
  const times = at.map((each, i) => collect(problems, () => readTimeOfDay(`at[${i}]`, each)))
  return [...new Set(times.filter((time) => time !== null))].toSorted((a, b) => a - b)
}

function readOverflow(overflow: unknown, problems: Problem[]): Overflow {
  if (overflow === undefined || overflow === 'clamp' || overflow === 'skip') return overflow ?? 'clamp'
  problems.push({
    path: 'overflow',
    rule: 'calendar.overflow',
    message:
      `overflow must be one of ${OVERFLOWS.join(', ')}, but was ${quote(overflow)}` +
      (typeof overflow === 'string' ? didYouMean(overflow, OVERFLOWS) : ''),
  })
  return 'clamp'
}
