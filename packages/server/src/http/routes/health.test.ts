import { EvertickError } from '@evertick/core'
import { ManualClock } from '@evertick/core/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EVERY_HOUR, testServer, type TestServer } from '../../testing/test-server.js'
import { VERSION } from '../../version.js'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server[Symbol.asyncDispose]())

test('/healthz answers as soon as there is a process', async () => {
  const { status, body } = await server.call('GET', '/healthz')
  expect(status).toBe(200)
  expect(body).toEqual({ status: 'ok', version: VERSION, uptimeMs: expect.any(Number) })
})

test('/readyz says no before the node makes progress, and why', async () => {
  const { status, body } = await server.call('GET', '/readyz')
  expect(status).toBe(503)
  expect(body.status).toBe('unready')
  expect(body.problems).not.toEqual([])
})

test('/readyz says yes once the node runs what is asked of it', async () => {
  await server.create({ id: 'a', task: 'ok', trigger: EVERY_HOUR })
  const ran = new Promise((resolve) => server.scheduler.on('run.succeeded', resolve))
  await server.scheduler.start()
  await server.call('POST', '/api/v1/schedules/a/run')
  await ran
  const { status, body } = await server.call('GET', '/readyz')
  expect(body).toMatchObject({ status: 'ready', problems: [] })
  expect(status).toBe(200)
})

test('/metrics counts schedules and runs in the text format of Prometheus', async () => {
  await server.create({ id: 'a', task: 'ok', trigger: EVERY_HOUR })
  await server.call('POST', '/api/v1/schedules/a/run')
  const { status, headers, text } = await server.call('GET', '/metrics')
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  const lines = text.split('\n')
  expect(lines).toContain('evertick_schedules{state="active"} 1')
  expect(lines).toContain('evertick_runs_open{status="pending"} 1')
  expect(lines).toContain('evertick_runs_unclaimed{task="ok"} 1')
  expect(lines).toContain('evertick_overdue_seconds 0')
  expect(lines).toContain(`evertick_info{version="${VERSION}",node_version="${process.version}"} 1`)
  for (const line of lines.filter((one) => one !== '')) {
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? -?\d+(\.\d+)?(e[+-]?\d+)?)$/)
  }
})

test.each(['/readyz', '/metrics'])('%s asks the store once a second, however many ask it', async (path) => {
  const clock = new ManualClock()
  await using own = await testServer({ scheduler: { clock } })
  const { scheduler } = own
  const asked = path === '/readyz' ? vi.spyOn(scheduler, 'health') : vi.spyOn(scheduler.store, 'stats')
  const askAtOnce = () => Promise.all(Array.from({ length: 20 }, () => own.call('GET', path)))

  await askAtOnce()
  await clock.advance(999)
  await askAtOnce()
  expect(asked).toHaveBeenCalledTimes(1)
  await clock.advance(1)
  await askAtOnce()
  expect(asked).toHaveBeenCalledTimes(2)
})

test('a failure is told to all who waited for it, and not to those who come later', async () => {
  await using own = await testServer({ scheduler: { clock: new ManualClock() } })
  const stats = vi.spyOn(own.scheduler.store, 'stats')
  stats.mockRejectedValueOnce(new EvertickError('STORE_UNAVAILABLE', 'The store did not answer within 5 s'))
  const answers = await Promise.all([own.call('GET', '/metrics'), own.call('GET', '/metrics')])
  expect(answers.map(({ status }) => status)).toEqual([503, 503])
  expect(stats).toHaveBeenCalledTimes(1)
  expect((await own.call('GET', '/metrics')).status).toBe(200)
})
