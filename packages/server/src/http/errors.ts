import { ERROR_CODES, EvertickError, type ErrorCode, type Logger, type Problem } from '@evertick/core'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { ProblemDocument } from './schemas/problem.js'
import { isValidationError, MOST_PROBLEMS, problemsOf } from './validation.js'

/**
 * The HTTP status of every code. 400: the request must change; 409: the thing it names must; 503: try again later.
 * Codes that runs record, and that answer no request, count as a fault of ours if they ever do.
 */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = Object.freeze({
  INVALID_OPTION: 400,
  INVALID_SCHEDULE: 400,
  INVALID_TRIGGER: 400,
  INVALID_CALENDAR: 400,
  NEVER_FIRES: 400,
  INVALID_INPUT: 400,
  INVALID_QUERY: 400,
  PAYLOAD_TOO_LARGE: 413,
  UNKNOWN_TASK: 400,
  SCHEDULE_EXISTS: 409,
  SCHEDULE_NOT_FOUND: 404,
  CALENDAR_NOT_FOUND: 404,
  RUN_NOT_FOUND: 404,
  REVISION_CONFLICT: 412,
  ILLEGAL_STATE: 409,
  SESSION_EXPIRED: 503,
  LEASE_LOST: 409,
  LOCK_TIMEOUT: 409,
  STORE_UNAVAILABLE: 503,
  STORE_UNREADABLE: 503,
  STORE_VERSION: 503,
  STORE_CLOSED: 503,
  STORE_FULL: 507,
  STORE_UNSAFE: 503,
  UNSUPPORTED: 501,
  STORE_REPLACED: 503,
  STORE_NOT_EMPTY: 409,
  MOVE_DIFFERS: 409,
  INVALID_EXPORT: 400,
  EXPORT_VERSION: 400,
  MISFIRE: 500,
  OVERLAP: 500,
  HANDLER_FAILED: 500,
  TIMEOUT: 500,
  CANCELLED: 500,
  STOPPING: 500,
  ABANDONED: 500,
  HTTP_STATUS: 500,
  HTTP_FAILED: 500,
  COMMAND_FAILED: 500,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  BAD_REQUEST: 400,
  INTERNAL: 500,
})

const PROBLEM_TYPE = 'application/problem+json'

/** What `statusOf` cannot tell from the code alone: a refusal of the HTTP layer itself, with its own status. */
export class HttpError extends EvertickError {
  override readonly name = 'HttpError'

  constructor(
    readonly status: number,
    code: ErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message)
  }
}

/** The error of a request whose `field` is not what it must be. */
export function invalid(code: ErrorCode, path: string, rule: string, message: string): EvertickError {
  return new EvertickError(code, message, { problems: [{ path, rule, message }] })
}

export function scheduleNotFound(id: string): EvertickError {
  return new EvertickError('SCHEDULE_NOT_FOUND', `There is no schedule ${JSON.stringify(id)}`)
}

export function calendarNotFound(name: string): EvertickError {
  return new EvertickError('CALENDAR_NOT_FOUND', `There is no calendar ${JSON.stringify(name)}`)
}

export function runNotFound(id: string): EvertickError {
  return new EvertickError('RUN_NOT_FOUND', `There is no run ${JSON.stringify(id)}`)
}

/** Answers `error` as a problem document (RFC 9457). Only what is our own fault is logged, and never told. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const problem = toProblem(error, request)
  if (problem.code === 'INTERNAL') {
    log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'A request failed')
  }
  if (error instanceof HttpError) reply.headers(error.headers)
  else if (problem.status === 503) reply.header('retry-after', '1')
  reply.code(problem.status).type(PROBLEM_TYPE).send(problem)
}

function toProblem(error: unknown, request: FastifyRequest): ProblemDocument {
  if (error instanceof HttpError) return problem(error.code, error.message, error.problems, error.status)
  if (error instanceof EvertickError) return problem(error.code, error.message, error.problems)
  if (isValidationError(error)) {
    const problems = problemsOf(error.validation, error.validationContext)
    const code = error.validationContext === 'body' ? 'BAD_REQUEST' : 'INVALID_QUERY'
    return problem(code, problems.map(({ message }) => message).join('; '), problems)
  }
  const { statusCode } = error as Partial<FastifyError>
  // What Fastify refuses before a route sees it: too large, not JSON, of another type, cut off.
  if (statusCode === 413) {
    const limit = request.routeOptions.bodyLimit
    return problem('PAYLOAD_TOO_LARGE', `The body must have at most ${limit} bytes`)
  }
  if (statusCode === 415) {
    const type = JSON.stringify(request.headers['content-type'] ?? '')
    return problem('BAD_REQUEST', `The content type must be application/json, but is ${type}`, [], 415)
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem('BAD_REQUEST', (error as Error).message, [], statusCode)
  }
  return problem('INTERNAL', 'Evertick failed to answer this request; its log says why')
}

function problem(
  code: ErrorCode,
  detail: string,
  problems: readonly Problem[] = [],
  status = HTTP_STATUS[code],
): ProblemDocument {
  return {
    type: `urn:evertick:error:${code}`,
    title: ERROR_CODES[code],
    status,
    code,
    detail,
    errors: problems.slice(0, MOST_PROBLEMS).map(({ path, rule, message }) => ({ path, rule, message })),
  }
}
