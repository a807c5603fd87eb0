import { closest, type Problem } from '@evertick/core'
import type { FastifyError, FastifySchemaValidationError } from 'fastify'

/** The settings of the validator: nothing is converted, filled in or taken away, and everything wrong is told. */
export const AJV_OPTIONS = {
  coerceTypes: false,
  removeAdditional: false,
  useDefaults: false,
  allErrors: true,
  // Errors carry the value and the schema that it broke, for the messages.
  verbose: true,
  allowUnionTypes: true,
} as const

interface ValidationError extends FastifyError {
  readonly validation: FastifySchemaValidationError[]
}

/** What `verbose` adds to an error of the validator. */
interface VerboseError extends FastifySchemaValidationError {
  readonly data?: unknown
  readonly parentSchema?: { readonly properties?: Readonly<Record<string, unknown>> }
}

// A hostile body can break a rule a hundred thousand times; nobody reads on after the first few.
export const MOST_PROBLEMS = 20
const LONGEST_VALUE = 80

export function isValidationError(error: unknown): error is ValidationError {
  return error instanceof Error && Array.isArray((error as Partial<ValidationError>).validation)
}

/** Each error of the validator as a problem that names the field by its dotted path, the rule, and the value found. */
export function problemsOf(errors: readonly VerboseError[], part = 'body'): Problem[] {
  const problems: Problem[] = []
  const seen = new Set<string>()
  for (const error of errors) {
    if (problems.length === MOST_PROBLEMS) break
    const problem = problemOf(error, part)
    const key = `${problem.path} ${problem.rule}`
    if (seen.has(key)) continue
    seen.add(key)
    problems.push(problem)
  }
  return problems
}

function problemOf(error: VerboseError, part: string): Problem {
  const whole = part === 'body' ? 'The body' : part === 'querystring' ? 'The query' : 'The address'
  const at = dotted(error.instancePath)
  const path = (field: unknown): string => (at === '' ? String(field) : `${at}.${String(field)}`)
  const found = `but is ${shown(error.data)}`
  const { params, keyword } = error
  switch (keyword) {
    case 'additionalProperties': {
      const field = path(params['additionalProperty'])
      return { path: field, rule: 'field.unknown', message: `${field} ${unknownField(error, part)}` }
    }
    case 'required': {
      const field = path(params['missingProperty'])
      return { path: field, rule: 'required', message: `${field} is required, but is missing` }
    }
    case 'enum': {
      const choices = (params['allowedValues'] as unknown[]).map(String)
      const guess = typeof error.data === 'string' ? closest(error.data, choices) : null
      const hint = guess === null ? '' : `; did you mean ${shown(guess)}?`
      const message = `${at || whole} must be one of ${choices.join(', ')}, ${found}${hint}`
      return { path: at, rule: 'choice', message }
    }
    case 'format': {
      const message = `${at || whole} must be an instant such as 2026-12-01T09:00:00Z, ${found}`
      return { path: at, rule: 'instant', message }
    }
    case 'type': {
      const types = [params['type']].flat().map((type) => TYPES[String(type)] ?? String(type))
      return { path: at, rule: 'type', message: `${at || whole} must be ${types.join(' or ')}, ${found}` }
    }
    case 'maxItems': {
      const items = (error.data as unknown[]).length
      const message = `${at || whole} must have at most ${String(params['limit'])} items, but has ${items}`
      return { path: at, rule: 'items.atMost', message }
    }
    default:
      return {
        path: at,
        rule: keyword,
        message: `${at || whole} ${error.message ?? 'is not valid'}, ${found}`,
      }
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'an array',
}

function unknownField({ params, parentSchema }: VerboseError, part: string): string {
  const known = Object.keys(parentSchema?.properties ?? {})
  const guess = closest(String(params['additionalProperty']), known)
  const what = part === 'body' ? 'field' : 'parameter'
  if (guess !== null) return `is not a known ${what}; did you mean ${guess}?`
  return `is not a known ${what}; ${known.length === 0 ? 'there are none' : `known are ${known.join(', ')}`}`
}

/** `/retry/maxAttempts` as `retry.maxAttempts`, `/items/0` as `items[0]`. */
function dotted(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(
      (path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`),
      '',
    )
}

/** A value as messages show it: JSON, cut where it is long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
}
