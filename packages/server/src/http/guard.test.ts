import { afterEach, describe, expect, test } from 'vitest'
import { EVERY_HOUR, testServer, type TestServer, type TestServerOptions } from '../testing/test-server.js'

let server: TestServer
afterEach(() => server[Symbol.asyncDispose]())

const TOKEN = 'correct-horse-battery-staple'
const schedule = { id: 'a', task: 'ok', trigger: EVERY_HOUR }

async function start(options: TestServerOptions = {}): Promise<void> {
  server = await testServer(options)
}

describe('without a token', () => {
  test.each(['localhost', 'localhost:4747', '127.0.0.1:4747', '127.1.2.3', '[::1]:4747', 'LocalHost:80'])(
    'the host %s is this machine',
    async (host) => {
      await start()
      expect((await server.call('GET', '/api/v1/stats', { headers: { host } })).status).toBe(200)
    },
  )

  test.each([
    'evil.example',
    'evil.example:4747',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '[::2]',
    '@',
    'a b',
  ])('the host %j is not: a name that points here must not open the door to a web page', async (host) => {
    await start()
    for (const path of ['/api/v1/stats', '/', '/docs', '/openapi.json', '/metrics', '/nothing']) {
      const { status, body } = await server.call('GET', path, { headers: { host } })
      expect(status).toBe(403)
      expect(body.code).toBe('FORBIDDEN')
    }
  })

  test.each([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://localhost:3000' }],
    [{ 'sec-fetch-site': 'cross-site' }],
  ])('a page from elsewhere cannot change anything: %j', async (headers) => {
    await start()
    const { status, body } = await server.call('POST', '/api/v1/schedules', { body: schedule, headers })
    expect(status).toBe(403)
    expect(body.code).toBe('FORBIDDEN')
    expect((await server.call('GET', '/api/v1/schedules')).body.items).toEqual([])
  })

  test('a form, which a browser sends without asking, is no body', async () => {
    await start()
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const { status, body } = await server.call('POST', '/api/v1/schedules', {
        payload: JSON.stringify(schedule),
        headers: { 'content-type': type },
      })
      expect(status).toBe(415)
      expect(body.code).toBe('BAD_REQUEST')
      expect(body.detail).toContain(type.split(';')[0])
    }
  })

  test('our own page may change things', async () => {
    await start()
    const headers = {
      host: 'localhost:4747',
      origin: 'http://localhost:4747',
      'sec-fetch-site': 'same-origin',
    }
    expect((await server.call('POST', '/api/v1/schedules', { body: schedule, headers })).status).toBe(201)
  })
})

describe('with a token', () => {
  test.each(['/api/v1/schedules', '/metrics', '/docs', '/docs/json', '/openapi.json', '/nothing'])(
    '%s asks for it',
    async (path) => {
      await start({ token: TOKEN })
      const { status, headers, body } = await server.call('GET', path)
      expect(status).toBe(401)
      expect(headers['www-authenticate']).toBe('Bearer realm="evertick"')
      expect(body.code).toBe('UNAUTHORIZED')
    },
  )

  test.each(['/healthz', '/', '/static/landing.js', '/static/landing.css'])('%s is open', async (path) => {
    await start({ token: TOKEN })
    expect((await server.call('GET', path)).status).toBe(200)
  })

  test.each([
    ['Bearer wrong'],
    [`Bearer ${TOKEN}x`],
    [`Bearer ${TOKEN.slice(0, -1)}`],
    [`Basic ${TOKEN}`],
    [TOKEN],
    ['Bearer '],
  ])('%j is refused', async (authorization) => {
    await start({ token: TOKEN })
    expect((await server.call('GET', '/api/v1/stats', { headers: { authorization } })).status).toBe(401)
  })

  test('it opens everything, under whatever name the server is reached', async () => {
    await start({ token: TOKEN })
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      host: 'evertick.example',
      origin: 'https://ci.example',
    }
    expect((await server.call('POST', '/api/v1/schedules', { body: schedule, headers })).status).toBe(201)
    expect((await server.call('GET', '/docs', { headers })).status).toBe(200)
    expect((await server.call('GET', '/openapi.json', { headers })).body.security).toEqual([{ token: [] }])
  })

  test('guessing is slowed down, and shuts out nobody who shares the address', async () => {
    await start({ token: TOKEN })
    const attempt = (token: string) =>
      server.call('GET', '/api/v1/stats', { headers: { authorization: `Bearer ${token}` } })
    for (let n = 0; n < 20; n++) expect((await attempt(`guess-${n}`)).status).toBe(401)
    const limited = await attempt('guess-20')
    expect(limited.status).toBe(429)
    expect(limited.headers['retry-after']).toBe('60')
    expect(limited.body).toMatchObject({ status: 429, code: 'UNAUTHORIZED' })
    expect((await attempt(TOKEN)).status).toBe(200)
    expect((await attempt('guess-21')).status).toBe(429)
    expect((await server.call('GET', '/api/v1/stats')).status).toBe(401)
    expect((await server.call('GET', '/healthz')).status).toBe(200)
  })

  test('who only shows the right token is never slowed down', async () => {
    await start({ token: TOKEN })
    const headers = { authorization: `Bearer ${TOKEN}` }
    for (let n = 0; n < 50; n++) expect((await server.call('GET', '/healthz', { headers })).status).toBe(200)
    for (let n = 0; n < 50; n++)
      expect((await server.call('GET', '/api/v1/stats', { headers })).status).toBe(200)
  })

  test('it is never logged', async () => {
    const lines: string[] = []
    const write = (fields: object, message: string): void => {
      lines.push(JSON.stringify({ ...fields, message }))
    }
    await start({ token: TOKEN, log: { debug: write, info: write, warn: write, error: write } })
    const headers = { authorization: `Bearer ${TOKEN}` }
    await server.call('GET', '/api/v1/stats', { headers })
    await server.call('GET', '/api/v1/nothing', { headers })
    await server.call('POST', '/api/v1/schedules', {
      payload: '{',
      headers: { ...headers, 'content-type': 'application/json' },
    })
    expect(lines.some((line) => line.includes('/api/v1/stats'))).toBe(true)
    expect(lines.join('\n')).not.toContain(TOKEN)
  })
})

test('no page may be framed, run foreign scripts or be sniffed', async () => {
  await start()
  for (const path of ['/', '/docs', '/docs/static/swagger-initializer.js', '/api/v1/stats']) {
    const { headers } = await server.call('GET', path)
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(headers['x-content-type-options']).toBe('nosniff')
  }
})
