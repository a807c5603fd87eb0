import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { MIGRATIONS } from './migrations/index.js'
import { PostgresStore } from './postgres-store.js'

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
