import type { EpochMs } from '../domain/clock.js'
import type { JsonObject } from '../domain/json.js'
import type { Trigger, TriggerJson } from '../domain/trigger.js'
import { Search, type Effort } from './effort.js'
import { everFires } from './ever-fires.js'
import type { TriggerKind } from './kind.js'
import { compileMembers } from './members.js'
import { neverFires, Refusals } from './problems.js'

export interface AllJson extends TriggerJson {
  readonly kind: 'all'
  readonly triggers: JsonObject[]
}

// Some 5 ms. Two members that both fire every minute are found to meet when they do so within three days.
const MOST_LEAPS = 10_000

/**
 * Fires at the instants at which all of the triggers do. The search for the next one is given up after 10,000 fire times
 * of single members: triggers that fire densely and agree hardly ever come to an end there.
 */
export function all(...triggers: readonly TriggerJson[]): AllJson {
  return { kind: 'all', triggers: triggers as readonly unknown[] as JsonObject[] }
}

export const allKind: TriggerKind = {
  kind: 'all',
  compile(json, context) {
    const refusals = new Refusals()
    const members = compileMembers(json, context, refusals)
    refusals.throw()
    const trigger = new Intersection(members, context.effort)
    if (everFires(trigger, context.effort)) return trigger
    throw neverFires(
      'triggers',
      'all.neverFires',
      'triggers never fire at one instant: each of them does, but not all of them together',
    )
  },
}

class Intersection implements Trigger {
  readonly #members: readonly Trigger[]
  readonly #ahead: Search
  readonly #back: Search

  constructor(members: readonly Trigger[], effort: Effort) {
    this.#members = members
    this.#ahead = new Search(effort, MOST_LEAPS)
    this.#back = new Search(effort, MOST_LEAPS)
  }

  next(after: EpochMs): EpochMs | null {
    return this.#ahead.run(
      after,
      this.#agreement((member, at) => member.next(at === null ? after : at - 1)),
    )
  }

  previous(before: EpochMs): EpochMs | null {
    return this.#back.run(
      -before,
      this.#agreement((member, at) => member.previous(at === null ? before : at + 1)),
    )
  }

  /** Each member leaps to its first fire time from where the others have come to, until none moves any more. */
  #agreement(
    leap: (member: Trigger, at: EpochMs | null) => EpochMs | null,
  ): () => EpochMs | null | undefined {
    let at: EpochMs | null = null
    let agreed = 0
    let turn = 0
    return () => {
      const reached = leap(this.#members[turn]!, at)
      turn = (turn + 1) % this.#members.length
      agreed = reached === at ? agreed + 1 : 1
      at = reached
      return reached === null || agreed === this.#members.length ? reached : undefined
    }
  }
}
