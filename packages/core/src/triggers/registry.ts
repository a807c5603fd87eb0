import { InvalidError, messageOf, type Problem } from '../domain/errors.js'
import { isPlainObject } from '../domain/json.js'
import type { Trigger, TriggerJson } from '../domain/trigger.js'
import { allKind } from './all.js'
import { anyKind } from './any.js'
import { calendarKind } from './calendar.js'
import { cronKind } from './cron/index.js'
import { Effort, metered } from './effort.js'
import { intervalKind } from './interval.js'
import type { CompileContext, TriggerKind } from './kind.js'
import { applyModifiers, withoutModifiers } from './modifiers.js'
import type { NamedCalendar } from './named-calendar.js'
import { onceKind } from './once.js'
import { didYouMean, invalid, quote, Refusals } from './problems.js'
import { rruleKind } from './rrule/index.js'

const KINDS: ReadonlyMap<string, TriggerKind> = new Map(
  [onceKind, intervalKind, cronKind, calendarKind, rruleKind, anyKind, allKind].map((kind) => [
    kind.kind,
    kind,
  ]),
)

/** The kinds that this release knows. */
export const TRIGGER_KINDS: readonly string[] = [...KINDS.keys()]

/** What the triggers within a trigger may be nested to, itself counted. */
const DEEPEST = 5

/** What a trigger may refer to outside its own JSON. Without `calendar` there are no named calendars. */
export type TriggerContext = Partial<Pick<CompileContext, 'scheduleId' | 'calendar'>>

/**
 * Makes a trigger of its JSON.
 * @throws {InvalidError} INVALID_TRIGGER: `problems` names each field, its path relative to the trigger.
 * @throws {InvalidError} NEVER_FIRES: it can be understood, but no instant will ever match.
 */
export function compileTrigger(json: unknown, context: TriggerContext = {}): Trigger {
  const effort = new Effort()
  const trigger = compileAt(1, json, context, effort)
  return effort.isShared ? metered(trigger, effort) : trigger
}

/** What is wrong with the JSON of a trigger; empty when {@link compileTrigger} would take it. Never throws. */
export function checkTrigger(json: unknown, context: TriggerContext = {}): readonly Problem[] {
  try {
    compileTrigger(json, context)
    return []
  } catch (error) {
    if (error instanceof InvalidError) return error.problems
    // Not JSON at all, but an object whose reading fails.
    const message = messageOf(error)
    return [{ path: '', rule: 'trigger.readable', message: `trigger cannot be read: ${message}` }]
  }
}

function compileAt(depth: number, json: unknown, given: TriggerContext, effort: Effort): Trigger {
  if (!isPlainObject(json)) {
    throw invalid(
      '',
      'trigger.object',
      `trigger must be an object such as {"kind":"cron",…}, but was ${quote(json)}`,
    )
  }
  if (depth > DEEPEST) {
    throw invalid('', 'trigger.depth', `trigger must be nested at most ${DEEPEST} deep, but is deeper`)
  }
  const kind = kindOf(json.kind)
  const context: CompileContext = {
    scheduleId: given.scheduleId ?? '',
    calendar: given.calendar ?? noCalendar,
    compile: (inner) => compileAt(depth + 1, inner, given, effort),
    effort,
  }
  const refusals = new Refusals()
  const own = withoutModifiers(json as TriggerJson, kind)
  const trigger = refusals.try(() => kind.compile(own, context))
  const modified = refusals.try(() => applyModifiers(trigger, json as TriggerJson, kind, context))
  refusals.throw()
  return modified!
}

function kindOf(name: unknown): TriggerKind {
  const kind = typeof name === 'string' ? KINDS.get(name) : undefined
  if (kind !== undefined) return kind
  const hint = typeof name === 'string' ? didYouMean(name, TRIGGER_KINDS) : ''
  throw invalid(
    'kind',
    'kind.known',
    `kind must be one of ${TRIGGER_KINDS.join(', ')}, but was ${quote(name)}${hint}`,
  )
}

function noCalendar(name: string): NamedCalendar {
  throw invalid(
    'exclude.calendar',
    'calendar.known',
    `exclude.calendar must be the name of a calendar, but there is none called ${quote(name)}`,
  )
}
