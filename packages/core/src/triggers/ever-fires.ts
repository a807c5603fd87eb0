import type { Effort } from './effort.js'
import type { Trigger } from '../domain/trigger.js'

// Not the year 1: the clocks of most zones agreed with no other ones before standard time came.
const MIDST = Date.UTC(2000, 0, 1)

/** Whether a trigger has any fire time at all, as far as an effort in each direction finds it. */
export function everFires(trigger: Trigger, effort: Effort): boolean {
  effort.begin()
  if (trigger.next(MIDST - 1) !== null) return true
  effort.begin()
  return trigger.previous(MIDST) !== null
}
