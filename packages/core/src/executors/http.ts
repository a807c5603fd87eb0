import { type Clock, systemClock } from '../domain/clock.js'
import { defineTask } from '../domain/define-task.js'
import type { JsonValue } from '../domain/json.js'
import type { Task, TaskContext } from '../domain/task.js'
import { SIZE_LIMITS } from '../domain/policies.js'
import { BoundedBytes, cutToJsonBytes, jsonBytes } from './bounded-text.js'
import { httpInput, type HttpInput } from './http-input.js'
import { TaskFailedError } from './task-failed-error.js'

export interface HttpTaskOptions {
  /** @default 'http' */
  readonly name?: string
  /** Measures how long a request takes. @default systemClock */
  readonly clock?: Clock
}

/** What a request that was accepted leaves as the run's result. */
export interface HttpResult {
  readonly status: number
  readonly durationMs: number
  readonly headers: { readonly 'content-type': string | null }
  /** Parsed if it is whole and says that it is JSON, otherwise text. */
  readonly body: JsonValue
  /** There was more than `maxResponseBytes`, or than a result may hold. */
  readonly truncated: boolean
}

/**
 * A task that makes one HTTP request, so that a schedule can call a service in any language.
 *
 * The request carries `Evertick-Run`, `Evertick-Attempt`, `Evertick-Fence`, `Evertick-Fire-Time` and, the same for
 * every attempt, `Idempotency-Key`. An attempt fails with HTTP_STATUS on a status that is not accepted (without retries
 * for 4xx other than 408, 425 and 429) and with HTTP_FAILED when no response came. Of a response at most
 * `maxResponseBytes` are downloaded. The attempt's timeout covers all of it.
 */
export function httpTask(options: HttpTaskOptions = {}): Task<HttpInput> {
  const clock = options.clock ?? systemClock
  return defineTask({
    name: options.name ?? 'http',
    description: 'Makes one HTTP request.',
    input: httpInput,
    run: (context) => request(context, clock),
  })
}

async function request(context: TaskContext<HttpInput>, clock: Clock): Promise<HttpResult> {
  const { input, signal } = context
  const startedAt = clock.monotonic()
  // The query may hold secrets, and what fails is read by more people than the schedule is.
  const target = `${input.method} ${input.url.replace(/[?#].*$/s, '')}`
  try {
    const response = await fetch(input.url, {
      method: input.method,
      headers: headersOf(context),
      ...(input.body !== undefined && {
        body: typeof input.body === 'string' ? input.body : JSON.stringify(input.body),
      }),
      redirect: input.redirect === 'follow' ? 'follow' : 'manual',
      signal,
    })
    const content = await readBody(response, input.maxResponseBytes)
    if (!input.acceptStatus.some(({ from, to }) => response.status >= from && response.status <= to))
      throw statusError(target, response, content.text())
    const contentType = response.headers.get('content-type')
    return {
      status: response.status,
      durationMs: Math.round(clock.monotonic() - startedAt),
      headers: { 'content-type': contentType?.slice(0, LONGEST_TYPE) ?? null },
      ...bodyOf(content, contentType),
    }
  } catch (error) {
    if (error instanceof TaskFailedError) throw error
    // Ours to tell apart: a timeout, a cancellation and a lost lease all arrive as the signal's reason.
    signal.throwIfAborted()
    throw new TaskFailedError('HTTP_FAILED', `${target} failed: ${causeOf(error)}`, {
      cause: error,
      retryable: true,
    })
  }
}

function headersOf({ input, run, attempt, fence, fireTime }: TaskContext<HttpInput>): Headers {
  const headers = new Headers(input.headers)
  if (!headers.has('user-agent')) headers.set('user-agent', 'Evertick')
  if (input.body !== undefined && typeof input.body !== 'string' && !headers.has('content-type'))
    headers.set('content-type', 'application/json')
  headers.set('evertick-run', run.id)
  headers.set('evertick-attempt', String(attempt))
  headers.set('evertick-fence', String(fence))
  headers.set('evertick-fire-time', fireTime.toISOString())
  headers.set('idempotency-key', run.id)
  return headers
}

async function readBody(response: Response, limit: number): Promise<BoundedBytes> {
  const content = new BoundedBytes(limit)
  if (response.body === null) return content
  // Leaving the loop cancels the stream, which ends the connection: the rest is not downloaded.
  for await (const chunk of response.body) {
    content.add(chunk as Uint8Array)
    if (content.truncated) break
  }
  return content
}

const LONGEST_TYPE = 200
// For the status, the duration and the content type.
const ENVELOPE_BYTES = 1024

function bodyOf(content: BoundedBytes, contentType: string | null): Pick<HttpResult, 'body' | 'truncated'> {
  const room = SIZE_LIMITS.result - ENVELOPE_BYTES
  const text = content.text(charsetOf(contentType))
  if (!content.truncated && /^[\w.+-]+\/(?:[\w.-]+\+)?json\b/i.test(contentType ?? '')) {
    try {
      const body = JSON.parse(text) as JsonValue
      if (jsonBytes(body) <= room) return { body, truncated: false }
    } catch {
      // Not JSON after all, or nested too deeply to be stored: it is kept as the text that it is.
    }
  }
  const body = cutToJsonBytes(text, room)
  return { body, truncated: content.truncated || body.length < text.length }
}

function charsetOf(contentType: string | null): string {
  const charset = /;\s*charset="?([\w:.-]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset).encoding
  } catch {
    return 'utf-8'
  }
}

// The server says that it may answer differently later: too slow, too early, too often.
const TEMPORARY = new Set([408, 425, 429])
const EXCERPT_LENGTH = 300

function statusError(target: string, response: Response, text: string): TaskFailedError {
  const { status, statusText } = response
  const location = status >= 300 && status < 400 ? response.headers.get('location') : null
  const details = [
    location === null ? '' : ` (a redirect to ${location}, which the input does not allow)`,
    text.trim() === '' ? '' : `: ${text.trim().slice(0, EXCERPT_LENGTH)}`,
  ]
  return new TaskFailedError(
    'HTTP_STATUS',
    `${target} answered ${`${status} ${statusText}`.trim()}${details.join('')}`,
    { retryable: status < 400 || status >= 500 || TEMPORARY.has(status) },
  )
}

/** fetch says only "fetch failed"; what happened is in the cause, or in the first of several. */
function causeOf(error: unknown): string {
  const inner =
    error instanceof AggregateError && error.errors.length > 0
      ? (error.errors[0] as unknown)
      : error instanceof Error && error.cause instanceof Error
        ? error.cause
        : null
  if (inner !== null) return causeOf(inner)
  if (!(error instanceof Error)) return String(error)
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  if (code === 'ECONNREFUSED' && address !== undefined)
    return `connection refused (${code} ${address}:${port})`
  return code === undefined || error.message.includes(code) ? error.message : `${error.message} (${code})`
}
