import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Store } from '../../store/contract.js'
import { PgBouncer } from '../../testing/servers/pgbouncer.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { storeConformance } from '../../testing/store-conformance/index.js'
import { PostgresStore } from './postgres-store.js'

let server: PostgresServer
let pooler: PgBouncer
let operator: pg.Client

beforeAll(async () => {
  server = await PostgresServer.start()
  pooler = await PgBouncer.start(server)
  operator = new pg.Client(server.url)
  await operator.connect()
})

afterAll(async () => {
  await operator.end()
  await pooler.stop()
  await server.stop()
})

/** Every test begins with an empty store. To make its tables each time would take longer than all the tests. */
const emptied = (schema: string): string => `
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = '${schema}'
    AND tablename NOT IN ('evertick_migrations', 'clock', 'counters')
  LOOP EXECUTE format('DELETE FROM ${schema}.%I', name); END LOOP;
  UPDATE ${schema}.counters SET value = 0;
END $$`

/** Handles that no test has closed go on to the next one: each new connection would plan every statement anew. */
let idle: PostgresStore[] = []

async function isOpen(store: PostgresStore): Promise<boolean> {
  return store.now().then(
    () => true,
    () => false,
  )
}

function conformance(name: string, schema: string, url: () => string): void {
  describe(name, () => {
    afterAll(async () => {
      await Promise.all(idle.map((store) => store.close()))
      idle = []
    })

    storeConformance(
      {
        name: 'postgres',
        async open() {
          const handles: PostgresStore[] = []
          const open = async (): Promise<Store> => {
            const store = idle.pop() ?? (await PostgresStore.open(`${url()}?schema=${schema}`))
            handles.push(store)
            return store
          }
          return {
            store: await open(),
            second: open,
            advance: (ms) => sleep(ms),
            close: async () => {
              for (const handle of handles) if (await isOpen(handle)) idle.push(handle)
              await operator.query(emptied(schema))
            },
          }
        },
      },
      { describe, test },
    )
  })
}

conformance('on a server', 'direct', () => server.url)
conformance('behind a transaction pooler', 'pooled', () => pooler.url)
