import type { EpochMs } from '../domain/clock.js'
import type { Trigger } from '../domain/trigger.js'

/** The fire times of a trigger from `first` to `last`, both included. */
export function bounded(trigger: Trigger, first: EpochMs, last: EpochMs): Trigger {
  const within: { -readonly [Key in keyof Trigger]: Trigger[Key] } = {
    next(after) {
      const next = trigger.next(trigger.afterCompletion === true ? after : Math.max(after, first - 1))
      if (next === null || next > last) return null
      // An interval after completion has no fire times of its own before which it could be asked.
      return Math.max(next, first)
    },
    previous(before) {
      const previous = trigger.previous(Math.min(before, last + 1))
      return previous === null || previous < first ? null : previous
    },
  }
  if (trigger.count !== undefined) {
    within.count = (after, until) => trigger.count!(Math.max(after, first - 1), Math.min(until, last))
  }
  if (trigger.afterCompletion === true) within.afterCompletion = true
  return within
}
