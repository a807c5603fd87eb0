import { EvertickError, messageOf, type ErrorCode } from '../../domain/errors.js'

/** What `error`, which a statement or a connection ended with, means to a caller of the store. */
export function storeError(error: unknown, location: string): Error {
  if (error instanceof EvertickError) return error
  const cause = error instanceof Error ? error : new Error(String(error))
  const reason = reasonOf(cause)
  const state = sqlStateOf(cause)
  const failed = (code: ErrorCode, words: string): EvertickError =>
    new EvertickError(code, `PostgreSQL at ${location} ${words}: ${reason}`, { cause })
  if (state === null || isPassing(state)) return failed('STORE_UNAVAILABLE', 'did not carry this out')
  if (state === '53100') return failed('STORE_FULL', 'takes no more')
  if (state.startsWith('28') || state === '42501') return failed('STORE_UNREADABLE', 'refuses this user')
  if (state === '3D000') return failed('STORE_UNREADABLE', 'has no such database')
  if (state === '42P01' || state === '3F000')
    return failed('STORE_UNREADABLE', 'no longer has the tables that were opened')
  return failed('INTERNAL', 'refused a step of Evertick')
}

/** The five characters with which the server says what was wrong; `null` when it did not answer at all. */
export function sqlStateOf(error: unknown): string | null {
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  return typeof code === 'string' && severity !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : null
}

/**
 * Of the moment, and worth another try: lost connections, too many of them, a server that starts, stops or has become a
 * replica, a lock or an answer that took too long, a transaction that was sacrificed.
 */
function isPassing(state: string): boolean {
  return /^(?:08|57P|40|53[^1])/.test(state) || ['57014', '55P03', '25P03', '25006'].includes(state)
}

/** Several addresses of one host fail together, in an error that has no words of its own. */
function reasonOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message
  return error.errors.map(messageOf).join('; ')
}
