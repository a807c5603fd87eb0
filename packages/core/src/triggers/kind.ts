import type { Trigger, TriggerJson } from '../domain/trigger.js'
import type { Effort } from './effort.js'
import type { NamedCalendar } from './named-calendar.js'

/** What a trigger may need to know besides its own JSON. */
export interface CompileContext {
  /** Spreads hashed fields (`H`); empty for a trigger that belongs to no schedule, as in a preview. */
  readonly scheduleId: string
  /**
   * The calendar of this name, as the store holds it now.
   * @throws {InvalidError} INVALID_TRIGGER when there is none.
   */
  readonly calendar: (name: string) => NamedCalendar
  /** Compiles a trigger within this one. @throws {InvalidError} with paths relative to that trigger. */
  readonly compile: (json: unknown) => Trigger
  /** Shared by all that is compiled for one trigger. */
  readonly effort: Effort
}

/** One kind of trigger. To add one, write it next to the others and give it a line in `registry.ts`. */
export interface TriggerKind {
  /** The `kind` of its JSON. Stable: stored schedules name it. */
  readonly kind: string
  /** Reads the field `start` itself, instead of leaving it to `modifiers.ts`. */
  readonly readsStart?: true
  /**
   * Checks every field and refuses fields that it does not know. The fields that every kind has (start, end, exclude
   * and the like) are taken away before: see `modifiers.ts`.
   * @throws {InvalidError} INVALID_TRIGGER with a problem per field, paths relative to the trigger; or NEVER_FIRES.
   */
  compile(json: TriggerJson, context: CompileContext): Trigger
}
