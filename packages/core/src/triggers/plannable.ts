import type { EpochMs } from '../domain/clock.js'
import { policyOf } from '../domain/definition.js'
import type { Plannable } from '../domain/plan.js'
import type { SchedulePolicy } from '../domain/policies.js'
import type { ScheduleDefinition } from '../domain/schedule.js'
import type { Trigger } from '../domain/trigger.js'
import { compileTrigger } from './registry.js'

/**
 * A definition made ready to plan: its trigger compiled and held between start and end, its defaults filled in.
 * @throws {InvalidError} INVALID_TRIGGER or NEVER_FIRES
 */
export function plannable(definition: ScheduleDefinition): Plannable & { readonly policy: SchedulePolicy } {
  const { id, trigger, start, end, maxFires } = definition
  return {
    id,
    trigger: bounded(compileTrigger(trigger), start, end),
    policy: policyOf(definition),
    maxFires: maxFires ?? null,
  }
}

function bounded(trigger: Trigger, start: string | undefined, end: string | undefined): Trigger {
  if (start === undefined && end === undefined) return trigger
  const first = start === undefined ? -Infinity : Date.parse(start)
  const last = end === undefined ? Infinity : Date.parse(end)
  const within: Trigger = {
    next(after: EpochMs): EpochMs | null {
      const next = trigger.next(Math.max(after, first - 1))
      return next === null || next > last ? null : next
    },
  }
  if (trigger.count !== undefined) {
    within.count = (after, until) => trigger.count!(Math.max(after, first - 1), Math.min(until, last))
  }
  return within
}
