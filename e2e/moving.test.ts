import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createScheduler, defineTask, exportLines, openStore } from '@evertick/core'
import { PostgresServer, RedisCluster, RedisServer } from '@evertick/core/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../packages/server/bin/evertick.js', import.meta.url))
const COUNT = 2000

let folder: string
let redis: RedisServer
let cluster: RedisCluster
let postgres: PostgresServer
let first: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-moving-'))
  ;[redis, cluster, postgres] = await Promise.all([
    RedisServer.start(),
    RedisCluster.start(3),
    PostgresServer.start(),
  ])
  first = `sqlite:${join(folder, 'first.db')}`
  await fill(first)
})
afterAll(async () => {
  await Promise.all([redis.stop(), cluster.stop(), postgres.stop()])
  await rm(folder, { recursive: true, force: true })
})

/** Schedules of several kinds, some paused, some with runs that wait. */
async function fill(url: string): Promise<void> {
  const task = defineTask({ name: 'tick', run: () => {} })
  const scheduler = await createScheduler({ store: url, tasks: [task] })
  await scheduler.calendars.put({ name: 'holidays', dates: ['2030-12-25'] })
  await scheduler.schedules.putAll(
    Array.from({ length: COUNT }, (_, i) => ({
      id: idOf(i),
      task,
      trigger:
        i % 2 === 0
          ? { kind: 'interval', every: { hours: 1 } }
          : {
              kind: 'cron',
              expression: `${i % 60} 3 * * *`,
              timezone: 'Europe/Berlin',
              exclude: { calendar: 'holidays' },
            },
      input: { customer: i },
    })),
  )
  for (let i = 0; i < 50; i++) await scheduler.schedules.runNow(idOf(i))
  for (let i = 50; i < 60; i++) await scheduler.schedules.pause(idOf(i))
  await scheduler.schedules.delete(idOf(COUNT - 1))
  await scheduler.stop()
}

const idOf = (i: number): string => `tick-${String(i).padStart(5, '0')}`

/** What a store holds, but for when that was told and when a tombstone goes. */
async function exportOf(url: string): Promise<string[]> {
  const store = await openStore(url)
  try {
    const lines: string[] = []
    for await (const line of exportLines(store, { history: true }))
      lines.push(line.replace(/"expiresAt":\d+/, ''))
    return lines.slice(1).toSorted()
  } finally {
    await store.close()
  }
}

function differences(some: readonly string[], others: readonly string[]): string[] {
  const [first, second] = [new Set(some), new Set(others)]
  return [...some.filter((line) => !second.has(line)), ...others.filter((line) => !first.has(line))].slice(
    0,
    4,
  )
}

async function copy(from: string, to: string): Promise<void> {
  const child = spawn(
    process.execPath,
    [PROGRAM, 'copy', '--from', from, '--to', to, '--history', '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(0)
}

test('from SQLite over Redis, a Redis Cluster and PostgreSQL back to SQLite, nothing has changed', async () => {
  const last = `sqlite:${join(folder, 'last.db')}`
  const way = [first, redis.url, cluster.url, postgres.url, last]
  for (const [i, to] of way.slice(1).entries()) await copy(way[i]!, to)
  const before = await exportOf(first)
  // Schedules, a calendar, a tombstone and the end.
  expect(before.length).toBe(COUNT - 1 + 3)
  expect(differences(await exportOf(last), before)).toEqual([])
})

test('a copy that is killed half-way goes on when it is made again', async () => {
  const to = `${redis.url}?prefix=killed`
  const target = await openStore(to)
  const child = spawn(process.execPath, [PROGRAM, 'copy', '--from', first, '--to', to, '--history'])
  const exited = once(child, 'exit')
  let written = 0
  while (written === 0 && child.exitCode === null) {
    written = (await target.stats()).schedules.active
    if (written === 0) await sleep(1)
  }
  child.kill('SIGKILL')
  await exited
  expect((await target.stats()).schedules.active).toBeLessThan(COUNT - 11)
  await target.close()
  await copy(first, to)
  expect(differences(await exportOf(to), await exportOf(first))).toEqual([])
})
