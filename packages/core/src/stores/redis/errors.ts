import { EvertickError, SessionExpiredError } from '../../domain/errors.js'

/** The store's data is not what this process found when it opened it. */
const REPLACED_MESSAGE =
  'Redis no longer holds the data that this process opened: it came back empty, or another was put in its place. ' +
  'Restore the data, or start the nodes again to begin anew'

/** This server is new to the store, and has to be told first what the nodes saw there before. */
export class NotRejoinedError extends EvertickError {
  /** Its run id. */
  readonly server: string

  constructor(location: string, server: string, options?: ErrorOptions) {
    super(
      'STORE_UNAVAILABLE',
      `Redis at ${location} has just come back or taken over, and waits for the nodes that live; nothing was written`,
      options,
    )
    this.server = server
  }
}

/** What `error`, which a command ended with, means to a caller of the store. */
export function storeError(error: unknown, location: string): Error {
  if (error instanceof EvertickError) return error
  const cause = withoutCommand(error instanceof Error ? error : new Error(String(error)))
  const { message } = cause
  if (!isReply(cause)) return unavailable(location, cause)
  if (message.includes('EVERTICK STORE_REPLACED'))
    return new EvertickError('STORE_REPLACED', REPLACED_MESSAGE, { cause })
  const server = /EVERTICK NOT_REJOINED (\S+)/.exec(message)?.[1]
  if (server !== undefined) return new NotRejoinedError(location, server, { cause })
  const session = /EVERTICK SESSION_EXPIRED (\S+)/.exec(message)?.[1]
  if (session !== undefined) return new SessionExpiredError(session, { cause })
  switch (/^[A-Z]+/.exec(message)?.[0]) {
    case 'OOM':
    case 'MISCONF':
      return new EvertickError('STORE_FULL', `Redis at ${location} takes no more: ${message}`, { cause })
    case 'NOAUTH':
    case 'WRONGPASS':
    case 'NOPERM':
      return new EvertickError('STORE_UNREADABLE', `Redis at ${location} refuses this user: ${message}`, {
        cause,
      })
    case 'READONLY':
    case 'LOADING':
    case 'MASTERDOWN':
    case 'CLUSTERDOWN':
    case 'TRYAGAIN':
    case 'BUSY':
    case 'UNBLOCKED':
    case 'NOREPLICAS':
      return unavailable(location, cause)
    default:
      return new EvertickError('INTERNAL', `Redis at ${location} refused a step of Evertick: ${message}`, {
        cause,
      })
  }
}

/** The driver adds the command to its errors, and so passwords, what runs are given, and whole scripts. */
function withoutCommand(error: Error): Error {
  const told: Error & { command?: unknown; lastNodeError?: unknown } = error
  delete told.command
  if (told.lastNodeError instanceof Error) withoutCommand(told.lastNodeError)
  return told
}

function unavailable(location: string, cause: Error): EvertickError {
  return new EvertickError('STORE_UNAVAILABLE', `Redis at ${location} did not answer: ${reasonOf(cause)}`, {
    cause,
  })
}

/** Where the driver speaks of its options, which are not those of the reader, what it means by that. */
function reasonOf({ name, message }: Error): string {
  if (name === 'MaxRetriesPerRequestError') return 'the connection ended before the answer'
  if (message.startsWith("Stream isn't writeable")) return 'there is no connection at the moment'
  return message
}

/** Whether the server itself answered with this error. */
export function isReply(error: unknown): boolean {
  return (error as { name?: unknown } | null)?.name === 'ReplyError'
}
