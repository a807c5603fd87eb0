import type { EpochMs } from './clock.js'
import { hash32, type ScheduleId } from './ids.js'
import type { SchedulePolicy } from './policies.js'
import type { MissedRange } from './run.js'
import type { Trigger } from './trigger.js'

export interface FireTime {
  readonly fireTime: EpochMs
  /** The fire time plus its jitter. */
  readonly dueAt: EpochMs
  /** The interval that leads to it, where load has spread fire times out. Absent or `null`: the trigger's own. */
  readonly stretchedMs?: number | null
}

/** What planning needs to know of a schedule. `trigger` already respects the schedule's start and end. */
export interface Plannable {
  readonly id: ScheduleId
  readonly trigger: Trigger
  readonly policy: Pick<
    SchedulePolicy,
    'catchUp' | 'misfireGraceMs' | 'catchUpWindowMs' | 'catchUpLimit' | 'jitterMs'
  >
  readonly maxFires: number | null
}

export interface Plan {
  /** Fire times that become runs, oldest first. */
  readonly runs: readonly FireTime[]
  /** Fire times that are recorded as missed, in one record. */
  readonly missed: MissedRange | null
  /** Where the schedule goes on; `null` when it is finished. May be due already: then another plan follows. */
  readonly next: FireTime | null
}

export interface PlanLimits {
  /** Runs that one plan may create: what one atomic step of a store can bear. */
  readonly maxRuns: number
  /** Fire times that one plan may look at one by one. */
  readonly maxSteps: number
}

// 10,000 steps of a cron trigger take about 3 ms: a backlog of a thousand such schedules stays within seconds.
export const PLAN_LIMITS: PlanLimits = Object.freeze({ maxRuns: 200, maxSteps: 10_000 })

/**
 * Decides what becomes of a schedule that is due: pure, from the *stored* fire time and the store's clock alone.
 * `fireTime` is the stored next fire time, `fires` how many fire times became runs so far.
 *
 * Fire times no more than the grace overdue become runs. Older ones are misfires: the catch-up rule picks which of
 * them still run, and the others are counted in one missed range. Work is bounded by `limits`; what is left over is
 * due at once under `next`, and a following plan goes on there with the same result as one unbounded plan.
 */
export function plan(
  schedule: Plannable,
  fireTime: EpochMs,
  fires: number,
  storeNow: EpochMs,
  limits: PlanLimits = PLAN_LIMITS,
): Plan {
  const remaining = schedule.maxFires === null ? Infinity : schedule.maxFires - fires
  if (remaining <= 0) return { runs: [], missed: null, next: null }

  // The hot path: one fire time due, the next one not yet.
  const following = schedule.trigger.next(fireTime)
  const first = withJitter(schedule, fireTime)
  if (first.dueAt > storeNow) return { runs: [], missed: null, next: first }
  if (fireTime >= endOfMisfires(schedule.policy, storeNow)) {
    const next = following === null ? null : withJitter(schedule, following)
    if (next === null || next.dueAt > storeNow || limits.maxRuns === 1) {
      return { runs: [first], missed: null, next: remaining === 1 ? null : next }
    }
  }
  return planBacklog(schedule, fireTime, remaining, storeNow, limits)
}

/** When a fire time is due. The same for ever, for it depends on the schedule's id and the fire time alone. */
export function withJitter(schedule: Pick<Plannable, 'id' | 'policy'>, fireTime: EpochMs): FireTime {
  const { jitterMs } = schedule.policy
  return { fireTime, dueAt: jitterMs === 0 ? fireTime : fireTime + jitterOf(schedule.id, fireTime, jitterMs) }
}

function jitterOf(id: ScheduleId, fireTime: EpochMs, jitterMs: number): number {
  return hash32(`${id}@${fireTime}`) % (jitterMs + 1)
}

/**
 * Fire times before this are misfires. The grace begins after the jitter, also for those whose own was short: each waits
 * for the ones before it, whose jitter may be longer. So no fire time is a misfire that lies after one that is none.
 */
function endOfMisfires({ misfireGraceMs, jitterMs }: Plannable['policy'], storeNow: EpochMs): EpochMs {
  return storeNow - misfireGraceMs - jitterMs
}

function planBacklog(
  schedule: Plannable,
  fireTime: EpochMs,
  remaining: number,
  storeNow: EpochMs,
  limits: PlanLimits,
): Plan {
  const { trigger, policy } = schedule
  const misfireEnd = endOfMisfires(policy, storeNow)
  const windowStart = storeNow - policy.catchUpWindowMs
  const maxRuns = Math.min(limits.maxRuns, remaining)
  const runs: FireTime[] = []
  const missed = new MissedCounter()
  let at: EpochMs | null = fireTime

  if (at < misfireEnd) {
    switch (policy.catchUp) {
      case 'none':
        at = skipTo(at, misfireEnd)
        break
      case 'latest': {
        at = skipTo(at, misfireEnd)
        const latest = missed.to
        if (latest !== null && latest >= windowStart) {
          missed.dropLast(lastBefore(trigger, latest, fireTime))
          runs.push(withJitter(schedule, latest))
        }
        break
      }
      case 'earliest': {
        at = skipTo(at, Math.min(windowStart, misfireEnd))
        if (at !== null && at < misfireEnd) {
          runs.push(withJitter(schedule, at))
          at = trigger.next(at)
          // After the last run that is allowed, nothing was to fire, so nothing is missed.
          if (at !== null && remaining > 1) at = skipTo(at, misfireEnd)
        }
        break
      }
      case 'all': {
        const from = Math.min(Math.max(at, windowStart), misfireEnd)
        at = skipTo(at, newestFrom(trigger, from, misfireEnd, policy.catchUpLimit))
        while (at !== null && at < misfireEnd && runs.length < maxRuns) {
          runs.push(withJitter(schedule, at))
          at = trigger.next(at)
        }
        break
      }
    }
  }

  // On time, or within the grace.
  while (at !== null && runs.length < maxRuns) {
    const fire = withJitter(schedule, at)
    if (fire.dueAt > storeNow) break
    runs.push(fire)
    at = trigger.next(at)
  }

  const finished = at === null || runs.length >= remaining
  return { runs, missed: missed.range(), next: finished ? null : withJitter(schedule, at!) }

  /** Counts fire times in [from, to) as missed; answers the first one at or after `to`. */
  function skipTo(from: EpochMs, to: EpochMs): EpochMs | null {
    if (from >= to) return from
    const target = trigger.next(to - 1)
    if (trigger.count !== undefined) {
      missed.addRange(from, lastBefore(trigger, to, from), 1 + trigger.count(from, to - 1), true)
      return target
    }
    let count = 0
    let last = from
    for (let time: EpochMs | null = from; time !== null && time < to; time = trigger.next(time)) {
      if (count === limits.maxSteps) {
        missed.addRange(from, lastBefore(trigger, to, from), count, false)
        return target
      }
      count++
      last = time
    }
    missed.addRange(from, last, count, true)
    return target
  }
}

class MissedCounter {
  #count = 0
  #exact = true
  #from: EpochMs | null = null
  to: EpochMs | null = null

  addRange(from: EpochMs, to: EpochMs, count: number, exact: boolean): void {
    this.#from ??= from
    this.to = to
    this.#count += count
    this.#exact &&= exact
  }

  /** Takes the newest one out again; `previous` is the fire time before it. */
  dropLast(previous: EpochMs): void {
    // Where counting was given up, the newest one was not reached.
    if (this.#exact) this.#count--
    this.to = previous
  }

  range(): MissedRange | null {
    if (this.#count === 0 || this.#from === null || this.to === null) return null
    return { count: this.#count, exact: this.#exact, from: this.#from, to: this.to }
  }
}

/**
 * The last fire time before `before`, and no earlier than `floor`: that is a fire time before it, perhaps one of a trigger
 * that was edited since.
 */
function lastBefore(trigger: Trigger, before: EpochMs, floor: EpochMs): EpochMs {
  return Math.max(floor, trigger.previous(before) ?? floor)
}

/** From when on the newest `limit` fire times in [from, to) lie; `from` where there are no more than that. */
function newestFrom(trigger: Trigger, from: EpochMs, to: EpochMs, limit: number): EpochMs {
  let at = to
  for (let found = 0; found < limit; found++) {
    const previous = trigger.previous(at)
    if (previous === null || previous < from) return from
    at = previous
  }
  return at
}
