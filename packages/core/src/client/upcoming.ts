import { thinned } from '../domain/adaptive.js'
import { toIso, type EpochMs } from '../domain/clock.js'
import { InvalidError } from '../domain/errors.js'
import type { Schedule } from '../domain/schedule.js'
import type { Trigger } from '../domain/trigger.js'
import type { PreparedSchedule } from './prepare.js'

/** Fire times that a question may count one by one: some 20 ms of work. */
const MOST_COUNTED = 20_000

/**
 * The next fire times of a schedule after `after`, at most `count`. They begin with the stored one: what is stored is
 * what fires next, also when it is overdue.
 * @throws {InvalidError} INVALID_QUERY for an `after` beyond which its `maxFires` cannot be told.
 */
export function upcoming(
  schedule: Schedule,
  { plannable, afterRunMs }: PreparedSchedule,
  count: number,
  after: EpochMs = -Infinity,
): EpochMs[] {
  if (schedule.state !== 'active' || schedule.nextFireTime === null) return []
  // When the next run ends, nobody knows.
  if (afterRunMs !== null) return [schedule.nextFireTime].filter((time) => time > after)
  const { maxFires, policy } = plannable
  const { stretchedMs } = schedule
  const trigger =
    stretchedMs === null || policy.adaptive === null
      ? plannable.trigger
      : thinned(plannable.trigger, schedule.nextFireTime, stretchedMs)
  let left = maxFires === null ? Infinity : maxFires - schedule.fires
  let time: EpochMs | null = schedule.nextFireTime
  if (time <= after) {
    if (maxFires !== null) left -= 1 + firesBetween(trigger, time, after, left)
    time = trigger.next(after)
  }
  const times: EpochMs[] = []
  for (; time !== null && times.length < Math.min(count, left); time = trigger.next(time)) times.push(time)
  return times
}

/**
 * How many fire times lie in (`from`, `until`], as far as `most`.
 * @throws {InvalidError} INVALID_QUERY where that would take too long to tell.
 */
function firesBetween(trigger: Trigger, from: EpochMs, until: EpochMs, most: number): number {
  if (trigger.count !== undefined) return trigger.count(from, until)
  let count = 0
  for (
    let time = trigger.next(from);
    time !== null && time <= until && count < most;
    time = trigger.next(time)
  ) {
    if (++count > MOST_COUNTED) {
      const message = `after must be nearer: how many of maxFires are used up by ${toIso(until)} cannot be counted`
      throw new InvalidError('INVALID_QUERY', [{ path: 'after', rule: 'after.near', message }])
    }
  }
  return count
}
