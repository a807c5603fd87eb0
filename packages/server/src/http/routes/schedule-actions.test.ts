import { ManualClock } from '@evertick/core/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EVERY_HOUR, testServer, type TestServer } from '../../testing/test-server.js'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
  await server.create({ id: 'hourly', task: 'ok', trigger: EVERY_HOUR, input: { n: 1 } })
})
afterEach(() => server[Symbol.asyncDispose]())

describe('pause and resume', () => {
  test('pauses with a reason, and resumes', async () => {
    const paused = await server.call('POST', '/api/v1/schedules/hourly/pause', {
      body: { reason: 'holidays' },
    })
    expect(paused.status).toBe(200)
    expect(paused.body).toMatchObject({ state: 'paused', stateReason: 'holidays' })

    const resumed = await server.call('POST', '/api/v1/schedules/hourly/resume')
    expect(resumed.body).toMatchObject({ state: 'active', stateReason: null })
    expect(resumed.headers['etag']).toBe(`"${resumed.body.revision}"`)
  })

  test.each([
    ['without a body', {}],
    ['with a content type and no body', { headers: { 'content-type': 'application/json' } }],
    ['with an empty object', { body: {} }],
  ])('a pause needs no reason: %s', async (_how, options) => {
    const { status, body } = await server.call('POST', '/api/v1/schedules/hourly/pause', options)
    expect(status).toBe(200)
    expect(body).toMatchObject({ state: 'paused', stateReason: null })
  })

  test.each([
    [{ reson: 'x' }, 'reson', 'did you mean reason'],
    [{ reason: 5 }, 'reason', 'must be text, but is 5'],
    [[], '', 'The body must be an object, but is []'],
  ])('refuses %j and names the field', async (body, path, words) => {
    const reply = await server.call('POST', '/api/v1/schedules/hourly/pause', { body })
    expect(reply.status).toBe(400)
    expect(reply.body).toMatchObject({ code: 'BAD_REQUEST', errors: [{ path }] })
    expect(reply.body.detail).toContain(words)
  })

  test.each(['pause', 'resume', 'run'])('%s of an unknown schedule is not found', async (action) => {
    const { status, body } = await server.call('POST', `/api/v1/schedules/none/${action}`)
    expect(status).toBe(404)
    expect(body.code).toBe('SCHEDULE_NOT_FOUND')
  })
})

describe('run', () => {
  test('makes one run by hand, and says where it is', async () => {
    const { status, headers, body } = await server.call('POST', '/api/v1/schedules/hourly/run')
    expect(status).toBe(201)
    expect(body).toMatchObject({ scheduleId: 'hourly', kind: 'manual', status: 'pending', input: { n: 1 } })
    expect((await server.call('GET', String(headers['location']))).body).toEqual(body)
  })

  test('the same request id again gives the same run, and says that it was there', async () => {
    const clock = new ManualClock()
    await using own = await testServer({ scheduler: { clock } })
    await own.create({ id: 'hourly', task: 'ok', trigger: EVERY_HOUR })
    const run = (body: object) => own.call('POST', '/api/v1/schedules/hourly/run', { body })

    const once = await run({ requestId: 'r1' })
    expect(once.status).toBe(201)
    const within = await run({ requestId: 'r1' })
    expect(within).toMatchObject({ status: 200, body: { id: once.body.id } })
    expect((await run({ requestId: 'r2' })).status).toBe(201)
    await clock.advance(5)
    expect(await run({ requestId: 'r1' })).toMatchObject({ status: 200, body: { id: once.body.id } })
    expect((await run({ requestId: 'r3' })).status).toBe(201)
    expect((await own.call('GET', '/api/v1/runs')).body.items).toHaveLength(3)
  })

  test('a request id stands for one input', async () => {
    const run = (body: object) => server.call('POST', '/api/v1/schedules/hourly/run', { body })
    const once = await run({ requestId: 'r1', input: { a: 1, b: 2 } })
    expect(await run({ requestId: 'r1', input: { b: 2, a: 1 } })).toMatchObject({
      status: 200,
      body: { id: once.body.id },
    })
    for (const other of [{ input: { a: 1 } }, {}]) {
      const { status, body } = await run({ requestId: 'r1', ...other })
      expect(status).toBe(409)
      expect(body).toMatchObject({ code: 'ILLEGAL_STATE', errors: [{ path: 'requestId' }] })
      expect(body.detail).toContain('requestId "r1"')
    }
  })

  test('takes an input of its own, which must fit the task', async () => {
    await server.create({ id: 'hello', task: 'greet', trigger: EVERY_HOUR, input: { name: 'all' } })
    const run = await server.call('POST', '/api/v1/schedules/hello/run', { body: { input: { name: 'you' } } })
    expect(run.body.input).toEqual({ name: 'you' })

    const refused = await server.call('POST', '/api/v1/schedules/hello/run', { body: { input: {} } })
    expect(refused.status).toBe(400)
    expect(refused.body.code).toBe('INVALID_INPUT')
  })

  test('refuses a request id that cannot be part of an id', async () => {
    const { status, body } = await server.call('POST', '/api/v1/schedules/hourly/run', {
      body: { requestId: 'a b' },
    })
    expect(status).toBe(400)
    expect(body.errors).toMatchObject([{ path: 'requestId' }])
  })
})

describe('upcoming', () => {
  test('shows ten fire times unless asked for another number, with the wall clock of the zone', async () => {
    const trigger = { kind: 'cron', expression: '30 9 * * *', timezone: 'Asia/Kolkata' }
    await server.create({ id: 'daily', task: 'ok', trigger })

    const ten = await server.call('GET', '/api/v1/schedules/daily/upcoming')
    expect(ten.body.items).toHaveLength(10)
    expect(ten.body.nextCursor).toBeNull()

    const { body } = await server.call(
      'GET',
      '/api/v1/schedules/daily/upcoming?count=2&after=2040-01-01T00:00:00%2B01:00',
    )
    expect(body.items).toEqual([
      { fireTime: '2040-01-01T04:00:00.000Z', wallTime: '2040-01-01T09:30:00+05:30' },
      { fireTime: '2040-01-02T04:00:00.000Z', wallTime: '2040-01-02T09:30:00+05:30' },
    ])
  })

  test.each([
    ['count=0', 'count'],
    ['count=1001', 'count'],
    ['after=yesterday', 'after'],
    ['after=2026-12-31T23:59:60Z', 'after'],
  ])('refuses ?%s', async (query, path) => {
    const { status, body } = await server.call('GET', `/api/v1/schedules/hourly/upcoming?${query}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'INVALID_QUERY', errors: [{ path }] })
  })

  test('is not found for an unknown schedule', async () => {
    expect((await server.call('GET', '/api/v1/schedules/none/upcoming')).status).toBe(404)
  })
})

test('the runs of one schedule are those of no other', async () => {
  await server.create({ id: 'other', task: 'ok', trigger: EVERY_HOUR })
  await server.call('POST', '/api/v1/schedules/hourly/run', { body: { requestId: 'mine' } })
  await server.call('POST', '/api/v1/schedules/other/run', { body: { requestId: 'theirs' } })
  const { body } = await server.call('GET', '/api/v1/schedules/hourly/runs?status=pending')
  expect(body.items).toMatchObject([{ scheduleId: 'hourly' }])
  expect((await server.call('GET', '/api/v1/schedules/hourly/runs?scheduleId=other')).status).toBe(400)
})
