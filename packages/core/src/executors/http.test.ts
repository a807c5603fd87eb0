import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { SIZE_LIMITS } from '../domain/policies.js'
import type { TaskContext } from '../domain/task.js'
import { jsonBytes } from './bounded-text.js'
import { httpTask, type HttpResult } from './http.js'
import type { HttpInput } from './http-input.js'

const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function problems(input: unknown): Promise<string[]> {
  const outcome = await httpTask().inputSchema!['~standard'].validate(input)
  return (outcome.issues ?? []).map((issue) => `${issue.path?.map(String).join('.')}: ${issue.message}`)
}

async function run(input: object, signal = new AbortController().signal): Promise<HttpResult> {
  const task = httpTask()
  const outcome = await task.inputSchema!['~standard'].validate(input)
  if (outcome.issues !== undefined) throw new Error(outcome.issues[0]!.message)
  const silent = (): void => {}
  const context: TaskContext<HttpInput> = {
    input: outcome.value as HttpInput,
    run: {
      id: 'check@1764000000000',
      scheduleId: 'check',
      kind: 'scheduled',
      task: 'http',
      dueAt: 1764000000000,
      createdAt: 1764000000000,
    },
    attempt: 2,
    fireTime: new Date(1764000000000),
    fence: 77,
    signal,
    log: Object.assign(silent, { debug: silent, info: silent, warn: silent, error: silent }),
    progress: silent,
    complete: () => Promise.resolve(),
  }
  return (await task.run(context)) as HttpResult
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

test('a request tells the service which run it is, and its JSON answer becomes the result', async () => {
  const url = await serve((request, response) => {
    void text(request).then((body) => {
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.end(JSON.stringify({ method: request.method, body, headers: request.headers }))
    })
  })
  const result = await run({ url: `${url}/hook`, body: { a: 'ü' }, headers: { authorization: 'Bearer x' } })
  expect(result).toMatchObject({
    status: 200,
    truncated: false,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: {
      method: 'POST',
      body: '{"a":"ü"}',
      headers: {
        authorization: 'Bearer x',
        'content-type': 'application/json',
        'evertick-run': 'check@1764000000000',
        'evertick-attempt': '2',
        'evertick-fence': '77',
        'evertick-fire-time': '2025-11-24T16:00:00.000Z',
        'idempotency-key': 'check@1764000000000',
      },
    },
  })
  expect(result.durationMs).toBeGreaterThanOrEqual(0)
})

test('without a body it is a GET, and text stays text', async () => {
  const url = await serve((request, response) => response.end(`hello by ${request.method}`))
  expect(await run({ url })).toMatchObject({ status: 200, body: 'hello by GET', truncated: false })
})

test('a 5xx may be tried again, a 4xx not, except for too slow, too early and too often', async () => {
  const url = await serve((request, response) => {
    response.statusCode = Number(request.url!.slice(1))
    response.end('the reason')
  })
  const retryable = async (status: number): Promise<unknown> => {
    try {
      return await run({ url: `${url}/${status}` })
    } catch (error) {
      expect(error).toMatchObject({
        code: 'HTTP_STATUS',
        message: expect.stringContaining(`${status}`) as unknown,
      })
      expect((error as Error).message).toContain(': the reason')
      return (error as { retryable: boolean }).retryable
    }
  }
  expect(await Promise.all([500, 503, 408, 425, 429].map(retryable))).toEqual([true, true, true, true, true])
  expect(await Promise.all([400, 401, 404, 422].map(retryable))).toEqual([false, false, false, false])
})

test('the accepted statuses are those of the input', async () => {
  const url = await serve((request, response) => {
    response.statusCode = Number(request.url!.slice(1))
    response.end()
  })
  const acceptStatus = [204, '400-404']
  expect(await run({ url: `${url}/404`, acceptStatus })).toMatchObject({ status: 404, body: '' })
  await expect(run({ url: `${url}/200`, acceptStatus })).rejects.toMatchObject({
    code: 'HTTP_STATUS',
    retryable: true,
  })
})

test('a refused connection names the address, never the query, and may be tried again', async () => {
  const url = await serve(() => {})
  await new Promise((resolve) => servers.pop()!.close(resolve))
  const failure = run({ url: `${url}/a?token=secret` })
  await expect(failure).rejects.toMatchObject({ code: 'HTTP_FAILED', retryable: true })
  await expect(failure).rejects.toThrow(
    `GET ${url}/a failed: connection refused (ECONNREFUSED ${url.slice('http://'.length)})`,
  )
})

test('a connection that breaks in the middle of the response is HTTP_FAILED', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half', () => response.destroy())
  })
  await expect(run({ url })).rejects.toMatchObject({ code: 'HTTP_FAILED', retryable: true })
})

test('a response without end is cut at the limit, and the rest is not downloaded', async () => {
  let sent = 0
  let gone: () => void
  const closed = new Promise<void>((resolve) => (gone = resolve))
  const url = await serve((_request, response) => {
    response.setHeader('content-type', 'application/json')
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const pump = (): void => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length
    }
    response.on('drain', pump).on('close', () => gone())
    pump()
  })
  const result = await run({ url, maxResponseBytes: 1000 })
  expect(result).toMatchObject({ status: 200, truncated: true, body: 'x'.repeat(1000) })
  await closed
  expect(sent).toBeLessThan(100 * 1024 * 1024)
})

test('a cut never leaves half a character', async () => {
  const url = await serve((_request, response) => response.end('aé€😀'))
  const bodies = await Promise.all(
    [2, 3, 5, 6, 9, 10].map(async (maxResponseBytes) => (await run({ url, maxResponseBytes })).body),
  )
  expect(bodies).toEqual(['a', 'aé', 'aé', 'aé€', 'aé€', 'aé€😀'])
})

test('whatever the body, the result fits into a result', async () => {
  // As JSON each of these bytes takes six.
  const url = await serve((_request, response) => response.end(Buffer.alloc(60_000, 1)))
  const result = await run({ url })
  expect(result.truncated).toBe(true)
  expect(jsonBytes(result)).toBeLessThanOrEqual(SIZE_LIMITS.result)
  expect(jsonBytes(result)).toBeGreaterThan(SIZE_LIMITS.result - 2048)
})

test('JSON that is nested too deeply, or is no JSON, stays text', async () => {
  const deep = '['.repeat(20_000) + ']'.repeat(20_000)
  const url = await serve((request, response) => {
    response.setHeader('content-type', 'application/problem+json')
    response.end(request.url === '/deep' ? deep : '{oops')
  })
  expect(await run({ url: `${url}/deep` })).toMatchObject({ body: deep })
  expect(await run({ url })).toMatchObject({ body: '{oops' })
})

test('a redirect is followed, refused when the input says so, and a loop ends', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/end') return response.end('there')
    response.writeHead(302, { location: request.url === '/loop' ? '/loop' : '/end' })
    return response.end()
  })
  expect(await run({ url: `${url}/start` })).toMatchObject({ status: 200, body: 'there' })
  await expect(run({ url: `${url}/start`, redirect: 'error' })).rejects.toThrow(
    /answered 302 Found \(a redirect to \/end/,
  )
  await expect(run({ url: `${url}/loop` })).rejects.toThrow('redirect count exceeded')
})

test('a redirect cannot lead away from HTTP', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(302, { location: 'file:///etc/passwd' }).end()
  })
  await expect(run({ url })).rejects.toMatchObject({ code: 'HTTP_FAILED' })
})

test('an aborted attempt ends with the reason of the signal', async () => {
  const controller = new AbortController()
  const reason = new Error('the lease is lost')
  const url = await serve(() => controller.abort(reason))
  await expect(run({ url }, controller.signal)).rejects.toBe(reason)
})

test.each([
  [{}, 'url: must be text, but is nothing'],
  [{ url: 'file:///etc/passwd' }, 'url: must begin with http:// or https://, but is "file:///etc/passwd"'],
  [{ url: '/relative' }, 'url: must be a whole URL such as https://example.org/path, but is "/relative"'],
  [{ url: 'http://me:secret@host/' }, 'url: must not contain a user name or a password'],
  [{ url: 'http://host/', methd: 'PUT' }, 'methd: is not a known field; did you mean method?'],
  [{ url: 'http://host/', method: 'BREW' }, 'method: must be one of GET'],
  [{ url: 'http://host/', method: 'GET', body: 1 }, 'body: cannot be sent with GET'],
  [{ url: 'http://host/', headers: { 'x\r\ny': 'z' } }, 'is not a header'],
  [{ url: 'http://host/', headers: { x: 'a\r\nb: c' } }, 'headers.x: must be text without line breaks'],
  [{ url: 'http://host/', headers: { 'Evertick-Fence': '1' } }, 'Evertick sets this header itself'],
  [{ url: 'http://host/', acceptStatus: ['299-200'] }, 'acceptStatus: must be a status, a range'],
  [
    { url: 'http://host/', maxResponseBytes: 1e9 },
    'must be a whole number from 0 to 65536, but is 1000000000',
  ],
  ['http://host/', ': The value must be an object, but is "http://host/"'],
])('%j is refused', async (input, problem) => {
  const found = await problems(input)
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(problem)
})

test('every problem is told at once, and no secret with it', async () => {
  const found = await problems({
    url: 'ftp://x/',
    method: 'no',
    headers: { authorization: 'Bearer \nsecret' },
  })
  expect(found).toHaveLength(3)
  expect(found.join()).not.toContain('secret')
})
