import type { Problem } from './errors.js'
import { closest } from './errors.js'
import { isPlainObject } from './json.js'

/** A value in an error message: JSON, cut to what a line can bear. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  let text: string
  try {
    text = JSON.stringify(value) ?? typeof value
  } catch {
    text = 'a value that is not JSON'
  }
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/**
 * Collects what is wrong with the fields of one object, so that a caller learns of everything at once.
 * Each check answers whether the value can be used.
 */
export class FieldChecks {
  readonly problems: Problem[] = []
  readonly #prefix: string

  constructor(prefix = '') {
    this.#prefix = prefix
  }

  add(field: string, rule: string, message: string): false {
    const path = field === '' ? this.#prefix.slice(0, -1) : this.#prefix + field
    this.problems.push({ path, rule, message: `${path === '' ? 'The value' : path} ${message}` })
    return false
  }

  object(field: string, value: unknown, known: readonly string[]): value is Record<string, unknown> {
    return this.fields(field, value, known)
  }

  /** An object without fields that we do not know: a misspelt policy must not be ignored in silence. */
  fields(field: string, value: unknown, known: readonly string[]): boolean {
    if (!isPlainObject(value)) return this.add(field, 'object', `must be an object, but is ${shown(value)}`)
    for (const name of Object.keys(value)) {
      if (known.includes(name)) continue
      const path = field === '' ? name : `${field}.${name}`
      const guess = closest(name, known)
      const hint = guess === null ? '' : `; did you mean ${guess}?`
      this.add(path, 'field.unknown', `is not a known field${hint}`)
    }
    return true
  }

  text(field: string, value: unknown, maxLength: number): value is string {
    if (typeof value !== 'string') return this.add(field, 'string', `must be text, but is ${shown(value)}`)
    if (value.length > maxLength) {
      return this.add(
        field,
        'string.length',
        `must have at most ${maxLength} characters, but has ${value.length}`,
      )
    }
    return true
  }

  oneOf<Choice extends string>(field: string, value: unknown, choices: readonly Choice[]): value is Choice {
    if (choices.includes(value as Choice)) return true
    const guess = typeof value === 'string' ? closest(value, choices) : null
    const hint = guess === null ? '' : `; did you mean ${shown(guess)}?`
    return this.add(field, 'choice', `must be one of ${choices.join(', ')}, but is ${shown(value)}${hint}`)
  }

  integer(field: string, value: unknown, min: number, max: number): value is number {
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return true
    return this.add(
      field,
      'integer.range',
      `must be a whole number from ${min} to ${max}, but is ${shown(value)}`,
    )
  }

  number(field: string, value: unknown, min: number, max: number): value is number {
    if (typeof value === 'number' && value >= min && value <= max) return true
    return this.add(field, 'number.range', `must be a number from ${min} to ${max}, but is ${shown(value)}`)
  }
}
