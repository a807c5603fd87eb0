import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../store/contract.js'
import { ManualClock } from '../../testing/manual-clock.js'
import { storeConformance } from '../../testing/store-conformance/index.js'
import { World } from '../../testing/store-conformance/world.js'
import { connect } from './driver.js'
import { initial } from './migrations/0001-initial.js'
import { MIGRATIONS } from './migrations/index.js'
import { SqliteStore } from './sqlite-store.js'

/** Changes a schedule and its run together, again and again. */
const WRITER = `
import { DatabaseSync } from '@photostructure/sqlite'
const db = new DatabaseSync(process.argv[1])
db.exec('PRAGMA busy_timeout = 5000; PRAGMA synchronous = OFF')
for (let n = 1; ; n++) {
  db.exec('BEGIN IMMEDIATE; UPDATE schedules SET fires = ' + n + ', after_run_ms = ' + n +
    '; UPDATE runs SET priority = ' + n + '; COMMIT')
  if (n === 1) console.log('begun')
}`

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-sqlite-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

storeConformance(
  {
    name: 'sqlite',
    async open() {
      const clock = new ManualClock()
      const path = join(folder, 'store.db')
      const handles: Store[] = []
      const open = async (): Promise<Store> => {
        const store = await SqliteStore.open(path, { clock })
        handles.push(store)
        return store
      }
      return {
        store: await open(),
        second: open,
        advance: (ms) => clock.advance(ms),
        close: async () => {
          await Promise.all(handles.map((handle) => handle.close()))
        },
      }
    },
  },
  { describe, test },
)

test('an export tells each schedule and its runs as of one moment, whatever another process writes', async () => {
  const path = join(folder, 'store.db')
  const store = await SqliteStore.open(path)
  const world = await World.around({
    store,
    second: () => SqliteStore.open(path),
    advance: () => Promise.reject(new Error('time goes by itself')),
    close: () => store.close(),
  })
  await world.waitingRun('busy')
  const writer = spawn(process.execPath, ['--input-type=module', '-e', WRITER, path], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(writer.stdout, 'data')
  try {
    const seen = new Set<number>()
    while (seen.size < 50) {
      const [item] = (await store.exportSchedules({ limit: 1 })).items
      expect([item!.afterRunMs, item!.open[0]!.priority]).toEqual([item!.fires, item!.fires])
      seen.add(item!.fires)
    }
  } finally {
    writer.kill('SIGKILL')
    await store.close()
  }
})

describe('the file', () => {
  test('that is no database is refused by name', async () => {
    const path = join(folder, 'notes.txt')
    await writeFile(path, 'not a database, but long enough to be read as the header of one: '.repeat(20))
    await expect(SqliteStore.open(path)).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
      message: expect.stringContaining(path),
    })
  })

  test('of another program is refused and left as it is', async () => {
    const path = join(folder, 'other.db')
    const connection = await connect(path)
    connection.exec('CREATE TABLE customers (name TEXT)')
    await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'STORE_UNREADABLE' })
    expect(connection.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'customers' }])
    connection.close()
  })

  test('of a newer release is refused', async () => {
    const path = join(folder, 'newer.db')
    await (await SqliteStore.open(path)).close()
    const connection = await connect(path)
    connection.exec('PRAGMA user_version = 999')
    connection.close()
    await expect(SqliteStore.open(path)).rejects.toMatchObject({
      code: 'STORE_VERSION',
      message: expect.stringContaining('999'),
    })
  })

  test('of an earlier release is brought up to date, with all that it holds', async () => {
    const path = join(folder, 'store.db')
    const connection = await connect(path)
    connection.exec(initial)
    connection.exec('PRAGMA user_version = 1')
    connection.exec('PRAGMA application_id = 1165390452')
    connection.exec(`INSERT INTO schedules VALUES ('old', 3, 'active', 1000, 1007, 500, 4, 0)`)
    connection.exec(
      `INSERT INTO definitions VALUES ('old', 't', '{"id":"old","task":"t","trigger":{"kind":"x"}}', NULL, 1, 2)`,
    )
    connection.close()
    const store = await SqliteStore.open(path)
    expect(store.info.schema).toEqual({ found: 1, version: MIGRATIONS.length })
    expect(await store.getSchedules(['old'])).toMatchObject([
      {
        id: 'old',
        revision: 3,
        nextFireTime: 1000,
        dueAt: 1007,
        tzdata: null,
        stretchedMs: null,
        highWaterMark: 500,
        fires: 4,
      },
    ])
    expect(await store.peek(1)).toMatchObject({ calendarsRevision: 0, due: [{ calendarsRevision: null }] })
    await store.close()
    const migrated = await connect(path)
    expect(migrated.prepare('PRAGMA user_version').get()).toEqual({ user_version: MIGRATIONS.length })
    migrated.close()
  })

  test('that cannot be created is refused with the reason', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(SqliteStore.open(join(folder, 'file', 'store.db'))).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
    })
  })

  test('below a folder that holds no folders is refused, and does not try for ever', async () => {
    await expect(SqliteStore.open('/proc/evertick/store.db')).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
    })
  })

  test('is created with its folder, and opened by many at once', async () => {
    const path = join(folder, 'deep', 'er', 'store.db')
    const stores = await Promise.all(Array.from({ length: 8 }, () => SqliteStore.open(path)))
    for (const store of stores) await store.close()
  })

  test('keeps what was acknowledged when it is closed and opened again', async () => {
    const path = join(folder, 'store.db')
    const before = await SqliteStore.open(path)
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
    const after = await SqliteStore.open(path)
    expect(await after.getSchedules(['kept'])).toMatchObject([
      { id: 'kept', nextFireTime: 1000, revision: 1 },
    ])
    await after.close()
  })
})
