import type { EpochMs } from './clock.js'
import type { JsonValue } from './json.js'

/**
 * A trigger in its stored form. `kind` chooses the rule; the other fields belong to the kind.
 * Unknown kinds may come from a newer release: they are kept as they are.
 */
export interface TriggerJson {
  readonly kind: string
  readonly [field: string]: JsonValue | undefined
}

/**
 * A compiled trigger: pure and stateless. The same question has the same answer, whatever was asked before.
 * It does not throw.
 */
export interface Trigger {
  /** The first fire time strictly after `after`, or `null` when there is none. */
  next(after: EpochMs): EpochMs | null
  /** The last fire time strictly before `before`, or `null` when there is none. */
  previous(before: EpochMs): EpochMs | null
  /**
   * How many fire times lie in (`after`, `until`]. Only where it can be told without counting one by one;
   * callers count with `next` otherwise.
   */
  count?(after: EpochMs, until: EpochMs): number
  /**
   * Fires a fixed time after the last run ended: `next` then wants the end of that run. Such a trigger fires for no
   * instant that could be named beforehand.
   */
  readonly afterCompletion?: true
}
