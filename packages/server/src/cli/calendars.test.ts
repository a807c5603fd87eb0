import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createScheduler } from '@evertick/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answered, cli } from '../testing/test-cli.js'
import { testServer, type TestServer } from '../testing/test-server.js'

let folder: string
let server: TestServer
let places: Record<string, string[]>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-cli-'))
  server = await testServer()
  places = {
    server: ['--server', await server.app.listen({ port: 0 })],
    store: ['--store', `sqlite:${join(folder, 'store.db')}`],
  }
  await (await createScheduler({ store: places['store']![1]! })).stop()
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

test('a calendar may be the first thing in a new store', async () => {
  const weekend = ['calendar', 'put', 'weekend', '--weekdays', 'SAT']
  expect(await cli([...weekend, '--store', `sqlite:${join(folder, 'new.db')}`])).toMatchObject({ code: 0 })
})

test.each(['server', 'store'])('over a %s calendars are put, listed, shown and removed', async (place) => {
  const run = (...argv: string[]) => cli(['calendar', ...argv, ...places[place]!])
  expect(await run('list')).toMatchObject({ code: 0, out: 'no calendars\n' })
  expect(await run('put', 'weekend', '--weekdays', 'SAT, SUN')).toMatchObject({
    code: 0,
    out: 'weekend has SAT, SUN\n',
  })
  const file = join(folder, 'holidays.json')
  await writeFile(file, JSON.stringify({ ranges: [{ from: '2026-08-01', to: '2026-08-15' }], dates: [] }))
  const put = answered(
    await run('put', 'holidays', '--yearly', '12-25', '--dates', '2026-04-03', '--file', file, '--json'),
  )
  expect(put).toMatchObject({ name: 'holidays', yearly: ['12-25'], dates: ['2026-04-03'] })

  const listed = (await run('list')).out
  expect(listed).toMatch(/^CALENDAR +DAYS +UPDATED\nholidays +1 day of every year, 1 date, 1 range +/)
  const shown = (await run('show', 'holidays')).out
  expect(shown).toMatch(/ranges +2026-08-01 to 2026-08-15\n/)
  expect(answered(await run('show', 'holidays', '--json'))).toEqual(put)

  expect((await run('remove', 'weekend')).out).toBe('weekend is removed\n')
  expect(await run('remove', 'weekend')).toMatchObject({ code: 3 })
  expect(await run('show', 'weekend')).toMatchObject({
    code: 3,
    err: expect.stringContaining('CALENDAR_NOT_FOUND') as string,
  })
})

test('a calendar that cannot be is refused by field, and one that is in use is kept', async () => {
  const bad = await cli(['calendar', 'put', 'x', '--dates', '2026-13-01', ...places['server']!])
  expect(bad).toMatchObject({ code: 2, err: expect.stringContaining('2026-13-01') as string })
  const file = join(folder, 'other.json')
  await writeFile(file, '{"name":"other"}')
  expect(await cli(['calendar', 'put', 'x', '--file', file, ...places['server']!])).toMatchObject({
    code: 2,
    err: expect.stringContaining('has the name "other"') as string,
  })

  await cli(['calendar', 'put', 'used', '--weekdays', 'SUN', ...places['server']!])
  await server.create({
    id: 'daily',
    task: 'ok',
    trigger: { kind: 'cron', expression: '@daily', exclude: { calendar: 'used' } },
  })
  expect(await cli(['calendar', 'remove', 'used', ...places['server']!])).toMatchObject({
    code: 4,
    err: expect.stringContaining('daily') as string,
  })
})
