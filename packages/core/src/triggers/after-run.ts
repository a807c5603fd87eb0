import type { Trigger, TriggerJson } from '../domain/trigger.js'
import { compileTrigger } from './registry.js'

/**
 * How long after the end of a run a trigger fires, in milliseconds; `null` for one that does not wait for runs.
 * `trigger` is what `json` compiles to.
 */
export function afterRunMsOf(trigger: Trigger, { every }: TriggerJson): number | null {
  if (trigger.afterCompletion !== true) return null
  // Without its start and the dates it leaves out, the next fire time after a run is always the same away.
  return compileTrigger({ kind: 'interval', after: 'completion', every }).next(0)
}
