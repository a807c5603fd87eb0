/**
 * One thing that is wrong with what a caller gave: where, which rule, and in words with the value.
 * `path` is dotted (`trigger.expression`, `retry.maxAttempts`), empty for the whole.
 */
export interface Problem {
  readonly path: string
  readonly rule: string
  readonly message: string
}

/**
 * Every code that an error of Evertick can carry, with its meaning. Codes are stable: callers branch on them,
 * the HTTP API sends them, and runs record them.
 */
export const ERROR_CODES = {
  INVALID_OPTION: 'An option of the library or the server is wrong.',
  INVALID_SCHEDULE: 'A schedule definition breaks a rule; `problems` names each field.',
  INVALID_TRIGGER: 'A trigger cannot be understood; `problems` names the field and the rule.',
  INVALID_CALENDAR: 'A named calendar breaks a rule; `problems` names each field.',
  NEVER_FIRES: 'The trigger has no fire time left, so the schedule would do nothing.',
  INVALID_INPUT: "The input does not fit the task's schema.",
  INVALID_QUERY: 'A filter, a limit or a cursor of a list is wrong.',
  PAYLOAD_TOO_LARGE: 'An input or a result exceeds its limit.',
  UNKNOWN_TASK: 'No node knows a task of this name.',
  SCHEDULE_EXISTS: 'A schedule with this id exists already.',
  SCHEDULE_NOT_FOUND: 'There is no schedule with this id.',
  CALENDAR_NOT_FOUND: 'There is no calendar with this name.',
  RUN_NOT_FOUND: 'There is no run with this id.',
  REVISION_CONFLICT: 'The schedule or calendar has changed since the revision that the caller saw.',
  ILLEGAL_STATE: 'The run, schedule or calendar is in a state that does not allow this.',
  SESSION_EXPIRED: "The node's session has expired; nothing was written.",
  LEASE_LOST: 'The run or lock is held under a newer fence, or by nobody; nothing was written.',
  LOCK_TIMEOUT: 'The lock was not to be had in time.',
  STORE_UNAVAILABLE: 'The store did not answer; whether it wrote is unknown, so call again.',
  STORE_UNREADABLE: 'The store is not what its URL says, is damaged, or may not be opened.',
  STORE_VERSION:
    'The schema of the store is newer than this release of Evertick, or older and may not be changed.',
  STORE_CLOSED: 'The store has been closed.',
  STORE_FULL: 'The store has no room; nothing was written. What ends runs and deletes is still accepted.',
  STORE_UNSAFE: 'The store could lose schedules by the way it is set up.',
  UNSUPPORTED: 'The store that is used cannot do this.',
  STORE_REPLACED: 'The store no longer holds the data that was opened.',
  STORE_NOT_EMPTY: 'What is moved would come among things of another origin; nothing was written.',
  MOVE_DIFFERS: 'After a move the target did not hold what was written to it.',
  INVALID_EXPORT: 'A line of an export cannot be understood; what came before it is written.',
  EXPORT_VERSION: 'An export was written by a newer release of Evertick.',
  MISFIRE: 'A fire time was not turned into a run within its misfire grace.',
  OVERLAP: 'The last run of the schedule was still going.',
  HANDLER_FAILED: 'The task failed.',
  TIMEOUT: 'The attempt ran longer than its timeout.',
  CANCELLED: 'The run was cancelled on request.',
  STOPPING: 'The node was stopping and its grace period was over.',
  ABANDONED: 'The node that held the run died or lost its lease.',
  HTTP_STATUS: 'The response had a status that the task does not accept.',
  HTTP_FAILED: 'The request could not be completed.',
  COMMAND_FAILED: 'The command could not be started, or ended with an exit code that is not accepted.',
  UNAUTHORIZED: 'The request carries no valid token.',
  FORBIDDEN: 'The request is not allowed here.',
  NOT_FOUND: 'There is nothing at this address.',
  BAD_REQUEST: 'The request cannot be understood.',
  INTERNAL: 'Evertick itself failed; this is a bug or a fault of the machine.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** The base of every error that Evertick throws on purpose. Branch on `code`, never on the message. */
export class EvertickError extends Error {
  override readonly name: string = 'EvertickError'
  readonly code: ErrorCode
  readonly problems: readonly Problem[]

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { problems?: readonly Problem[] }) {
    super(message, options)
    this.code = code
    this.problems = options?.problems ?? []
  }
}

/** What the caller gave is wrong. The message is the problems in words; nothing was written. */
export class InvalidError extends EvertickError {
  override readonly name = 'InvalidError'

  constructor(code: ErrorCode, problems: readonly Problem[], options?: ErrorOptions) {
    super(code, problems.map((problem) => problem.message).join('; '), { ...options, problems })
  }
}

/** A write under a lease that is no longer held. Nothing was written. */
export class LeaseLostError extends EvertickError {
  override readonly name = 'LeaseLostError'

  constructor(
    readonly runId: string,
    readonly fence: number,
    options?: ErrorOptions,
  ) {
    super('LEASE_LOST', `Run ${runId} is no longer held under fence ${fence}`, options)
  }
}

/** A lock that is not held any more: what was done under it must end. */
export class LockLostError extends EvertickError {
  override readonly name = 'LockLostError'

  constructor(
    readonly lock: string,
    readonly fence: number,
    options?: ErrorOptions,
  ) {
    super('LEASE_LOST', `Lock ${lock} is no longer held under fence ${fence}`, options)
  }
}

/** The node's session ended, by expiry or by leaving. It holds nothing any more and must start a new one. */
export class SessionExpiredError extends EvertickError {
  override readonly name = 'SessionExpiredError'

  constructor(
    readonly session: string,
    options?: ErrorOptions,
  ) {
    super('SESSION_EXPIRED', `Session ${session} has expired; a new session must be started`, options)
  }
}

/** Throw this from a handler to end the run without further retries. */
export class NonRetryableError extends Error {
  override readonly name = 'NonRetryableError'
}

/** What anything that was thrown says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The stable code of any thrown value, or `undefined` for one that is not ours. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof EvertickError ? error.code : undefined
}

/** The nearest of `candidates` to a mistyped `word`, when it is near enough to be meant. */
export function closest(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  const lower = word.toLowerCase()
  for (const candidate of candidates) {
    const distance = editDistance(lower, candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

// Hostile input must not buy quadratic time.
const LONGEST_WORD = 64

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > LONGEST_WORD || b.length > LONGEST_WORD)
    return limit
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      let best = Math.min(
        previous[j]! + 1,
        current[j - 1]! + 1,
        previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      )
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) best = Math.min(best, beforePrevious[j - 2]! + 1)
      current.push(best)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.length]!
}
