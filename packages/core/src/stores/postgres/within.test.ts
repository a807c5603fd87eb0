import { drizzle as drizzleOnPg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleOnPostgresJs } from 'drizzle-orm/postgres-js'
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SqlTransaction } from '../../domain/sql-transaction.js'
import type { PutSchedule } from '../../store/contract.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { hinted } from '../../testing/store-conformance/hinted.js'
import { definitionOf, fireAt, succeeded, World } from '../../testing/store-conformance/world.js'
import { PostgresStore } from './postgres-store.js'

let server: PostgresServer
let store: PostgresStore
let other: PostgresStore
let world: World
let pool: pg.Pool
let sql: postgres.Sql

beforeAll(async () => {
  server = await PostgresServer.start()
  store = await PostgresStore.open(server.url)
  other = await PostgresStore.open(server.url)
  pool = new pg.Pool({ connectionString: server.url })
  sql = postgres(server.url, { onnotice: () => {}, transform: postgres.camel })
  await pool.query('CREATE TABLE orders (id text PRIMARY KEY)')
})

beforeEach(async () => {
  // What waits from the test before would go first.
  await pool.query('DELETE FROM evertick.runs')
  world = await World.around({
    store,
    second: () => Promise.resolve(other),
    advance: () => Promise.resolve(),
    close: () => Promise.resolve(),
  })
})

afterAll(async () => {
  await Promise.all([store.close(), other.close(), pool.end(), sql.end()])
  await server.stop()
})

type Work = (tx: SqlTransaction, write: (order: string) => Promise<unknown>) => Promise<void>

async function onPg(work: Work, begin = 'BEGIN'): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query(begin)
    await work(client, (order) => client.query('INSERT INTO orders VALUES ($1)', [order]))
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

const write = (order: string): string => `INSERT INTO orders VALUES ('${order}')`

/** A transaction with each of the drivers: commits when `work` is done, rolls back when it throws. */
const DRIVERS: Readonly<Record<string, (work: Work) => Promise<unknown>>> = {
  pg: onPg,
  'postgres.js': (work) => sql.begin((tx) => work(tx, (order) => tx.unsafe(write(order)))),
  Kysely: (work) => {
    const db = new Kysely<{ orders: { id: string } }>({
      dialect: new PostgresDialect({ pool }),
      plugins: [new CamelCasePlugin()],
    })
    return db
      .transaction()
      .execute((tx) => work(tx, (id) => tx.insertInto('orders').values({ id }).execute()))
  },
  'Drizzle on pg': (work) =>
    drizzleOnPg(pool).transaction((tx) => work(tx, (order) => tx.execute(write(order)))),
  'Drizzle on postgres.js': (work) =>
    drizzleOnPostgresJs(sql).transaction((tx) => work(tx, (order) => tx.execute(write(order)))),
}

const item = (id: string, changes: Partial<PutSchedule> = {}): PutSchedule => ({
  definition: definitionOf(id),
  state: 'active',
  stateReason: null,
  expect: 'absent',
  timing: fireAt(world.firstFire),
  ...changes,
})

const orders = async (): Promise<string[]> =>
  (await pool.query<{ id: string }>('SELECT id FROM orders ORDER BY id')).rows.map(({ id }) => id)

const undo = new Error('undo')

describe.each(Object.entries(DRIVERS))('in a transaction of %s', (name, transaction) => {
  const id = name.replaceAll(/[^A-Za-z]/g, '')

  test('a schedule and a run are there with what the caller wrote, when it commits', async () => {
    await hinted(other, 'due', () =>
      transaction(async (tx, insert) => {
        await insert(`kept-${id}`)
        const within = store.within(tx)
        const [put] = await within.putSchedules([item(`kept-${id}`)])
        expect(put).toMatchObject({ outcome: 'created', schedule: { revision: 1, state: 'active' } })
        const [run] = await within.addRuns([
          world.request(`kept-${id}`, { spec: `{"input":"it's \\\\ \\" {}"}` }),
        ])
        expect(run).toMatchObject({ status: 'pending', spec: `{"input":"it's \\\\ \\" {}"}`, fence: 0 })
        // Seen by the caller alone until then.
        expect(await within.getSchedules([`kept-${id}`])).toMatchObject([
          { id: `kept-${id}`, lastRun: { id: run!.id } },
        ])
        expect(await store.getSchedules([`kept-${id}`])).toEqual([null])
        expect(await store.getRun(run!.id)).toBeNull()
      }),
    )
    expect(await orders()).toContain(`kept-${id}`)
    expect(await store.getSchedules([`kept-${id}`])).toMatchObject([{ nextFireTime: world.firstFire }])
    expect(await world.runsOf(`kept-${id}`)).toHaveLength(1)
  })

  test('neither is there when it rolls back', async () => {
    const undone = transaction(async (tx, insert) => {
      await insert(`undone-${id}`)
      await store.within(tx).putSchedules([item(`undone-${id}`)])
      await store.within(tx).addRuns([world.request(`undone-${id}`)])
      throw undo
    })
    await expect(undone).rejects.toBe(undo)
    expect(await orders()).not.toContain(`undone-${id}`)
    expect(await store.getSchedules([`undone-${id}`])).toEqual([null])
    expect(await world.runsOf(`undone-${id}`)).toEqual([])
  })

  test('a run ends when it commits, and goes on when it rolls back', async () => {
    const node = await world.node(`node-${id}`)
    await world.schedule(`ended-${id}`)
    const [lease] = (await world.commit(`ended-${id}`, {}, node.dispatch())).claimed
    const report = { ...lease!, outcome: succeeded }
    const undone = transaction(async (tx) => {
      expect(await store.within(tx).finish([report])).toEqual([true])
      throw undo
    })
    await expect(undone).rejects.toBe(undo)
    expect((await world.run(lease!.runId)).status).toBe('running')
    await transaction(async (tx, insert) => {
      await insert(`ended-${id}`)
      expect(await store.within(tx).finish([report])).toEqual([true])
      expect(await store.finish([report])).toEqual([null])
    })
    expect((await world.run(lease!.runId)).status).toBe('succeeded')
    expect(await store.finish([report])).toEqual([false])
  })

  test('under a lease that is lost nothing is committed, even if the caller tries to', async () => {
    const node = await world.node(`late-${id}`)
    await world.schedule(`late-${id}`)
    const [lease] = (await world.commit(`late-${id}`, {}, node.dispatch())).claimed
    const report = { ...lease!, outcome: succeeded }
    await store.finish([report])
    await transaction(async (tx, insert) => {
      await insert(`late-${id}`)
      expect(await store.within(tx).finish([report])).toEqual([false])
    }).catch(() => {})
    expect(await orders()).not.toContain(`late-${id}`)
  })
})

test('what is in no transaction is refused, and nothing is written', async () => {
  const client = await pool.connect()
  for (const handle of [pool, client, sql, drizzleOnPg(pool)]) {
    await expect(store.within(handle).putSchedules([item('alone')])).rejects.toMatchObject({
      code: 'ILLEGAL_STATE',
    })
  }
  client.release()
  expect(() => store.within({} as SqlTransaction)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  )
  expect(await store.getSchedules(['alone'])).toEqual([null])
})

test('a transaction that sees an old state of the database is refused', async () => {
  const put: Work = async (tx) => void (await store.within(tx).putSchedules([item('old')]))
  await expect(onPg(put, 'BEGIN ISOLATION LEVEL REPEATABLE READ')).rejects.toMatchObject({
    code: 'ILLEGAL_STATE',
  })
})

test('a transaction of another database is refused', async () => {
  await pool.query('CREATE DATABASE elsewhere')
  const url = server.url.replace(/postgres$/, 'elsewhere')
  // Which has a store as well.
  await (await PostgresStore.open(url)).close()
  const client = new pg.Client(url)
  await client.connect()
  await client.query('BEGIN')
  await expect(store.within(client).getSchedules(['x'])).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
  await client.end()
})

test("the caller's own settings are as they were", async () => {
  await onPg(async (tx) => {
    const client = tx as pg.PoolClient
    await client.query(`SET LOCAL lock_timeout = '3s'`)
    await Promise.all([
      store.within(tx).putSchedules([item('set-1')]),
      store.within(tx).putSchedules([item('set-2')]),
    ])
    expect((await client.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '3s' }])
  })
})
