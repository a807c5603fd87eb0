import { readFile } from 'node:fs/promises'
import { ERROR_CODES, EvertickError, type ErrorCode } from '@evertick/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { EVERY_HOUR, testServer, type TestServer, type TestServerOptions } from '../testing/test-server.js'
import { BODY_LIMIT } from './app.js'
import { HTTP_STATUS } from './errors.js'

let server: TestServer | null = null
afterEach(async () => {
  await server?.[Symbol.asyncDispose]()
  server = null
})

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  server = await testServer(options)
  return server
}

const CODES = Object.keys(ERROR_CODES) as ErrorCode[]

describe('codes', () => {
  test('every code has an HTTP status, and no status is without a code', () => {
    expect(Object.keys(HTTP_STATUS).toSorted()).toEqual(CODES.toSorted())
    for (const code of CODES) expect(HTTP_STATUS[code]).toBeGreaterThanOrEqual(400)
  })

  test('docs/errors.md lists every code with its status, and no other', async () => {
    const text = await readFile(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
    const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (\d{3}|–) \| (.+?) \| (.+?) \|$/gm)]
    expect(rows.map(([, code]) => code!).toSorted()).toEqual(CODES.toSorted())
    for (const [, code, status, meaning, remedy] of rows) {
      if (status !== '–') expect(Number(status), code).toBe(HTTP_STATUS[code as ErrorCode])
      expect(meaning!.length, code).toBeGreaterThan(10)
      expect(remedy!.length, code).toBeGreaterThan(10)
    }
  })
})

describe('an answer that says no', () => {
  test('is a problem document with a stable code', async () => {
    const { call } = await start()
    const { status, headers, body } = await call('GET', '/api/v1/schedules/none')
    expect(status).toBe(404)
    expect(headers['content-type']).toContain('application/problem+json')
    expect(body).toEqual({
      type: 'urn:evertick:error:SCHEDULE_NOT_FOUND',
      title: ERROR_CODES.SCHEDULE_NOT_FOUND,
      status: 404,
      code: 'SCHEDULE_NOT_FOUND',
      detail: 'There is no schedule "none"',
      errors: [],
    })
  })

  test.each([
    ['{"id": "a",}', 'is not JSON'],
    ['{', 'is not JSON'],
    ['id=a', 'is not JSON'],
    ['{"__proto__": {"x": 1}}', '__proto__'],
    ['[]', 'must be an object, but is []'],
    ['"text"', 'must be an object, but is "text"'],
    ['null', 'must be an object'],
    ['', 'must be an object'],
  ])('says why the body %j is none', async (payload, words) => {
    const { call } = await start()
    const headers = { 'content-type': 'application/json' }
    const { status, body } = await call('POST', '/api/v1/schedules', { payload, headers })
    expect(status).toBe(400)
    expect(body.code).toBe('BAD_REQUEST')
    expect(body.detail).toContain(words)
  })

  test('names the limit of a body that is too large', async () => {
    const { call } = await start()
    const body = { id: 'a', task: 'ok', trigger: EVERY_HOUR, input: 'x'.repeat(BODY_LIMIT) }
    const reply = await call('POST', '/api/v1/schedules', { body })
    expect(reply.status).toBe(413)
    expect(reply.body).toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      detail: `The body must have at most ${BODY_LIMIT} bytes`,
    })
  })

  test('tells a wrong address from a wrong method', async () => {
    const { call } = await start()
    const nowhere = await call('GET', '/api/v1/schedule')
    expect(nowhere.status).toBe(404)
    expect(nowhere.body.code).toBe('NOT_FOUND')
    expect(nowhere.body.detail).toContain('/api/v1/schedule')

    const wrong = await call('DELETE', '/api/v1/schedules/a/pause')
    expect(wrong.status).toBe(405)
    expect(wrong.headers['allow']).toBe('POST')
    expect(wrong.body.detail).toContain('it answers POST')
    expect((await call('PUT', '/api/v1/schedules')).headers['allow']).toBe('GET, HEAD, POST')
  })

  test.each(['/api/v1/runs/%ZZ', `/api/v1/runs/${'x'.repeat(300)}`])(
    'a bad address is no fault of ours: %s',
    async (path) => {
      const { call } = await start()
      const { status, body } = await call('GET', path)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
      expect(body.code).toMatch(/^(BAD_REQUEST|NOT_FOUND)$/)
    },
  )

  test('lists a bounded number of problems, however many there are', async () => {
    const { call } = await start()
    const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`field${n}`, n]))
    const { status, body } = await call('POST', '/api/v1/triggers/preview', { body: fields })
    expect(status).toBe(400)
    expect(body.errors.length).toBeLessThanOrEqual(20)
  })
})

describe('a failure of ours', () => {
  test('is logged, and tells nobody what happened inside', async () => {
    const error = vi.fn()
    const nothing = (): void => {}
    const { call, scheduler } = await start({ log: { debug: nothing, info: nothing, warn: nothing, error } })
    const failure = new TypeError('secret detail at /etc/passwd')
    vi.spyOn(scheduler.schedules, 'get').mockRejectedValue(failure)

    const { status, text, body } = await call('GET', '/api/v1/schedules/a')
    expect(status).toBe(500)
    expect(body.code).toBe('INTERNAL')
    expect(text).not.toContain('secret')
    expect(text).not.toContain('.ts')
    expect(error).toHaveBeenCalledWith(expect.objectContaining({ err: failure }), expect.any(String))
  })

  test('of the store says when to come back', async () => {
    const { call, scheduler } = await start()
    vi.spyOn(scheduler.schedules, 'list').mockRejectedValue(
      new EvertickError('STORE_UNAVAILABLE', 'The store did not answer within 5 s'),
    )
    const { status, headers, body } = await call('GET', '/api/v1/schedules')
    expect(status).toBe(503)
    expect(headers['retry-after']).toBe('1')
    expect(body.code).toBe('STORE_UNAVAILABLE')
  })
})
