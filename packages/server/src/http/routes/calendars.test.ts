import { afterEach, beforeEach, expect, test } from 'vitest'
import { testServer, type TestServer } from '../../testing/test-server.js'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const put = (name: string, body: object, headers = {}) =>
  server.call('PUT', `/api/v1/calendars/${name}`, { body, headers })

const WEEKDAYS = {
  kind: 'cron',
  expression: '0 9 * * *',
  exclude: { calendar: 'weekend' },
}

test('is created, read, replaced at the revision that was seen, and deleted', async () => {
  const created = await put('weekend', { weekdays: ['SAT'], description: 'no work' })
  expect(created.status).toBe(201)
  expect(created.body).toMatchObject({ name: 'weekend', weekdays: ['SAT'], description: 'no work' })
  const read = await server.call('GET', '/api/v1/calendars/weekend')
  expect(read.body).toEqual(created.body)
  const etag = String(read.headers['etag'])
  expect(etag).toBe(`"${created.body.revision}"`)

  const replaced = await put('weekend', { name: 'weekend', weekdays: ['SAT', 'SUN'] }, { 'if-match': etag })
  expect(replaced.status).toBe(200)
  expect(replaced.body).not.toHaveProperty('description')
  expect((await put('weekend', { weekdays: ['MON'] }, { 'if-match': etag })).status).toBe(412)
  expect((await server.call('GET', '/api/v1/calendars')).body).toEqual({
    items: [replaced.body],
    nextCursor: null,
  })

  expect((await server.call('DELETE', '/api/v1/calendars/weekend')).status).toBe(204)
  const gone = await server.call('GET', '/api/v1/calendars/weekend')
  expect([gone.status, gone.body.code]).toEqual([404, 'CALENDAR_NOT_FOUND'])
  expect((await server.call('DELETE', '/api/v1/calendars/weekend')).status).toBe(404)
})

test('says everything that is wrong with it, by field', async () => {
  const { status, body } = await put('days', { dates: ['2026-02-30'], weekdays: ['SUNDAZE'], weekend: true })
  expect([status, body.code]).toEqual([400, 'INVALID_CALENDAR'])
  const paths = (body.errors as { path: string }[]).map(({ path }) => path)
  expect(paths.toSorted()).toEqual(['dates[0]', 'weekdays[0]', 'weekend'])
  expect((await put('days', { name: 'other' })).body.errors[0].path).toBe('name')
})

test('moves the next fire time of the schedules that refer to it, and stays while they do', async () => {
  await put('weekend', {})
  await server.create({ id: 'daily', task: 'ok', trigger: WEEKDAYS })
  const next = async (): Promise<string> =>
    (await server.call('GET', '/api/v1/schedules/daily')).body.nextFireTime
  const before = await next()
  await put('weekend', { dates: [before.slice(0, 10)] })
  expect(Date.parse(await next()) - Date.parse(before)).toBe(86_400_000)

  const listed = await server.call('GET', '/api/v1/schedules?calendar=weekend')
  expect(listed.body.items).toMatchObject([{ id: 'daily', tzdata: process.versions['tz'] }])
  expect((await server.call('GET', '/api/v1/schedules?calendar=other')).body.items).toEqual([])
  const refused = await server.call('DELETE', '/api/v1/calendars/weekend')
  expect([refused.status, refused.body.code]).toEqual([409, 'ILLEGAL_STATE'])
  expect(refused.body.detail).toContain('daily')
})

test('that is not there keeps a schedule from being written', async () => {
  const { status, body } = await server.call('POST', '/api/v1/schedules', {
    body: { id: 'daily', task: 'ok', trigger: WEEKDAYS },
  })
  expect([status, body.code]).toEqual([400, 'INVALID_TRIGGER'])
  expect(body.errors).toMatchObject([{ path: 'trigger.exclude.calendar', rule: 'calendar.known' }])
})
