import type { EpochMs } from '../domain/clock.js'
import type { JsonObject } from '../domain/json.js'
import type { Trigger, TriggerJson } from '../domain/trigger.js'
import type { TriggerKind } from './kind.js'
import { compileMembers } from './members.js'
import { Refusals } from './problems.js'

export interface AnyJson extends TriggerJson {
  readonly kind: 'any'
  readonly triggers: JsonObject[]
}

/** Fires whenever one of the triggers does; once where several do at the same instant. */
export function any(...triggers: readonly TriggerJson[]): AnyJson {
  return { kind: 'any', triggers: triggers as readonly unknown[] as JsonObject[] }
}

export const anyKind: TriggerKind = {
  kind: 'any',
  compile(json, context) {
    const refusals = new Refusals()
    const members = compileMembers(json, context, refusals)
    refusals.throw()
    return new Union(members)
  },
}

export class Union implements Trigger {
  readonly #members: readonly Trigger[]

  constructor(members: readonly Trigger[]) {
    this.#members = members
  }

  next(after: EpochMs): EpochMs | null {
    let first: EpochMs | null = null
    for (const member of this.#members) {
      const at = member.next(after)
      if (at !== null && (first === null || at < first)) first = at
    }
    return first
  }

  previous(before: EpochMs): EpochMs | null {
    let last: EpochMs | null = null
    for (const member of this.#members) {
      const at = member.previous(before)
      if (at !== null && (last === null || at > last)) last = at
    }
    return last
  }
}
