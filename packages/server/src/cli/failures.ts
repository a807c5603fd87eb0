import { EvertickError, type Problem } from '@evertick/core'
import type { CliIo } from './io.js'
import { printable } from './printable.js'

/** What the exit code of a command says; scripts rely on it. */
export const EXIT = Object.freeze({
  ok: 0,
  failed: 1,
  invalid: 2,
  notFound: 3,
  conflict: 4,
  unreachable: 5,
  /** As EX_TEMPFAIL of sysexits.h: try again later. */
  lockTimeout: 75,
  lockLost: 76,
  /** As a shell says it. */
  commandNotStarted: 127,
  interrupted: 130,
})

/** The command line cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'USAGE'
}

/** Nobody answers, or something that is not Evertick does. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
  readonly code = 'UNREACHABLE'
}

/** A refusal as the server told it. */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  constructor(
    readonly code: string,
    message: string,
    readonly problems: readonly Problem[],
  ) {
    super(message)
  }
}

const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  USAGE: EXIT.invalid,
  INVALID_OPTION: EXIT.invalid,
  INVALID_SCHEDULE: EXIT.invalid,
  INVALID_TRIGGER: EXIT.invalid,
  INVALID_INPUT: EXIT.invalid,
  INVALID_QUERY: EXIT.invalid,
  INVALID_CALENDAR: EXIT.invalid,
  NEVER_FIRES: EXIT.invalid,
  PAYLOAD_TOO_LARGE: EXIT.invalid,
  UNKNOWN_TASK: EXIT.invalid,
  INVALID_EXPORT: EXIT.invalid,
  EXPORT_VERSION: EXIT.invalid,
  BAD_REQUEST: EXIT.invalid,
  SCHEDULE_NOT_FOUND: EXIT.notFound,
  CALENDAR_NOT_FOUND: EXIT.notFound,
  RUN_NOT_FOUND: EXIT.notFound,
  NOT_FOUND: EXIT.notFound,
  SCHEDULE_EXISTS: EXIT.conflict,
  REVISION_CONFLICT: EXIT.conflict,
  ILLEGAL_STATE: EXIT.conflict,
  STORE_NOT_EMPTY: EXIT.conflict,
  LOCK_TIMEOUT: EXIT.lockTimeout,
  LEASE_LOST: EXIT.lockLost,
  COMMAND_FAILED: EXIT.commandNotStarted,
  UNREACHABLE: EXIT.unreachable,
  STORE_UNAVAILABLE: EXIT.unreachable,
  STORE_UNREADABLE: EXIT.unreachable,
  STORE_VERSION: EXIT.unreachable,
  STORE_CLOSED: EXIT.unreachable,
}

/** Whether an error says that what was given is wrong or does not fit, so that something else may still be taken. */
export function isRefusal(error: unknown): error is EvertickError | ApiError {
  if (!(error instanceof EvertickError || error instanceof ApiError)) return false
  const code = EXIT_OF_CODE[error.code]
  return code === EXIT.invalid || code === EXIT.conflict
}

interface Failure {
  readonly code: string
  readonly detail: string
  readonly errors: readonly Problem[]
}

/**
 * Tells the user what went wrong: `error CODE: message` and a line per problem, or with `json` one object. Answers the
 * exit code.
 */
export function reportFailure(error: unknown, io: CliIo, json: boolean): number {
  const failure = failureOf(error)
  io.stderr.write(json ? `${JSON.stringify(failure)}\n` : inWords(failure))
  return EXIT_OF_CODE[failure.code] ?? EXIT.failed
}

function failureOf(error: unknown): Failure {
  if (error instanceof EvertickError || error instanceof ApiError)
    return { code: error.code, detail: error.message, errors: error.problems }
  if (error instanceof UsageError || error instanceof UnreachableError)
    return { code: error.code, detail: error.message, errors: [] }
  // Nothing of ours: a bug, so whoever reports it needs to know where.
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'INTERNAL', detail, errors: [] }
}

function inWords({ code, detail, errors }: Failure): string {
  // The detail of several problems repeats all of them in one line.
  const headline = errors.length > 1 ? `${errors.length} problems` : detail
  const lines = errors
    .filter(({ message }) => message !== headline)
    .map(({ path, message }) => (path === '' ? `  ${message}` : `  ${path}: ${withoutPath(message, path)}`))
  return [`error ${code}: ${headline}`, ...lines].map((line) => `${printable(line)}\n`).join('')
}

/** Messages name their field themselves, so that they can stand alone. */
function withoutPath(message: string, path: string): string {
  return message.startsWith(`${path} `) ? message.slice(path.length + 1) : message
}
