import { policyOf } from '../domain/definition.js'
import type { Plannable } from '../domain/plan.js'
import type { SchedulePolicy } from '../domain/policies.js'
import type { ScheduleDefinition } from '../domain/schedule.js'
import { bounded } from './bounded.js'
import { compileTrigger, type TriggerContext } from './registry.js'

/**
 * A definition made ready to plan: its trigger compiled and held between start and end, its defaults filled in.
 * @throws {InvalidError} INVALID_TRIGGER or NEVER_FIRES
 */
export function plannable(
  definition: ScheduleDefinition,
  context: Pick<TriggerContext, 'calendar'> = {},
): Plannable & { readonly policy: SchedulePolicy } {
  const { id, trigger, start, end, maxFires } = definition
  const compiled = compileTrigger(trigger, { ...context, scheduleId: id })
  const isBounded = start !== undefined || end !== undefined
  const first = start === undefined ? -Infinity : Date.parse(start)
  const last = end === undefined ? Infinity : Date.parse(end)
  return {
    id,
    trigger: isBounded ? bounded(compiled, first, last) : compiled,
    policy: policyOf(definition),
    maxFires: maxFires ?? null,
  }
}
