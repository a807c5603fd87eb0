import { EvertickError, messageOf } from '../../domain/errors.js'

/** What SQLite, or the system under it, answered with. */
export function isStorageError(error: unknown): error is Error & { code?: string; errcode?: number } {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^(?:ERR_SQLITE|SQLITE)/.test(code)
}

const SQLITE_BUSY = 5
const SQLITE_FULL = 13
/** The file that processes share, and which tells where in the log what is, cannot grow. */
const SQLITE_IOERR_SHMSIZE = 4874

/** Another process is writing. */
export function isBusy(error: unknown): boolean {
  const { errcode, message } = error as { errcode?: number; message?: string }
  return errcode === undefined ? /database is locked/.test(message ?? '') : (errcode & 0xff) === SQLITE_BUSY
}

/** The disk has no room. */
export function isFull(error: unknown): boolean {
  const { errcode, message } = error as { errcode?: number; message?: string }
  if (errcode === undefined) return /database or disk is full/.test(message ?? '')
  return errcode === SQLITE_FULL || errcode === SQLITE_IOERR_SHMSIZE
}

/** A file that answers with anything but "busy" or "full" is not one that we can use. */
export function openingError(location: string, error: unknown): EvertickError {
  if (!(error instanceof EvertickError)) return unreadable(location, error)
  if (error.code !== 'STORE_UNAVAILABLE' || isBusy(error.cause)) return error
  return unreadable(location, error.cause)
}

export function closed(location: string): EvertickError {
  return new EvertickError('STORE_CLOSED', `The store ${location} has been closed`)
}

export function unavailable(location: string, cause: Error): EvertickError {
  return new EvertickError(
    'STORE_UNAVAILABLE',
    `The store ${location} did not accept the request: ${cause.message}`,
    { cause },
  )
}

export function full(location: string, cause?: unknown): EvertickError {
  return new EvertickError(
    'STORE_FULL',
    `The disk of the store ${location} has no room: nothing new is written until there is; what ends runs and deletes is`,
    { cause },
  )
}

function unreadable(location: string, cause: unknown): EvertickError {
  const reason = messageOf(cause)
  return new EvertickError(
    'STORE_UNREADABLE',
    `The store ${location} cannot be opened as an SQLite file: ${reason}`,
    { cause },
  )
}
