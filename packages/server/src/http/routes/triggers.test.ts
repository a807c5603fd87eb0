import { afterEach, beforeEach, expect, test } from 'vitest'
import { testServer, type TestServer } from '../../testing/test-server.js'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const preview = (body: unknown) => server.call('POST', '/api/v1/triggers/preview', { body })

test('shows instants and what the wall clock shows then, over a change of the clocks', async () => {
  const { status, body } = await preview({
    trigger: { kind: 'cron', expression: '30 2 * * *', timezone: 'Europe/Berlin' },
    from: '2026-03-28T00:00:00+01:00',
    count: 3,
  })
  expect(status).toBe(200)
  expect(body.fires).toEqual([
    { fireTime: '2026-03-28T01:30:00.000Z', wallTime: '2026-03-28T02:30:00+01:00' },
    {
      fireTime: '2026-03-29T01:30:00.000Z',
      wallTime: '2026-03-29T03:30:00+02:00',
      clockChange: { from: '+01:00', to: '+02:00' },
    },
    { fireTime: '2026-03-30T00:30:00.000Z', wallTime: '2026-03-30T02:30:00+02:00' },
  ])
})

test('says in words what the trigger means, in the language asked for', async () => {
  const trigger = { kind: 'cron', expression: '30 2 * * *', timezone: 'Europe/Berlin' }
  expect((await preview({ trigger })).body.explanation).toBe('At 02:30 (Europe/Berlin)')
  const chinese = await server.call('POST', '/api/v1/triggers/preview?locale=zh', { body: { trigger } })
  expect(chinese.body.explanation).toMatch(/02:30.*Europe\/Berlin/)
  expect(chinese.body.explanation).not.toContain('At')
  expect(chinese.body.warnings[0].message).toContain('不存在')
  const other = await server.call('POST', '/api/v1/triggers/preview?locale=fr', { body: { trigger } })
  expect([other.status, other.body.code]).toEqual([400, 'INVALID_QUERY'])
})

test('warns of times that a change of the clocks leaves out or repeats, within two years', async () => {
  const trigger = { kind: 'cron', expression: '30 2 * * *', timezone: 'Europe/Berlin' }
  const { body } = await preview({ trigger, from: '2026-01-01T00:00:00Z', count: 1 })
  expect(body.warnings).toHaveLength(4)
  expect(body.warnings.slice(0, 2)).toEqual([
    {
      kind: 'gap',
      wallTime: '2026-03-29T02:30:00',
      timezone: 'Europe/Berlin',
      changeTime: '2026-03-29T01:00:00.000Z',
      fireTimes: ['2026-03-29T01:30:00.000Z'],
      message:
        '2026-03-29 02:30 does not exist in Europe/Berlin, where the clocks go from 02:00 to 03:00; ' +
        'it fires at 2026-03-29 03:30 instead',
    },
    {
      kind: 'overlap',
      wallTime: '2026-10-25T02:30:00',
      timezone: 'Europe/Berlin',
      changeTime: '2026-10-25T01:00:00.000Z',
      fireTimes: ['2026-10-25T00:30:00.000Z'],
      message:
        '2026-10-25 02:30 comes twice in Europe/Berlin, where the clocks go back from 03:00 to 02:00; ' +
        'it fires the first time only',
    },
  ])
})

test('shows a trigger with a calendar as the calendar stands', async () => {
  const trigger = { kind: 'cron', expression: '@daily', exclude: { calendar: 'off' } }
  const missing = await preview({ trigger })
  expect(missing.body.errors).toMatchObject([{ path: 'trigger.exclude.calendar', rule: 'calendar.known' }])
  await server.call('PUT', '/api/v1/calendars/off', { body: { dates: ['2026-05-02'] } })
  const { body } = await preview({ trigger, from: '2026-05-01T00:00:00Z', count: 1 })
  expect(body.fires).toMatchObject([{ fireTime: '2026-05-03T00:00:00.000Z' }])
})

test('begins now, and shows ten', async () => {
  const { body } = await preview({ trigger: { kind: 'interval', every: { days: 1 } } })
  expect(body.fires).toHaveLength(10)
  expect(Date.parse(body.fires[0].fireTime)).toBeGreaterThan((await server.scheduler.store.now()) - 1000)
})

test('shows fewer when the trigger ends', async () => {
  const trigger = { kind: 'once', at: '2100-01-01T00:00:00Z' }
  expect((await preview({ trigger, count: 5 })).body.fires).toHaveLength(1)
  expect((await preview({ trigger, from: '2101-01-01T00:00:00Z' })).body.fires).toEqual([])
})

test.each([
  [{ trigger: { kind: 'cron', expression: '99 * * * *' } }, 'INVALID_TRIGGER', 'trigger.expression'],
  [{ trigger: { kind: 'cronn' } }, 'INVALID_TRIGGER', 'trigger.kind'],
  [{ trigger: { kind: 'interval', every: { minits: 5 } } }, 'INVALID_TRIGGER', 'trigger.every.minits'],
  [{ trigger: {} }, 'BAD_REQUEST', 'trigger.kind'],
  [{ trigger: 'hourly' }, 'BAD_REQUEST', 'trigger'],
  [{}, 'BAD_REQUEST', 'trigger'],
  [{ trigger: { kind: 'once', at: '2100-01-01T00:00:00Z' }, count: '5' }, 'BAD_REQUEST', 'count'],
  [{ trigger: { kind: 'once', at: '2100-01-01T00:00:00Z' }, count: 1.5 }, 'BAD_REQUEST', 'count'],
  [{ trigger: { kind: 'once', at: '2100-01-01T00:00:00Z' }, from: 'now' }, 'BAD_REQUEST', 'from'],
  [{ trigger: { kind: 'once', at: '2100-01-01T00:00:00Z' }, form: 'x' }, 'BAD_REQUEST', 'form'],
])('refuses %j as %s at %s', async (body, code, path) => {
  const reply = await preview(body)
  expect(reply.status).toBe(400)
  expect(reply.body.code).toBe(code)
  expect(reply.body.errors).toContainEqual(expect.objectContaining({ path }))
})
