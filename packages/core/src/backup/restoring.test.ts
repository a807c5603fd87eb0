import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createScheduler } from '../client/scheduler.js'
import type { Scheduler } from '../client/types.js'
import { defineTask } from '../domain/define-task.js'
import { silentLogger } from '../domain/logger.js'
import { readExport } from '../moving/export-file.js'
import { importInto } from '../moving/import-into.js'
import type { ScheduleExport } from '../store/exports.js'
import { openStore } from '../stores/open-store.js'
import { PostgresServer, RedisServer } from '../testing/index.js'
import { backupTask, type BackupResult } from './backup-task.js'

const STEP_MS = 100

let folder: string
let redis: RedisServer
let postgres: PostgresServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-restoring-'))
  ;[redis, postgres] = await Promise.all([RedisServer.start(), PostgresServer.start()])
})
afterAll(async () => {
  await Promise.all([redis.stop(), postgres.stop()])
  await rm(folder, { recursive: true, force: true })
})

/** A node that notes which fire times it executed, and backs up by schedule. */
async function node(url: string, executed: number[]): Promise<Scheduler> {
  const tick = defineTask({ name: 'tick', run: ({ fireTime }) => void executed.push(fireTime.getTime()) })
  const scheduler: Scheduler = await createScheduler({
    store: url,
    tasks: [tick, backupTask({ store: () => scheduler.store, root: join(folder, 'backups') })],
    log: silentLogger,
  })
  return scheduler
}

test.each([
  ['an SQLite file', 'a Redis', () => `sqlite:${join(folder, 'one.db')}`, () => redis.url],
  ['a Redis', 'a PostgreSQL', () => `${redis.url}?prefix=lost`, () => postgres.url],
  [
    'a PostgreSQL',
    'an SQLite file',
    () => `${postgres.url}?schema=lost`,
    () => `sqlite:${join(folder, 'two.db')}`,
  ],
])(
  'what a schedule backed up from %s goes on in %s, without repeating or skipping a fire',
  async (_a, _b, from, to) => {
    const before: number[] = []
    const lost = await node(from(), before)
    const every = { milliseconds: STEP_MS }
    // What lies between the backup and the restart is made up for.
    const terms = { catchUp: 'all', misfireGraceMs: 0, overlap: 'allow', history: { maxRuns: 5 } } as const
    await lost.schedules.put({ id: 'tick', task: 'tick', trigger: { kind: 'interval', every }, ...terms })
    await lost.schedules.put({
      id: 'paused',
      task: 'tick',
      trigger: { kind: 'interval', every },
      ...terms,
    })
    await lost.schedules.pause('paused')
    const start = new Date(Date.now() + 1000).toISOString()
    const once = { kind: 'interval', every: { hours: 1 }, start } as const
    await lost.schedules.put({ id: 'backup', task: 'backup', trigger: once, input: { directory: 'a' } })
    const backedUp = new Promise<string>((resolve) => {
      lost.on('run.succeeded', ({ scheduleId, result }) => {
        if (scheduleId === 'backup') resolve((result as unknown as BackupResult).file)
      })
    })
    await lost.start()
    const file = await backedUp
    await lost.stop()

    const text = await readFile(file, 'utf8')
    const saved = text.split('\n').find((line) => line.startsWith('{"kind":"schedule","id":"tick"'))!
    const { highWaterMark, open } = JSON.parse(saved) as ScheduleExport
    const restored = await openStore(to())
    const { header, items } = await readExport(lines(text))
    await importInto(restored, items, { history: header.history })
    await restored.close()

    const after: number[] = []
    const again = await node(to(), after)
    const reached = Date.now()
    const caughtUp = new Promise<void>((resolve) => {
      again.on('run.succeeded', ({ fireTime }) => fireTime > reached && resolve())
    })
    await again.start()
    await caughtUp
    expect((await again.schedules.get('paused'))?.state).toBe('paused')
    await again.stop()

    const waited = open.map(({ fireTime }) => fireTime)
    const mine = after.filter((time) => !waited.includes(time)).toSorted((a, b) => a - b)
    expect(before.length).toBeGreaterThan(3)
    // Everything beyond the mark, each once, and nothing up to it but what had not been done.
    expect(mine[0]).toBe(highWaterMark! + STEP_MS)
    expect(mine).toEqual(Array.from({ length: mine.length }, (_, i) => mine[0]! + i * STEP_MS))
    expect(after.length).toBe(new Set(after).size)
    expect(waited.filter((time) => !after.includes(time))).toEqual([])
  },
)

async function* lines(text: string): AsyncGenerator<string, void> {
  yield text
}
