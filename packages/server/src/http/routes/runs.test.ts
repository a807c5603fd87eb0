import type { SchedulerEvents } from '@evertick/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EVERY_HOUR, testServer, type TestServer } from '../../testing/test-server.js'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server[Symbol.asyncDispose]())

async function runOf(task: string, requestId: string, schedule: object = {}): Promise<string> {
  await server.create({ id: task, task, trigger: EVERY_HOUR, ...schedule })
  const { body } = await server.call('POST', `/api/v1/schedules/${task}/run`, { body: { requestId } })
  return body.id as string
}

function once(type: keyof SchedulerEvents): Promise<unknown> {
  return new Promise((resolve) => {
    const off = server.scheduler.on(type, (event) => {
      off()
      resolve(event)
    })
  })
}

describe('a run that has ended', () => {
  test('shows what it returned, who ran it and when', async () => {
    const id = await runOf('ok', 'r1', { input: [1, 2] })
    const ended = once('run.succeeded')
    await server.scheduler.start()
    await ended

    const { body } = await server.call('GET', `/api/v1/runs/${encodeURIComponent(id)}`)
    expect(body).toMatchObject({
      id,
      status: 'succeeded',
      attempt: 1,
      node: 'node-a',
      input: [1, 2],
      result: { got: [1, 2] },
      error: null,
      cancelRequested: false,
    })
    expect(body.fence).toBeGreaterThan(0)
    expect(body.endedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const schedule = await server.call('GET', '/api/v1/schedules/ok')
    expect(schedule.body.lastRun).toMatchObject({ id, status: 'succeeded', endedAt: body.endedAt })
  })

  test('shows why it failed, and may be tried again, but not cancelled', async () => {
    const id = await runOf('failing', 'r1')
    const ended = once('run.failed')
    await server.scheduler.start()
    await ended

    const address = `/api/v1/runs/${id}`
    const failed = await server.call('GET', address)
    expect(failed.body).toMatchObject({ status: 'failed', error: { code: 'NO_LUCK', message: 'no luck' } })

    const cancelled = await server.call('POST', `${address}/cancel`)
    expect(cancelled.status).toBe(409)
    expect(cancelled.body.code).toBe('ILLEGAL_STATE')

    const again = once('run.failed')
    const retried = await server.call('POST', `${address}/retry`)
    expect(retried.status).toBe(200)
    expect(retried.body.id).toBe(id)
    await again
    expect((await server.call('GET', address)).body.attempt).toBe(2)
  })

  test('keeps what the handler wrote, page by page', async () => {
    const id = await runOf('talking', 'r1')
    const ended = once('run.succeeded')
    await server.scheduler.start()
    await ended

    const first = await server.call('GET', `/api/v1/runs/${id}/log?limit=1`)
    expect(first.body.lines).toMatchObject([{ level: 'info', message: 'first' }])
    const rest = await server.call('GET', `/api/v1/runs/${id}/log?after=${first.body.position}`)
    expect(rest.body.lines).toMatchObject([{ level: 'warn', message: 'second' }])
    const run = await server.call('GET', `/api/v1/runs/${id}`)
    expect(run.body.progress).toMatchObject({ fraction: 0.5, message: 'half' })
  })
})

test('a waiting run is cancelled at once, and can be asked for again', async () => {
  const id = await runOf('ok', 'r1')
  const cancelled = await server.call('POST', `/api/v1/runs/${id}/cancel`)
  expect(cancelled.status).toBe(200)
  expect(cancelled.body).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' } })
  expect((await server.call('POST', `/api/v1/runs/${id}/retry`)).body.status).toBe('pending')
  expect((await server.call('POST', `/api/v1/runs/${id}/retry`)).status).toBe(409)
})

test('runs are filtered by schedule, task and any of several statuses', async () => {
  const first = await runOf('ok', 'r1')
  const second = await runOf('failing', 'r2')
  await server.call('POST', `/api/v1/runs/${second}/cancel`)
  const ids = async (query: string): Promise<string[]> => {
    const { body } = await server.call('GET', `/api/v1/runs?${query}`)
    return (body.items as { id: string }[]).map((run) => run.id).toSorted()
  }

  expect(await ids('')).toEqual([second, first])
  expect(await ids('scheduleId=ok')).toEqual([first])
  expect(await ids('task=failing')).toEqual([second])
  expect(await ids('status=cancelled')).toEqual([second])
  expect(await ids('status=cancelled,pending')).toEqual([second, first])
  expect(await ids('status=cancelled&status=pending')).toEqual([second, first])
  expect(await ids('status=lost')).toEqual([])
})

test('a status that is named again and again counts once', async () => {
  const id = await runOf('ok', 'r1')
  const list = vi.spyOn(server.scheduler.runs, 'list')
  const again = Array.from({ length: 500 }, () => 'pending,lost').join(',')
  const { status, body } = await server.call('GET', `/api/v1/runs?status=${again}`)
  expect(status).toBe(200)
  expect(body.items).toMatchObject([{ id }])
  expect(list).toHaveBeenCalledWith({ status: ['pending', 'lost'] })
})

test('more statuses than there are is refused as that, before each of them', async () => {
  const many = Array.from({ length: 500 }, (_, n) => `s${n}`).join(',')
  for (const address of ['/api/v1/runs', '/api/v1/schedules/none/runs']) {
    const { status, body } = await server.call('GET', `${address}?status=${many}`)
    expect(status).toBe(400)
    expect(body.code).toBe('INVALID_QUERY')
    expect(body.errors[0]).toEqual({
      path: 'status',
      rule: 'items.atMost',
      message: 'status must have at most 9 items, but has 500',
    })
  }
})

test.each([
  ['status=cancelled,pendin', 'status[1]'],
  ['limit=5000', 'limit'],
  ['cursor=not%20ours', ''],
  ['schedule=ok', 'schedule'],
])('refuses ?%s', async (query, path) => {
  const { status, body } = await server.call('GET', `/api/v1/runs?${query}`)
  expect(status).toBe(400)
  expect(body.code).toBe('INVALID_QUERY')
  if (path !== '') expect(body.errors).toMatchObject([{ path }])
})

test.each([
  ['GET', ''],
  ['GET', '/log'],
  ['POST', '/cancel'],
  ['POST', '/retry'],
])('%s of an unknown run%s is not found', async (method, action) => {
  const { status, body } = await server.call(method, `/api/v1/runs/none@1${action}`)
  expect(status).toBe(404)
  expect(body.code).toBe('RUN_NOT_FOUND')
})
