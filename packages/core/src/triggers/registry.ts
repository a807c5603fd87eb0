import { InvalidError, type Problem } from '../domain/errors.js'
import { isPlainObject } from '../domain/json.js'
import type { Trigger, TriggerJson } from '../domain/trigger.js'
import { cronKind } from './cron/index.js'
import { intervalKind } from './interval.js'
import type { TriggerKind } from './kind.js'
import { onceKind } from './once.js'
import { didYouMean, quote } from './problems.js'

const KINDS: ReadonlyMap<string, TriggerKind> = new Map(
  [onceKind, intervalKind, cronKind].map((kind) => [kind.kind, kind]),
)

/** The kinds that this release knows. */
export const TRIGGER_KINDS: readonly string[] = [...KINDS.keys()]

/**
 * Makes a trigger of its JSON.
 * @throws {InvalidError} INVALID_TRIGGER: `problems` names each field, its path relative to the trigger.
 * @throws {InvalidError} NEVER_FIRES: it can be understood, but no instant will ever match.
 */
export function compileTrigger(json: unknown): Trigger {
  if (!isPlainObject(json)) {
    throw invalid(
      '',
      'trigger.object',
      `trigger must be an object such as {"kind":"cron",…}, but was ${quote(json)}`,
    )
  }
  const name = json.kind
  const kind = typeof name === 'string' ? KINDS.get(name) : undefined
  if (kind === undefined) {
    const hint = typeof name === 'string' ? didYouMean(name, TRIGGER_KINDS) : ''
    throw invalid(
      'kind',
      'kind.known',
      `kind must be one of ${TRIGGER_KINDS.join(', ')}, but was ${quote(name)}${hint}`,
    )
  }
  return kind.compile(json as TriggerJson)
}

/** What is wrong with the JSON of a trigger; empty when {@link compileTrigger} would take it. Never throws. */
export function checkTrigger(json: unknown): readonly Problem[] {
  try {
    compileTrigger(json)
    return []
  } catch (error) {
    if (error instanceof InvalidError) return error.problems
    // Not JSON at all, but an object whose reading fails.
    const message = error instanceof Error ? error.message : String(error)
    return [{ path: '', rule: 'trigger.readable', message: `trigger cannot be read: ${message}` }]
  }
}

function invalid(path: string, rule: string, message: string): InvalidError {
  return new InvalidError('INVALID_TRIGGER', [{ path, rule, message }])
}
