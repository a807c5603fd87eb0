import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createScheduler } from '../../client/scheduler.js'
import { defineTask } from '../../domain/define-task.js'
import { silentLogger, type Logger } from '../../domain/logger.js'
import { interval } from '../../triggers/index.js'
import { PgBouncer, type PgBouncerOptions } from '../../testing/servers/pgbouncer.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { TestNode } from '../../testing/store-conformance/test-node.js'
import { TIMEOUTS } from './driver.js'
import { PostgresStore } from './postgres-store.js'

let server: PostgresServer
const poolers: PgBouncer[] = []
const opened: PostgresStore[] = []
/** What the process was warned of since the file began: the driver warns once. */
const warnings: string[] = []

beforeAll(async () => {
  process.on('warning', ({ message }) => void warnings.push(message))
  server = await PostgresServer.start()
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await Promise.all(poolers.splice(0).map((pooler) => pooler.stop()))
})

afterAll(() => server.stop())

/** Keeps to itself what a session is to be set up with, which it refuses otherwise. */
const IGNORING = {
  ignore_startup_parameters: 'statement_timeout, lock_timeout, idle_in_transaction_session_timeout, options',
}

async function pooled(options?: PgBouncerOptions): Promise<string> {
  const pooler = await PgBouncer.start(server, options)
  poolers.push(pooler)
  return pooler.url
}

async function open(url: string): Promise<PostgresStore> {
  const store = await PostgresStore.open(url)
  opened.push(store)
  return store
}

describe('that a pooler stands before the server', () => {
  test('is found out by what it refuses', async () => {
    expect((await open(await pooled())).info.notifies).toBe(false)
  })

  test('is found out by the notification that does not arrive', async () => {
    const operator = new pg.Client(server.url)
    await operator.connect()
    // Sessions look as they should, whoever asks for them.
    const timeout = TIMEOUTS.idle_in_transaction_session_timeout
    await operator.query(`ALTER DATABASE postgres SET idle_in_transaction_session_timeout = ${timeout}`)
    // All clients share one connection: what the first leaves there must not be in the way of the second.
    const url = await pooled({ settings: { ...IGNORING, default_pool_size: '1' } })
    expect((await open(url)).info.notifies).toBe(false)
    expect((await open(url)).info.notifies).toBe(false)
    await operator.query('ALTER DATABASE postgres RESET idle_in_transaction_session_timeout')
    await operator.end()
  })

  test('is found out by sessions that are not set up as they should be', async () => {
    const url = await pooled({ mode: 'session', settings: IGNORING })
    expect((await open(url)).info.notifies).toBe(false)
  })

  test('is not supposed of one that is not there', async () => {
    expect((await open(server.url)).info.notifies).toBe(true)
  })
})

test('nothing is left on the connections of a pooler: no statement, no setting, no lock, no listening', async () => {
  // All clients share one, so what one left behind would be there for the next.
  const url = await pooled({ settings: { default_pool_size: '1' } })
  const store = await open(url)
  await store.acquireLock({ name: 'x', owner: 'o', holder: 'h', ttlMs: 60_000, queueMs: 0 })
  await store.prune({ maxRuns: 1, maxAgeMs: 1, maxFailureAgeMs: 1, maxFailures: 1000, maxSkipped: 1000 }, 1)
  await store.peek(1)
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query<Record<string, unknown>>(`
    SELECT (SELECT count(*)::integer FROM pg_prepared_statements) AS statements,
           (SELECT count(*)::integer FROM pg_settings WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding')) AS settings,
           (SELECT count(*)::integer FROM pg_locks WHERE locktype = 'advisory') AS locks,
           (SELECT count(*)::integer FROM pg_listening_channels()) AS channels`)
  await client.end()
  expect(rows).toEqual([{ statements: 0, settings: 0, locks: 0, channels: 0 }])
})

test('a node goes on behind a pooler, and says once that it looks by itself', async () => {
  const told: string[] = []
  const log: Logger = { ...silentLogger, info: (_, message) => void told.push(message) }
  let fired: () => void
  const firing = new Promise<void>((resolve) => (fired = resolve))
  const task = defineTask({ name: 'tick', run: () => fired() })
  const scheduler = await createScheduler({ store: await pooled(), tasks: [task], log })
  await scheduler.start()
  await scheduler.schedules.put({ id: 's', task, trigger: interval({ milliseconds: 50 }) })
  await firing
  await scheduler.stop()
  expect(told.filter((message) => message.includes('pooler'))).toHaveLength(1)
})

test('the driver is given one statement after the other, where it cannot send several', async () => {
  const store = await open(await pooled())
  const node = await TestNode.join(store, 'a')
  expect(await node.claim()).toEqual([])
  expect(warnings).toEqual([])
})
