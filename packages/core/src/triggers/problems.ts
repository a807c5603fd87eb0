import { closest, InvalidError, type Problem } from '../domain/errors.js'

const LONGEST_QUOTE = 60

/** A value as messages show it: JSON, cut where it is long. */
export function quote(value: unknown): string {
  if (value === undefined) return 'missing'
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value)
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text
}

/** `; did you mean "minutes"?`, or nothing when no candidate is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const match = closest(word, candidates)
  return match === null ? '' : `; did you mean "${match}"?`
}

/** The fields that every kind of trigger has; they are read before the kind sees its JSON. */
export const MODIFIER_FIELDS = ['start', 'end', 'exclude'] as const

/** A problem for every field that is not one of `known`. `path` is that of the object, empty for the trigger itself. */
export function unknownFields(value: object, known: readonly string[], path = ''): Problem[] {
  if (path !== '') return strangers(value, known, `${path}.`, path)
  return strangers(value, [...new Set([...known, ...MODIFIER_FIELDS])], '', 'The trigger')
}

/** As {@link unknownFields}, for the object that messages call `name`. `prefix` is that of its fields' paths. */
export function strangers(value: object, known: readonly string[], prefix: string, name: string): Problem[] {
  return Object.keys(value)
    .filter((field) => !known.includes(field))
    .map((field) => ({
      path: prefix + field,
      rule: 'field.unknown',
      message: `${name} has no field ${quote(field)} (it has ${known.join(', ')})${didYouMean(field, known)}`,
    }))
}

/** One problem, as the error that reports it. */
export function invalid(path: string, rule: string, message: string): InvalidError {
  return new InvalidError('INVALID_TRIGGER', [{ path, rule, message }])
}

/** A trigger that can be understood, but that no instant matches. */
export function neverFires(path: string, rule: string, message: string): InvalidError {
  return new InvalidError('NEVER_FIRES', [{ path, rule, message }])
}

/** @throws {InvalidError} INVALID_TRIGGER, unless there are no problems. */
export function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new InvalidError('INVALID_TRIGGER', problems)
}

/** What `read` gives; when it refuses, `null`, and its problems are added to `problems`. */
export function collect<T>(problems: Problem[], read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (!isOfTrigger(error)) throw error
    problems.push(...error.problems)
    return null
  }
}

/**
 * Collects what is wrong in several places, each with a code of its own: NEVER_FIRES only when nothing else is wrong.
 */
export class Refusals {
  readonly #problems: Problem[] = []
  #onlyNever = true

  add(problems: readonly Problem[]): void {
    if (problems.length > 0) this.#onlyNever = false
    this.#problems.push(...problems)
  }

  /** What `read` gives, or `null` when it refuses. `place` goes before the paths of its problems. */
  try<T>(read: () => T, place = ''): T | null {
    try {
      return read()
    } catch (error) {
      if (!isOfTrigger(error)) throw error
      if (error.code !== 'NEVER_FIRES') this.#onlyNever = false
      this.#problems.push(
        ...error.problems.map((problem) => (place === '' ? problem : within(place, problem))),
      )
      return null
    }
  }

  /** @throws {InvalidError} INVALID_TRIGGER or NEVER_FIRES, unless nothing was refused. */
  throw(): void {
    if (this.#problems.length === 0) return
    throw new InvalidError(this.#onlyNever ? 'NEVER_FIRES' : 'INVALID_TRIGGER', this.#problems)
  }
}

/** A calendar that cannot be read, say, is no fault of the trigger that names it. */
function isOfTrigger(error: unknown): error is InvalidError {
  return error instanceof InvalidError && (error.code === 'INVALID_TRIGGER' || error.code === 'NEVER_FIRES')
}

function within(place: string, { path, rule, message }: Problem): Problem {
  const inner = path === '' || path.startsWith('[') ? path : `.${path}`
  return { path: place + inner, rule, message: `in ${place}: ${message}` }
}
