import { DAY_MS, DAY_SECONDS, SECOND_MS, type WallMs } from '../civil.js'
import { FIRST_DAY, type DayNumber } from '../date.js'
import { DayTimes } from '../day-times.js'
import type { WallTimes } from '../wall-times.js'
import { DayPattern } from './day-pattern.js'
import { FineTimes, TimeLimits, UNIT_SECONDS } from './fine-times.js'
import { Periods } from './periods.js'
import { chosenIndices, PositionTimes } from './position-times.js'
import { RuleDays } from './rule-days.js'
import type { RecurrenceRule } from './rule.js'
import { CountedTimes, TimesBetween } from './times.js'

/**
 * The local times of a rule from its first one on, with its COUNT and an UNTIL that is a local time. `start` itself is
 * among them only when the rule says so.
 * `null` when the rule can never name any.
 */
export function occurrences(rule: RecurrenceRule, start: WallMs): WallTimes | null {
  const all = everyTime(rule, start)
  if (all === null) return null
  const last = rule.until === null || rule.until.utc ? Infinity : rule.until.wall
  const between = new TimesBetween(all, start, last)
  if (between.next(start) === Infinity) return null
  return rule.count === null ? between : new CountedTimes(between, rule.count)
}

function everyTime(rule: RecurrenceRule, start: WallMs): WallTimes | null {
  const { frequency, positions } = rule
  const startDay = Math.floor(start / DAY_MS)
  const startSecond = start / SECOND_MS - startDay * DAY_SECONDS
  const periods = new Periods(rule, startDay)
  const pattern = new DayPattern(rule, startDay)
  const daysFrom = (first: DayNumber): RuleDays => new RuleDays(pattern, periods, first)
  const [hours, minutes, seconds] = [
    rule.hours ?? [Math.floor(startSecond / 3600)],
    rule.minutes ?? [Math.floor(startSecond / 60) % 60],
    rule.seconds ?? [startSecond % 60],
  ]
  if (frequency === 'HOURLY' || frequency === 'MINUTELY' || frequency === 'SECONDLY') {
    const unit = UNIT_SECONDS[frequency]
    const all =
      frequency === 'HOURLY'
        ? combined([0], minutes, seconds)
        : frequency === 'MINUTELY'
          ? combined([0], [0], seconds)
          : [0]
    const offsets = positions === null ? all : chosenIndices(positions, all.length).map((i) => all[i]!)
    const first = Math.floor(start / SECOND_MS / unit)
    const limits = new TimeLimits(rule)
    const fine = new FineTimes(daysFrom(startDay), unit, first, rule.interval, offsets, limits)
    return fine.isPossible() ? fine : null
  }
  const times = combined(hours, minutes, seconds).map((second) => second * SECOND_MS)
  if (positions === null) return new DayTimes(daysFrom(startDay), times)
  if (frequency === 'DAILY') {
    const chosen = chosenIndices(positions, times.length).map((index) => times[index]!)
    return chosen.length === 0 ? null : new DayTimes(daysFrom(startDay), chosen)
  }
  if (positions.every((position) => Math.abs(position) > mostDays(rule) * times.length)) return null
  // Positions count from the beginning of the first period, though nothing fires before the start.
  const firstDay = Math.max(periods.startOf(startDay), FIRST_DAY)
  return new PositionTimes(daysFrom(firstDay), periods, times, positions)
}

/** How many days a period can have at most, as far as the rule shows it at a glance. */
function mostDays({ frequency, weekdays, monthDays }: RecurrenceRule): number {
  const [days, weeks, months] =
    frequency === 'WEEKLY' ? [7, 1, 1] : frequency === 'MONTHLY' ? [31, 5, 1] : [366, 53, 12]
  return Math.min(days, weeks * (weekdays?.length ?? 7), months * (monthDays?.length ?? 31))
}

/** Seconds, rising. */
function combined(
  hours: readonly number[],
  minutes: readonly number[],
  seconds: readonly number[],
): number[] {
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) => seconds.map((second) => hour * 3600 + minute * 60 + second)),
  )
}
