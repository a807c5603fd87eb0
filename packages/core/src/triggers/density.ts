import type { EpochMs } from '../domain/clock.js'
import type { Trigger } from '../domain/trigger.js'

/**
 * The shortest time in milliseconds between two fire times, among the first `count` after `after`; `null` when there are
 * fewer than two. For a caller that has a limit: "fires every 1000 ms, which is less than …".
 */
export function densestGap(trigger: Trigger, after: EpochMs, count: number): number | null {
  let densest: number | null = null
  let last = trigger.next(after)
  for (let i = 1; i < count && last !== null; i++) {
    const at = trigger.next(last)
    if (at === null) break
    if (densest === null || at - last < densest) densest = at - last
    last = at
  }
  return densest
}
