import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, PostgresServer, RedisServer } from '@evertick/core/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answered, cli } from '../testing/test-cli.js'

let folder: string
let postgres: PostgresServer
let redis: RedisServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-migrate-'))
  postgres = await PostgresServer.start()
  redis = await RedisServer.start()
})

afterAll(async () => {
  await postgres.stop()
  await redis.stop()
  await rm(folder, { recursive: true })
})

const migrate = (store: string): ReturnType<typeof cli> => cli(['migrate', '--store', store])

test.each([
  ['SQLite', () => `sqlite:${join(folder, 'new', 'evertick.db')}`],
  ['PostgreSQL', () => `${postgres.url}?schema=fresh`],
  ['Redis', () => redis.url],
])('over %s a store is made once, and then there is nothing to do', async (_, url) => {
  const first = await migrate(url())
  expect(first).toMatchObject({ code: 0, err: '' })
  const version = Number(/ was made with schema (\d+)\n$/.exec(first.out)![1])
  expect((await migrate(url())).out).toMatch(/ has schema \d+ already: nothing to do\n$/)
  const answer = answered(await cli(['migrate', '--json'], { env: { EVERTICK_STORE: url() } }))
  expect(answer).toMatchObject({ from: version, to: version, changed: false })
})

test('what lives in memory keeps no schema', async () => {
  expect((await migrate('memory:')).out).toMatch(/ keeps no schema: nothing to do\n$/)
  expect(answered(await cli(['migrate', '--json', '--store', 'memory:']))).toMatchObject({
    from: null,
    to: null,
    changed: false,
  })
})

describe('a schema of PostgreSQL', () => {
  async function operate(sql: string): Promise<void> {
    const client = new pg.Client(postgres.url)
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  const madeOf = (schema: string): Promise<void> =>
    operate(
      `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.evertick_migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL)`,
    )

  test('that is older is brought up to date by one of many who try at once', async () => {
    await madeOf('older')
    const url = `${postgres.url}?schema=older`
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => cli(['migrate', '--json', '--store', url])),
    )
    const changed = outcomes.map(answered).filter((answer) => answer['changed'])
    expect(changed).toMatchObject([{ from: 0, to: expect.any(Number) as number }])
  })

  test('is told of with what it was and what it is', async () => {
    await madeOf('told')
    expect((await migrate(`${postgres.url}?schema=told`)).out).toMatch(
      /^postgres:.* was brought from schema 0 to \d+\n$/,
    )
  })

  test('that nobody else may change is changed only by this command', async () => {
    const url = `${postgres.url}?schema=guarded&migrate=false`
    const nodes = (): ReturnType<typeof cli> => cli(['nodes', '--store', url])
    expect(await nodes()).toMatchObject({
      code: 5,
      err: expect.stringMatching(/^error STORE_VERSION: .*has no tables.*`evertick migrate`/) as string,
    })
    expect(await migrate(url)).toMatchObject({ code: 0, err: '' })
    expect(await nodes()).toMatchObject({ code: 0, err: '' })
  })

  test('of a newer release is refused', async () => {
    await madeOf('newer')
    await operate('INSERT INTO newer.evertick_migrations VALUES (999, now())')
    expect(await migrate(`${postgres.url}?schema=newer`)).toMatchObject({
      code: 5,
      err: expect.stringMatching(/^error STORE_VERSION: .*schema 999.*use a newer release/) as string,
    })
  })
})

test('a store that does not answer has exit code 5, and one of no known kind 2', async () => {
  expect(await migrate(`postgres://127.0.0.1:${await freePort()}/x`)).toMatchObject({
    code: 5,
    err: expect.stringContaining('STORE_UNAVAILABLE') as string,
  })
  expect((await migrate('mysql://x')).code).toBe(2)
})
