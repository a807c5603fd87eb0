import { toIso } from './clock.js'
import { checkRetry, checkTimeout } from './define-task.js'
import { InvalidError, type Problem } from './errors.js'
import { FieldChecks, shown } from './field-checks.js'
import { ID_RULE, isValidId } from './ids.js'
import { canonicalJson, isPlainObject, type JsonText, type JsonValue } from './json.js'
import {
  ADAPTIVE_DEFAULTS,
  CATCH_UPS,
  DELIVERIES,
  OVERLAPS,
  POLICY_DEFAULTS,
  SIZE_LIMITS,
  type SchedulePolicy,
} from './policies.js'
import type { RunSpec } from './run.js'
import type { ScheduleDefinition } from './schedule.js'
import type { TriggerJson } from './trigger.js'

const FIELDS = [
  'id',
  'task',
  'trigger',
  'input',
  'description',
  'start',
  'end',
  'maxFires',
  'retry',
  'timeoutMs',
  'history',
  'catchUp',
  'misfireGraceMs',
  'catchUpWindowMs',
  'catchUpLimit',
  'overlap',
  'delivery',
  'priority',
  'group',
  'jitterMs',
  'adaptive',
  'pauseAfterFailures',
] as const satisfies readonly (keyof ScheduleDefinition)[]

const ADAPTIVE_FIELDS = ['above', 'factor', 'maxIntervalMs']
const HISTORY_COUNTS = ['maxRuns', 'maxFailures', 'maxSkipped']
const HISTORY_AGES = ['maxAgeMs', 'maxFailureAgeMs']
const YEAR_MS = 366 * 86_400_000
// For these `null` is a value of its own; for every other optional field it means "the default".
const NULLABLE = new Set<string>(['input', 'retry', 'timeoutMs'])

/** Tells what is wrong with a trigger, with paths relative to it. */
export type TriggerCheck = (trigger: unknown) => readonly Problem[]

/** The length of an interval that counts from its start; `null` for every other trigger. */
export type IntervalLengthOf = (trigger: TriggerJson) => number | null

/**
 * Brings a definition into its one canonical form, or tells everything that is wrong with it at once.
 * The argument is not changed.
 * @throws {InvalidError} INVALID_SCHEDULE; INVALID_TRIGGER, NEVER_FIRES or PAYLOAD_TOO_LARGE when nothing else is wrong.
 */
export function normaliseDefinition(
  input: unknown,
  checkTrigger: TriggerCheck,
  intervalMsOf: IntervalLengthOf,
): ScheduleDefinition {
  const checks = new FieldChecks()
  if (!checks.object('', input, FIELDS)) throw new InvalidError('INVALID_SCHEDULE', checks.problems)
  const given = Object.fromEntries(
    Object.entries(input).filter(
      ([name, value]) => value !== undefined && (value !== null || NULLABLE.has(name)),
    ),
  )

  if (!isValidId(given['id'])) checks.add('id', 'id', `must be ${ID_RULE}, but is ${shown(given['id'])}`)
  if (!isValidId(given['task']))
    checks.add('task', 'id', `must be ${ID_RULE}, but is ${shown(given['task'])}`)
  checkPolicy(checks, given)
  const start = checkInstant(checks, 'start', given['start'])
  const end = checkInstant(checks, 'end', given['end'])
  if (start !== undefined && end !== undefined && end < start) {
    checks.add('end', 'end.afterStart', `must not be before start (${toIso(start)}), but is ${toIso(end)}`)
  }

  const others = checks.problems.length
  for (const problem of checkTrigger(given['trigger'])) {
    const path = problem.path === '' ? 'trigger' : `trigger.${problem.path}`
    checks.problems.push({ ...problem, path })
  }
  const triggers = checks.problems.length - others
  if (given['adaptive'] !== undefined) {
    const trigger = triggers === 0 ? (given['trigger'] as TriggerJson) : null
    checkAdaptive(checks, given['adaptive'], trigger, intervalMsOf)
  }
  checkInput(checks, given['input'])
  if (checks.problems.length > 0) {
    const every = (test: (problem: Problem) => boolean): boolean => checks.problems.every(test)
    if (every(({ rule }) => rule.endsWith('.neverFires')))
      throw new InvalidError('NEVER_FIRES', checks.problems)
    if (every(({ rule }) => rule === 'size')) throw new InvalidError('PAYLOAD_TOO_LARGE', checks.problems)
    const onlyTrigger = triggers === checks.problems.length
    throw new InvalidError(onlyTrigger ? 'INVALID_TRIGGER' : 'INVALID_SCHEDULE', checks.problems)
  }

  if (start !== undefined) given['start'] = toIso(start)
  if (end !== undefined) given['end'] = toIso(end)
  // Through JSON once, so that what we hold is exactly what is stored: no dates, no undefined, no shared objects.
  return JSON.parse(JSON.stringify(given)) as ScheduleDefinition
}

function checkPolicy(checks: FieldChecks, given: Record<string, unknown>): void {
  const { description, catchUp, overlap, delivery, group, history } = given
  if (description !== undefined) checks.text('description', description, 1000)
  if (catchUp !== undefined) checks.oneOf('catchUp', catchUp, CATCH_UPS)
  if (overlap !== undefined) checks.oneOf('overlap', overlap, OVERLAPS)
  if (delivery !== undefined) checks.oneOf('delivery', delivery, DELIVERIES)
  if (group !== undefined && !isValidId(group))
    checks.add('group', 'id', `must be ${ID_RULE}, but is ${shown(group)}`)
  const integer = (field: string, min: number, max: number): void => {
    if (given[field] !== undefined) checks.integer(field, given[field], min, max)
  }
  integer('misfireGraceMs', 0, 10 * YEAR_MS)
  integer('catchUpWindowMs', 0, 100 * YEAR_MS)
  integer('catchUpLimit', 1, 100_000)
  integer('priority', -1000, 1000)
  integer('jitterMs', 0, YEAR_MS)
  integer('maxFires', 1, Number.MAX_SAFE_INTEGER)
  integer('pauseAfterFailures', 1, 1_000_000)
  checkRetry(checks, 'retry', given['retry'])
  checkTimeout(checks, 'timeoutMs', given['timeoutMs'])
  if (history !== undefined) checkHistory(checks, history)
}

/** What a schedule keeps, or a scheduler by default: any of the fields of a `HistoryPolicy`. */
export function checkHistory(checks: FieldChecks, history: unknown): void {
  if (!checks.object('history', history, [...HISTORY_COUNTS, ...HISTORY_AGES])) return
  for (const field of HISTORY_COUNTS) {
    const least = field === 'maxRuns' ? 1 : 0
    if (history[field] !== undefined) checks.integer(`history.${field}`, history[field], least, 1_000_000_000)
  }
  for (const field of HISTORY_AGES) {
    if (history[field] !== undefined) checks.integer(`history.${field}`, history[field], 1000, 1000 * YEAR_MS)
  }
}

/** `trigger` is `null` when there is something wrong with it, and nothing can be said about how the two fit. */
function checkAdaptive(
  checks: FieldChecks,
  adaptive: unknown,
  trigger: TriggerJson | null,
  intervalMsOf: IntervalLengthOf,
): void {
  if (!checks.object('adaptive', adaptive, ADAPTIVE_FIELDS)) return
  const { above, factor, maxIntervalMs } = adaptive
  if (above !== undefined) checks.number('adaptive.above', above, 0.01, 0.99)
  if (factor !== undefined) checks.number('adaptive.factor', factor, 1.01, 10)
  const isLength = checks.integer('adaptive.maxIntervalMs', maxIntervalMs, 2, 10 * YEAR_MS)
  if (trigger === null) return
  const everyMs = intervalMsOf(trigger)
  if (everyMs === null) {
    const found =
      trigger.kind === 'interval' ? 'an interval after completion' : `of kind ${shown(trigger.kind)}`
    checks.add(
      'adaptive',
      'adaptive.interval',
      `must be left out unless the trigger is an interval that counts from its start, but that is ${found}`,
    )
  } else if (isLength && maxIntervalMs < 2 * everyMs) {
    checks.add(
      'adaptive.maxIntervalMs',
      'adaptive.twice',
      `must be at least twice the interval, ${2 * everyMs}, for fires spread out by leaving some out, but is ${maxIntervalMs}`,
    )
  }
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/

function checkInstant(checks: FieldChecks, field: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  const text = value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value
  const at =
    typeof text === 'string' && INSTANT.test(text) && isDate(text.slice(0, 10)) ? Date.parse(text) : NaN
  if (!Number.isNaN(at)) return at
  checks.add(field, 'instant', `must be an instant such as 2026-12-01T09:00:00Z, but is ${shown(value)}`)
  return undefined
}

/** Whether the calendar has this date: `Date.parse` takes 30 February for 2 March. */
function isDate(date: string): boolean {
  const at = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(at) && toIso(at).startsWith(date)
}

function checkInput(checks: FieldChecks, input: unknown): void {
  if (input === undefined) return
  const path = notJson(input, 'input', 0)
  if (path !== null) {
    const kinds = 'text, finite numbers, booleans, null, arrays and plain objects without a key "__proto__"'
    checks.add(path, 'json', `must be JSON: ${kinds}`)
    return
  }
  const bytes = Buffer.byteLength(JSON.stringify(input))
  if (bytes > SIZE_LIMITS.input) {
    checks.add('input', 'size', `must be at most ${SIZE_LIMITS.input} bytes of JSON, but has ${bytes}`)
  }
}

const MAX_DEPTH = 100

/** The path of the first thing that is no JSON, or that would not survive being copied; `null` if all is well. */
function notJson(value: unknown, path: string, depth: number): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null
  if (typeof value === 'number') return Number.isFinite(value) ? null : path
  // Also what ends a cycle.
  if (depth > MAX_DEPTH) return path
  if (Array.isArray(value)) return firstOf(value.entries(), (i) => `${path}[${i}]`)
  if (!isPlainObject(value)) return path
  // It survives JSON, but whoever copies the object by assignment would change a prototype instead.
  if (Object.hasOwn(value, '__proto__')) return `${path}.__proto__`
  return firstOf(Object.entries(value), (name) => `${path}.${name}`)

  function firstOf<Key>(entries: Iterable<[Key, unknown]>, pathOf: (key: Key) => string): string | null {
    for (const [key, inner] of entries) {
      if (inner === undefined && typeof key === 'string') continue
      const found = notJson(inner, pathOf(key), depth + 1)
      if (found !== null) return found
    }
    return null
  }
}

/** The rules of a schedule with the defaults filled in. */
export function policyOf(definition: ScheduleDefinition): SchedulePolicy {
  const policy: Record<string, unknown> = {}
  for (const name of Object.keys(POLICY_DEFAULTS)) {
    policy[name] = definition[name as keyof SchedulePolicy] ?? POLICY_DEFAULTS[name as keyof SchedulePolicy]
  }
  if (definition.adaptive !== undefined) policy['adaptive'] = { ...ADAPTIVE_DEFAULTS, ...definition.adaptive }
  policy['history'] = { ...POLICY_DEFAULTS.history, ...definition.history }
  return policy as unknown as SchedulePolicy
}

/** What each run of the schedule carries with it; `null` when everything is the task's default. */
export function specOf(
  definition: ScheduleDefinition,
  input: JsonValue | undefined = definition.input,
): JsonText | null {
  const { retry, timeoutMs } = definition
  if (input === undefined && retry === undefined && timeoutMs === undefined) return null
  return JSON.stringify({ input, retry, timeoutMs } satisfies RunSpec)
}

/** Two definitions with the same text fire at the same times, so a change between them leaves the next fire time. */
export function timingOf({ trigger, start, end, jitterMs }: ScheduleDefinition): string {
  return canonicalJson({ trigger, start, end, jitterMs })
}
