import type { EpochMs } from '../domain/clock.js'
import type { Trigger } from '../domain/trigger.js'

export interface FiresRange {
  /** Excluded. */
  readonly after: EpochMs
  /** Excluded. @default none */
  readonly before?: EpochMs
  /** At most so many. @default all */
  readonly count?: number
}

/** The first fire time strictly after `after`, or `null` when there is none. */
export function nextFire(trigger: Trigger, after: EpochMs): EpochMs | null {
  return trigger.next(after)
}

/** The last fire time strictly before `before`, or `null` when there is none. */
export function previousFire(trigger: Trigger, before: EpochMs): EpochMs | null {
  return trigger.previous(before)
}

/** The fire times of a range, oldest first, each computed when it is asked for. Without bounds it may go on to the year 9999. */
export function* fires(trigger: Trigger, range: FiresRange): Generator<EpochMs, void, undefined> {
  const { before = Infinity, count = Infinity } = range
  let at = trigger.next(range.after)
  for (let given = 0; at !== null && at < before && given < count; given++) {
    yield at
    at = trigger.next(at)
  }
}
