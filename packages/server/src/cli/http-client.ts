import { toIso, type Clock, type Problem } from '@evertick/core'
import type { Client } from './client.js'
import { ApiError, UnreachableError, UsageError } from './failures.js'
import { httpLocks } from './http-locks.js'

// A server that is up answers within milliseconds; one that has not after this long will not.
const TIMEOUT_MS = 15_000

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** A client over the HTTP API of the server at `url`. Nothing is sent before the first call. */
export function httpClient(url: string, token: string | null, clock: Clock): Client {
  const api = new Api(baseOf(url), token, clock)
  const schedule = (id: string): string => `schedules/${encodeURIComponent(id)}`
  const calendar = (name: string): string => `calendars/${encodeURIComponent(name)}`
  const run = (id: string): string => `runs/${encodeURIComponent(id)}`
  const locks = httpLocks((path, body) => api.call('POST', path, { body }), clock)
  return {
    putSchedule: (body, options) => api.call('POST', 'schedules', { query: { ...options }, body }),
    getSchedule: (id) => api.call('GET', schedule(id)),
    listSchedules: (filter) => api.call('GET', 'schedules', { query: { ...filter } }),
    pauseSchedule: (id, reason) => api.call('POST', `${schedule(id)}/pause`, { body: { reason } }),
    resumeSchedule: (id) => api.call('POST', `${schedule(id)}/resume`),
    removeSchedule: (id) => api.call('DELETE', schedule(id)),
    runSchedule: (id, input) => api.call('POST', `${schedule(id)}/run`, { body: { input } }),
    upcoming: (id, count) => api.call('GET', `${schedule(id)}/upcoming`, { query: { count } }),
    listRuns: (filter) => api.call('GET', 'runs', { query: { ...filter } }),
    getRun: (id) => api.call('GET', run(id)),
    readLog: (id, after) => api.call('GET', `${run(id)}/log`, { query: { after, limit: 1000 } }),
    cancelRun: (id) => api.call('POST', `${run(id)}/cancel`),
    retryRun: (id) => api.call('POST', `${run(id)}/retry`),
    listNodes: () => api.call('GET', 'nodes'),
    preview: ({ trigger, from, count, locale }) =>
      api.call('POST', 'triggers/preview', {
        query: { locale },
        body: { trigger, from: toIso(from), count },
      }),
    stats: () => api.call('GET', 'stats'),
    putCalendar: (definition) => api.call('PUT', calendar(definition.name), { body: definition }),
    getCalendar: (name) => api.call('GET', calendar(name)),
    listCalendars: (page) => api.call('GET', 'calendars', { query: { ...page } }),
    removeCalendar: (name) => api.call('DELETE', calendar(name)),
    locks,
    listLocks: (filter) => api.call('GET', 'locks', { query: { ...filter } }),
    [Symbol.asyncDispose]: () => locks.stop(),
  }
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : null
  if (base === null || (base.protocol !== 'http:' && base.protocol !== 'https:'))
    throw new UsageError(
      `--server must be a URL such as http://127.0.0.1:4747, but is ${JSON.stringify(url)}`,
    )
  if (base.username !== '' || base.password !== '')
    throw new UsageError('--server must not contain a user name or a password; use --token')
  base.pathname = base.pathname.replace(/\/*$/, '/')
  return base
}

class Api {
  readonly #base: URL
  readonly #token: string | null
  readonly #clock: Clock

  constructor(base: URL, token: string | null, clock: Clock) {
    this.#base = base
    this.#token = token
    this.#clock = clock
  }

  /** The types of the answers are those of the API's schemas, which the server's tests hold it to. */
  async call<Answer>(
    method: string,
    path: string,
    send: { query?: Query; body?: unknown } = {},
  ): Promise<Answer> {
    const url = new URL(`api/v1/${path}`, this.#base)
    for (const [name, value] of Object.entries(send.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const { status, text } = await this.#exchange(url, {
      method,
      headers: {
        accept: 'application/json',
        ...(send.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
      },
      ...(send.body === undefined ? {} : { body: JSON.stringify(send.body) }),
    })
    if (status === 204) return undefined as Answer
    const answer = parse(text)
    if (status < 300 && answer !== undefined) return answer as Answer
    throw this.#refusal(status, answer)
  }

  async #exchange(url: URL, init: RequestInit): Promise<{ status: number; text: string }> {
    const controller = new AbortController()
    const cancel = this.#clock.setTimer(() => controller.abort(), TIMEOUT_MS)
    try {
      const response = await fetch(url, { ...init, signal: controller.signal })
      return { status: response.status, text: await response.text() }
    } catch (error) {
      const why = controller.signal.aborted
        ? `it did not answer within ${TIMEOUT_MS / 1000} s`
        : causeOf(error)
      throw new UnreachableError(
        `no Evertick server at ${this.#base.origin}: ${why}. ` +
          'Start one with `evertick serve`, or name another place with --server or --store',
        { cause: error },
      )
    } finally {
      cancel()
    }
  }

  #refusal(status: number, answer: unknown): Error {
    const { code, detail, errors } = (answer ?? {}) as { code?: unknown; detail?: unknown; errors?: unknown }
    if (typeof code === 'string' && typeof detail === 'string')
      return new ApiError(code, detail, Array.isArray(errors) ? (errors as Problem[]) : [])
    return new UnreachableError(
      `what answers at ${this.#base.origin} is not Evertick: it said ${status} without an error of ours`,
    )
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** fetch says only "fetch failed"; what happened is in the cause, or in the first of several. */
function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return causeOf(error.errors[0])
  if (error instanceof Error && error.cause instanceof Error) return causeOf(error.cause)
  return error instanceof Error ? error.message : String(error)
}
