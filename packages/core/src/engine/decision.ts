import { stretchedInterval, thinned } from '../domain/adaptive.js'
import type { EpochMs } from '../domain/clock.js'
import { plan, PLAN_LIMITS, withJitter, type FireTime, type Plan } from '../domain/plan.js'
import type { Trigger } from '../domain/trigger.js'
import { TZDATA } from '../domain/tzdata.js'
import type { DueSchedule, FireDecision } from '../store/contract.js'
import type { ReadySchedule } from './schedule-cache.js'

/**
 * What becomes of a schedule that is due: pure, from what is stored, the store's clock, and the load of the cluster that
 * the store told; `null` as long as it has told none.
 */
export function decisionOf(
  due: DueSchedule,
  ready: ReadySchedule,
  storeNow: EpochMs,
  load: number | null,
): FireDecision {
  const { task, spec, policy, calendarsRevision } = ready
  return {
    scheduleId: due.id,
    revision: due.revision,
    fireTime: due.fireTime,
    ...outcomeOf(due, ready, storeNow, load),
    tzdata: TZDATA,
    calendarsRevision,
    task,
    spec,
    overlap: policy.overlap,
    delivery: policy.delivery,
    priority: policy.priority,
    group: policy.group,
  }
}

type Outcome = Pick<FireDecision, 'runs' | 'missed' | 'next'>

function outcomeOf(due: DueSchedule, ready: ReadySchedule, storeNow: EpochMs, load: number | null): Outcome {
  const { fireTime } = due
  const { trigger, afterRunMs, calendarsRevision } = ready
  if (afterRunMs !== null) {
    // The store adds the delay to the end of the run, and knows nothing of dates that are left out, or of the end.
    const wanted = trigger.next(fireTime - afterRunMs)
    return wanted === fireTime ? planAfterRun(due, ready, storeNow) : passOver(due, ready, wanted)
  }
  if (due.calendarsRevision !== calendarsRevision) {
    // A calendar was edited after the fire time was stored, and who edited it may not have come to this schedule yet.
    const wanted = trigger.next(fireTime - 1)
    if (wanted !== fireTime) return passOver(due, ready, wanted)
  }
  return planAdapted(due, ready, storeNow, load)
}

/**
 * Under load the fire times after the stored one lie further apart. Those that are left out were never due, so they are
 * not missed either. A backlog is spread out as well: load must not grow with how late it makes us.
 */
function planAdapted(due: DueSchedule, ready: ReadySchedule, storeNow: EpochMs, load: number | null): Plan {
  const { fireTime, fires } = due
  const { intervalMs, policy } = ready
  const stretchedMs =
    policy.adaptive === null || intervalMs === null
      ? null
      : stretchedInterval(policy.adaptive, intervalMs, due.stretchedMs, load)
  // The hot path: nothing is spread out, nor was it before.
  if (stretchedMs === null && due.stretchedMs === null)
    return plan(ready, fireTime, fires, storeNow, PLAN_LIMITS)
  const trigger = stretchedMs === null ? ready.trigger : thinned(ready.trigger, fireTime, stretchedMs)
  const { runs, missed, next } = plan({ ...ready, trigger }, fireTime, fires, storeNow, PLAN_LIMITS)
  const led = (fire: FireTime): FireTime => ({
    ...fire,
    // What led to the stored fire time was decided when it was stored.
    stretchedMs: fire.fireTime === fireTime ? due.stretchedMs : stretchedMs,
  })
  return { runs: runs.map(led), missed, next: next && led(next) }
}

/** The stored fire time is none any more: no run and no record of it. A stretch that led to it stays. */
function passOver({ stretchedMs }: DueSchedule, ready: ReadySchedule, next: EpochMs | null): Outcome {
  if (next === null) return { runs: [], missed: null, next }
  const fire = ready.afterRunMs === null ? withJitter(ready, next) : { fireTime: next, dueAt: next }
  return { runs: [], missed: null, next: stretchedMs === null ? fire : { ...fire, stretchedMs } }
}

/** The one fire time that is stored, by the rules that hold for all; jitter would only lengthen the delay. */
function planAfterRun(due: DueSchedule, ready: ReadySchedule, storeNow: EpochMs): Outcome {
  const { fireTime, fires } = due
  const only: Trigger = {
    next: (after) => (after < fireTime ? fireTime : null),
    previous: (before) => (before > fireTime ? fireTime : null),
  }
  const policy = { ...ready.policy, jitterMs: 0 }
  const { runs, missed }: Plan = plan({ ...ready, trigger: only, policy }, fireTime, fires, storeNow)
  const isLast =
    (ready.maxFires !== null && fires + runs.length >= ready.maxFires) ||
    ready.trigger.next(storeNow) === null
  return { runs, missed, next: isLast ? null : 'afterRun' }
}
