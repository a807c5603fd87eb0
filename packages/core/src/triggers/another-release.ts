import { InvalidError } from '../domain/errors.js'

/**
 * Whether a trigger could not be compiled because a newer release wrote it, or a calendar that it refers to: what this
 * release takes, it can also compile. Such a schedule is to be left as it is.
 */
export function isOfAnotherRelease(error: unknown): boolean {
  if (!(error instanceof InvalidError)) return false
  return error.code === 'INVALID_CALENDAR' || error.problems.some(({ rule }) => rule === 'kind.known')
}
