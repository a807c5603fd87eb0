import type { Trigger, TriggerJson } from '../domain/trigger.js'

/** One kind of trigger. To add one, write it next to the others and give it a line in `registry.ts`. */
export interface TriggerKind {
  /** The `kind` of its JSON. Stable: stored schedules name it. */
  readonly kind: string
  /**
   * Checks every field and refuses fields that it does not know.
   * @throws {InvalidError} INVALID_TRIGGER with a problem per field, paths relative to the trigger; or NEVER_FIRES.
   */
  compile(json: TriggerJson): Trigger
}
