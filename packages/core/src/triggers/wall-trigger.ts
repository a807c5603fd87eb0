import type { EpochMs } from '../domain/clock.js'
import type { Trigger } from '../domain/trigger.js'
import type { DstRule } from './dst.js'
import { nextInstant, previousInstant } from './wall-search.js'
import type { WallTimes } from './wall-times.js'
import type { Zone } from './zone.js'

/** Fires when the clocks of a zone show one of the times, each resolved by the rule. */
export class WallTrigger implements Trigger {
  readonly #times: WallTimes
  readonly #zone: Zone
  readonly #dst: DstRule

  constructor(times: WallTimes, zone: Zone, dst: DstRule) {
    this.#times = times
    this.#zone = zone
    this.#dst = dst
  }

  next(after: EpochMs): EpochMs | null {
    return nextInstant(this.#times, this.#zone, this.#dst, after)
  }

  previous(before: EpochMs): EpochMs | null {
    return previousInstant(this.#times, this.#zone, this.#dst, before)
  }
}
