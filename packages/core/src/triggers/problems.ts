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

/** A problem for every field that is not one of `known`. `path` is that of the object, empty for the trigger itself. */
export function unknownFields(value: object, known: readonly string[], path = ''): Problem[] {
  return Object.keys(value)
    .filter((field) => !known.includes(field))
    .map((field) => ({
      path: path === '' ? field : `${path}.${field}`,
      rule: 'field.unknown',
      message:
        `${path === '' ? 'The trigger' : path} has no field ${quote(field)} ` +
        `(it has ${known.join(', ')})${didYouMean(field, known)}`,
    }))
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
    if (!(error instanceof InvalidError)) throw error
    problems.push(...error.problems)
    return null
  }
}
