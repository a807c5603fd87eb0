import type { EpochMs } from './clock.js'
import type { AdaptivePolicy } from './policies.js'
import type { Trigger } from './trigger.js'

/**
 * At or below this part of the mark a stretch is taken back, and between the two it stays: a load that swings about
 * the mark, because of the stretch itself, does not make the interval swing.
 */
export const CALM_BELOW = 0.8

/**
 * One step of a schedule whose own interval is `everyMs` and whose present one is `presentMs` (`null`: its own): longer
 * by the factor while `load` is above the mark, shorter by it once it is calm, unchanged in between and while no load is
 * known. Answers a whole multiple of `everyMs` that is at most `maxIntervalMs`, so that fires stay on the times that the
 * interval has; `null` for its own.
 */
export function stretchedInterval(
  { above, factor, maxIntervalMs }: AdaptivePolicy,
  everyMs: number,
  presentMs: number | null,
  load: number | null,
): number | null {
  const times = presentMs === null ? 1 : Math.max(1, Math.round(presentMs / everyMs))
  let wanted = times
  // At least one whole interval at a time: a factor of 1.1 must not round to nothing.
  if (load !== null && load > above) wanted = Math.max(times + 1, Math.round(times * factor))
  else if (load !== null && load <= above * CALM_BELOW)
    wanted = Math.min(times - 1, Math.round(times / factor))
  const allowed = Math.min(wanted, Math.floor(maxIntervalMs / everyMs))
  return allowed > 1 ? allowed * everyMs : null
}

/**
 * The fire times of `trigger` that are left when it fires every `intervalMs` from `first` on: for each multiple of
 * `intervalMs` after `first` the first fire time at or after it. `first` is the earliest, whatever the trigger says.
 */
export function thinned(trigger: Trigger, first: EpochMs, intervalMs: number): Trigger {
  const fireOf = (multiple: number): EpochMs | null =>
    multiple <= 0 ? first : trigger.next(first + multiple * intervalMs - 1)
  return {
    next(after) {
      if (after < first) return first
      const multiple = Math.floor((after - first) / intervalMs)
      const fire = fireOf(multiple)
      // Where the trigger leaves out dates, the fire time of a multiple that has passed may still lie ahead.
      return fire === null || fire > after ? fire : fireOf(multiple + 1)
    },
    previous(before) {
      if (before <= first) return null
      const last = trigger.previous(before) ?? first
      return fireOf(Math.floor((last - first) / intervalMs))
    },
  }
}
