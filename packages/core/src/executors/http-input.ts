import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type FieldChecks, shown } from '../domain/field-checks.js'
import { isPlainObject, type JsonValue } from '../domain/json.js'
import { SIZE_LIMITS } from '../domain/policies.js'
import { inputSchema } from './input-schema.js'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
const REDIRECTS = ['follow', 'error'] as const

/** Statuses from `from` to `to`, both included. */
interface StatusRange {
  readonly from: number
  readonly to: number
}

/** The input of an HTTP task, complete. */
export interface HttpInput {
  readonly url: string
  readonly method: (typeof METHODS)[number]
  readonly headers: Readonly<Record<string, string>>
  /** `undefined`: none. Text is sent as it is, anything else as JSON. */
  readonly body: JsonValue | undefined
  readonly acceptStatus: readonly StatusRange[]
  readonly maxResponseBytes: number
  readonly redirect: (typeof REDIRECTS)[number]
}

const FIELDS = [
  'url',
  'method',
  'headers',
  'body',
  'acceptStatus',
  'maxResponseBytes',
  'redirect',
] as const satisfies readonly (keyof HttpInput)[]

const ACCEPTED: readonly StatusRange[] = [{ from: 200, to: 299 }]
const MAX_URL_LENGTH = 8192
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
// Visible ASCII, Latin-1, tabs and spaces: a line break would begin another header.
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
// The first five would break the framing of the request, the others say which run it is.
const RESERVED_HEADERS = new Set([
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'expect',
  'evertick-run',
  'evertick-attempt',
  'evertick-fence',
  'evertick-fire-time',
  'idempotency-key',
])

/** Which requests an HTTP task can make. Refuses what could not be sent, or would not mean what it seems to. */
export const httpInput: StandardSchemaV1<unknown, HttpInput> = inputSchema(FIELDS, (given, checks) => {
  const body = given['body'] as JsonValue | undefined
  const method = given['method'] ?? (body === undefined ? 'GET' : 'POST')
  const redirect = given['redirect'] ?? 'follow'
  const limit = given['maxResponseBytes'] ?? SIZE_LIMITS.result
  checkUrl(given['url'], checks)
  checks.oneOf('method', method, METHODS)
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    checks.add('body', 'body.method', `cannot be sent with ${method}; use POST, PUT or PATCH`)
  checks.oneOf('redirect', redirect, REDIRECTS)
  checks.integer('maxResponseBytes', limit, 0, SIZE_LIMITS.result)
  return {
    url: given['url'] as string,
    method: method as HttpInput['method'],
    headers: readHeaders(given['headers'], checks),
    body,
    acceptStatus: readStatuses(given['acceptStatus'], checks),
    maxResponseBytes: limit as number,
    redirect: redirect as HttpInput['redirect'],
  }
})

function checkUrl(url: unknown, checks: FieldChecks): void {
  if (!checks.text('url', url, MAX_URL_LENGTH)) return
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null)
    checks.add('url', 'url', `must be a whole URL such as https://example.org/path, but is ${shown(url)}`)
  else if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    checks.add('url', 'url.protocol', `must begin with http:// or https://, but is ${shown(url)}`)
  else if (parsed.username !== '' || parsed.password !== '')
    checks.add(
      'url',
      'url.credentials',
      'must not contain a user name or a password; send an authorization header',
    )
}

function readHeaders(headers: unknown, checks: FieldChecks): Record<string, string> {
  if (headers === undefined) return {}
  if (!isPlainObject(headers)) {
    checks.add('headers', 'object', `must be an object of names and texts, but is ${shown(headers)}`)
    return {}
  }
  for (const [name, value] of Object.entries(headers)) {
    const path = `headers.${name}`
    if (!HEADER_NAME.test(name))
      checks.add(path, 'header.name', `is not a header: ${shown(name)} is no HTTP name`)
    else if (RESERVED_HEADERS.has(name.toLowerCase()))
      checks.add(path, 'header.reserved', 'cannot be given: Evertick sets this header itself')
    // The value may be a secret, so it is not shown.
    else if (typeof value !== 'string' || !HEADER_VALUE.test(value))
      checks.add(path, 'header.value', 'must be text without line breaks or characters beyond Latin-1')
  }
  return headers as Record<string, string>
}

function readStatuses(accept: unknown, checks: FieldChecks): readonly StatusRange[] {
  if (accept === undefined) return ACCEPTED
  const given: unknown[] = Array.isArray(accept) ? accept : [accept]
  const ranges = given.map(statusRange)
  if (ranges.length > 0 && !ranges.includes(null)) return ranges as StatusRange[]
  checks.add(
    'acceptStatus',
    'status',
    `must be a status, a range such as "200-299", or a list of these, but is ${shown(accept)}`,
  )
  return ACCEPTED
}

function statusRange(given: unknown): StatusRange | null {
  if (typeof given !== 'number' && typeof given !== 'string') return null
  const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(String(given))
  if (match === null) return null
  const from = Number(match[1])
  const to = Number(match[2] ?? match[1])
  return from <= to ? { from, to } : null
}
