import type { EpochMs } from '../domain/clock.js'
import type { Trigger, TriggerJson } from '../domain/trigger.js'
import { wallText } from './civil.js'
import { everFires } from './ever-fires.js'
import { exclude, type ExcludeJson } from './exclude.js'
import { readInstant, readTime, timeText, withinRange } from './instant.js'
import type { CompileContext, TriggerKind } from './kind.js'
import { invalid, MODIFIER_FIELDS, neverFires, quote, Refusals } from './problems.js'
import { bounded } from './bounded.js'
import { readZone, type Zone } from './zone.js'

/** What every kind of trigger can be held to. */
export type TriggerModifiers = {
  /** No fire time before this: ISO 8601 with its offset, or without one where the trigger has a timezone. */
  readonly start?: string
  /** No fire time after this. */
  readonly end?: string
  readonly exclude?: ExcludeJson
}

/** A trigger held to a beginning, an end, and dates on which it does not fire. */
export function restrict<Json extends TriggerJson>(
  trigger: Json,
  modifiers: Omit<TriggerModifiers, 'start' | 'end'> & {
    readonly start?: string | Date
    readonly end?: string | Date
  },
): Json & TriggerModifiers {
  const { start, end, ...rest } = modifiers
  return {
    ...trigger,
    ...(start === undefined ? {} : { start: timeText('start', start) }),
    ...(end === undefined ? {} : { end: timeText('end', end) }),
    ...rest,
  }
}

/** The JSON that the kind itself reads. */
export function withoutModifiers(json: TriggerJson, kind: TriggerKind): TriggerJson {
  const own = Object.entries(json).filter(([field]) => !isModifier(field, kind))
  return Object.fromEntries(own) as unknown as TriggerJson
}

/**
 * The trigger held to the modifiers of its JSON: first the excluded dates, then beginning and end, so that a fire time
 * that was moved to another date is bound by them as well. `trigger` is `null` when the kind refused its own fields; then
 * the modifiers are only checked.
 * @throws {InvalidError} INVALID_TRIGGER, or NEVER_FIRES when they leave nothing.
 */
export function applyModifiers(
  trigger: Trigger | null,
  json: TriggerJson,
  kind: TriggerKind,
  context: CompileContext,
): Trigger | null {
  if (!Object.keys(json).some((field) => isModifier(field, kind))) return trigger
  const refusals = new Refusals()
  const zone = ownZone(json)
  const first =
    kind.readsStart || json.start === undefined
      ? null
      : refusals.try(() => readBound('start', json.start, zone))
  const last = json.end === undefined ? null : refusals.try(() => readBound('end', json.end, zone))
  if (first !== null && last !== null && last < first) {
    refusals.add([
      {
        path: 'end',
        rule: 'end.order',
        message: `end must not be before start, ${quote(json.start)}, but was ${quote(json.end)}`,
      },
    ])
  }
  const remaining =
    json.exclude === undefined ? trigger : refusals.try(() => exclude(trigger, json.exclude, zone, context))
  refusals.throw()
  if (remaining === null) return null
  if (json.exclude !== undefined && !everFires(remaining, context.effort)) {
    throw neverFires(
      'exclude',
      'exclude.neverFires',
      `exclude leaves no fire time: ${quote(json.exclude)} names all of them`,
    )
  }
  if (first === null && last === null) return remaining
  const result = bounded(remaining, first ?? -Infinity, last ?? Infinity)
  if (everFires(result, context.effort)) return result
  const field = last === null ? 'start' : 'end'
  throw neverFires(
    field,
    `${field}.neverFires`,
    `${field} leaves no fire time, but was ${quote(json[field])}`,
  )
}

function isModifier(field: string, kind: TriggerKind): boolean {
  if (field === 'start' && kind.readsStart === true) return false
  return (MODIFIER_FIELDS as readonly string[]).includes(field)
}

/** The zone of the trigger's own local times; `null` where it has none, or where the kind refuses what it names. */
function ownZone({ timezone }: TriggerJson): Zone | null {
  if (timezone === undefined) return null
  const refusals = new Refusals()
  return refusals.try(() => readZone(timezone))
}

function readBound(field: 'start' | 'end', value: unknown, zone: Zone | null): EpochMs {
  const time = typeof value === 'string' ? readTime(value) : null
  if (time === null || time.offset !== null || zone === null) return readInstant(field, value)
  const at = zone.toInstant(time.wall)
  if (at !== null) return withinRange(field, at, value)
  throw invalid(
    field,
    'time.exists',
    `${field} must be on a date that the clocks show, but they jumped over the whole day of ${wallText(time.wall)}`,
  )
}
