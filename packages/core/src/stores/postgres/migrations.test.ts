import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { Database } from './database.js'
import { loadDriver } from './driver.js'
import { migrate } from './migrate.js'
import { MIGRATIONS } from './migrations/index.js'
import { PostgresStore } from './postgres-store.js'
import { parsePostgresUrl } from './url.js'

let server: PostgresServer
let operator: pg.Client
const opened: PostgresStore[] = []

beforeAll(async () => {
  server = await PostgresServer.start()
  operator = new pg.Client(server.url)
  await operator.connect()
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
})

afterAll(async () => {
  await operator.end()
  await server.stop()
})

async function open(schema: string, url: string = server.url): Promise<PostgresStore> {
  const store = await PostgresStore.open(`${url}?schema=${encodeURIComponent(schema)}`)
  opened.push(store)
  return store
}

async function withDatabase(schema: string, body: (db: Database) => Promise<void>): Promise<void> {
  const url = parsePostgresUrl(`${server.url}?schema=${schema}`)
  const db = await Database.open(await loadDriver(), url, false, () => {})
  try {
    await body(db)
  } finally {
    await db.close()
  }
}

describe('a schema', () => {
  test('is made once, however many open it at once', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => open('many')))
    for (const store of stores) expect((await store.stats()).pending).toBe(0)
    const { rows } = await operator.query('SELECT version FROM many.evertick_migrations ORDER BY version')
    expect(rows.map(({ version }) => version as number)).toEqual(MIGRATIONS.map((_, index) => index + 1))
  })

  test.each(['public', 'Ünusual "name"; DROP', 'select', 'x'.repeat(63)])(
    'may be called %s',
    async (name) => {
      const store = await open(name)
      expect(await store.listSchedules({ limit: 1 })).toEqual({ items: [], nextCursor: null })
      expect(store.info.location).toContain(encodeURIComponent(name))
    },
  )

  test('of an older release is brought up to date, and keeps what is in it', async () => {
    await withDatabase('older', async (db) => {
      const [first, ...rest] = MIGRATIONS
      const change = { mayChange: true, migrations: [first!] }
      expect(await migrate(db, 'older', change)).toEqual({ found: null, version: 1 })
      await operator.query(`INSERT INTO older.counters VALUES ('mine', 7)`)
      const all = [first!, ...rest, 'ALTER TABLE @counters ADD COLUMN more integer DEFAULT 8']
      const both = await Promise.all(
        [1, 2].map(() => migrate(db, 'older', { mayChange: true, migrations: all })),
      )
      expect(both.toSorted((a, b) => a.found! - b.found!)).toEqual([
        { found: 1, version: all.length },
        { found: all.length, version: all.length },
      ])
      const { rows } = await operator.query(
        `SELECT value::integer, more FROM older.counters WHERE name = 'mine'`,
      )
      expect(rows).toEqual([{ value: 7, more: 8 }])
    })
  })

  test('is left as it was by a migration that fails', async () => {
    await withDatabase('failed', async (db) => {
      const broken = [...MIGRATIONS, 'DROP TABLE @run_logs', 'SELECT nonsense']
      await expect(migrate(db, 'failed', { mayChange: true, migrations: broken })).rejects.toMatchObject({
        code: 'INTERNAL',
      })
      expect(await migrate(db, 'failed', { mayChange: true })).toMatchObject({ found: null })
      await operator.query('SELECT FROM failed.run_logs')
    })
  })

  test('takes its time: longer than any step of the store may', async () => {
    await withDatabase('slow', async (db) => {
      const migrations = ['SELECT pg_sleep(7)']
      expect(await migrate(db, 'slow', { mayChange: true, migrations })).toEqual({ found: null, version: 1 })
    })
  })

  test('is refused where it is not up to date and may not be changed, and left as it is', async () => {
    const guarded = (): Promise<PostgresStore> =>
      PostgresStore.open(`${server.url}?schema=guarded&migrate=false`)
    await expect(guarded()).rejects.toMatchObject({
      code: 'STORE_VERSION',
      message: expect.stringContaining('evertick migrate'),
    })
    const { rows } = await operator.query(`SELECT FROM pg_namespace WHERE nspname = 'guarded'`)
    expect(rows).toEqual([])
    await open('guarded')
    opened.push(await guarded())
    await operator.query('DELETE FROM guarded.evertick_migrations WHERE version = $1', [MIGRATIONS.length])
    await expect(guarded()).rejects.toMatchObject({
      code: 'STORE_VERSION',
      message: expect.stringContaining(`has schema ${MIGRATIONS.length - 1}`),
    })
  })

  test('of a newer release is refused, and left as it is', async () => {
    await (await open('newer')).close()
    await operator.query('INSERT INTO newer.evertick_migrations VALUES (999, now())')
    await expect(open('newer')).rejects.toMatchObject({
      code: 'STORE_VERSION',
      message: expect.stringContaining('999'),
    })
    const { rows } = await operator.query('SELECT max(version) AS version FROM newer.evertick_migrations')
    expect(rows).toEqual([{ version: 999 }])
  })

  test('in which another program has tables of these names is refused, and left as it is', async () => {
    await operator.query('CREATE SCHEMA other; CREATE TABLE other.runs (marathon text)')
    await expect(open('other')).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
      message: expect.stringContaining('different schema'),
    })
    const { rows } = await operator.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'other'`)
    expect(rows).toEqual([{ tablename: 'runs' }])
  })

  test('keeps what was acknowledged when it is closed and opened again', async () => {
    const before = await open('kept')
    await before.putSchedules([
      {
        definition: { id: 'kept', task: 't', trigger: { kind: 'cron', expression: '0 2 * * *' } },
        state: 'active',
        stateReason: null,
        expect: 'absent',
        timing: { fireTime: 1000, dueAt: 1000, tzdata: '2026a', calendars: null, afterRunMs: null },
      },
    ])
    await before.close()
    const after = await open('kept')
    expect(await after.getSchedules(['kept'])).toMatchObject([
      { id: 'kept', nextFireTime: 1000, revision: 1 },
    ])
  })

  test('that is up to date can be used without the right to make tables', async () => {
    await open('ready')
    await operator.query(`
      CREATE ROLE plain LOGIN;
      GRANT USAGE ON SCHEMA ready TO plain;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ready TO plain`)
    const url = server.url.replace('evertick@', 'plain@')
    const store = await open('ready', url)
    await store.acquireLock({ name: 'x', owner: 'o', holder: 'h', ttlMs: 1000, queueMs: 0 })
    await expect(open('forbidden', url)).rejects.toMatchObject({ code: 'STORE_UNREADABLE' })
  })
})
