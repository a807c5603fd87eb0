import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PostgresServer } from './postgres-server.js'

let server: PostgresServer

beforeAll(async () => {
  server = await PostgresServer.start({ settings: { deadlock_timeout: '50ms' } })
})

afterAll(() => server.stop())

async function connected(): Promise<pg.Client> {
  const client = new pg.Client(server.url)
  client.on('error', () => {})
  await client.connect()
  return client
}

test('counts transactions that waited for each other in a circle, also over a crash', async () => {
  const [one, other] = [await connected(), await connected()]
  await one.query('BEGIN; SELECT pg_advisory_xact_lock(1)')
  await other.query('BEGIN; SELECT pg_advisory_xact_lock(2)')
  expect(server.deadlocks).toBe(0)
  const both = await Promise.allSettled([
    one.query('SELECT pg_advisory_xact_lock(2)'),
    other.query('SELECT pg_advisory_xact_lock(1)'),
  ])
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  await server.crash()
  await server.restart()
  expect(server.deadlocks).toBe(1)
})

test('keeps through a crash what it acknowledged', async () => {
  const before = await connected()
  await before.query('CREATE TABLE kept (x integer); INSERT INTO kept VALUES (1)')
  await server.crash()
  await server.restart()
  const after = await connected()
  expect((await after.query('SELECT x FROM kept')).rows).toEqual([{ x: 1 }])
  await after.end()
})
