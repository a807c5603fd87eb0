// Schedules from an SQLite file to Redis, on to PostgreSQL and back into a file: how long each way takes, and that nothing
// has changed at the end.
//   node bench/copy.mjs [--schedules 100000] [--runs 1000]
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { copyStore, createScheduler, defineTask, exportLines, openStore } from '@evertick/core'
import { PostgresServer, RedisServer } from '@evertick/core/testing'
import { timed } from './measure.mjs'

const { values } = parseArgs({
  options: { schedules: { type: 'string', default: '100000' }, runs: { type: 'string', default: '1000' } },
})
const count = Number(values.schedules)
const AT_ONCE = 2000

const folder = await mkdtemp(join(tmpdir(), 'evertick-copy-'))
const redis = await RedisServer.start()
const postgres = await PostgresServer.start({ fsync: true })
const first = `sqlite:${join(folder, 'first.db')}`
try {
  await fill(first)
  const urls = [first, redis.url, postgres.url, `sqlite:${join(folder, 'last.db')}`]
  const results = []
  for (const [i, to] of urls.entries()) {
    if (i > 0) results.push(await copy(urls[i - 1], to))
  }
  const [before, after] = [await linesOf(urls[0]), await linesOf(urls.at(-1))]
  console.log({
    schedules: count,
    exportMb: Math.round(before.join('\n').length / 2 ** 20),
    fileMb: Math.round((await stat(join(folder, 'first.db'))).size / 2 ** 20),
    seconds: Object.fromEntries(results.map(({ way, seconds }) => [way, seconds])),
    digests: new Set(results.map(({ digest }) => digest)).size,
    exportIsTheSame: before.length === after.length && before.every((line, i) => line === after[i]),
    peakMemoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
  })
} finally {
  await redis.stop()
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}

/** Of several kinds, some paused, some with runs that wait. */
async function fill(url) {
  const task = defineTask({ name: 'tick', run: () => {} })
  const scheduler = await createScheduler({ store: url, tasks: [task] })
  for (let from = 0; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from)
    await scheduler.schedules.putAll(Array.from({ length: size }, (_, i) => schedule(task, from + i)))
  }
  for (let i = 0; i < Number(values.runs); i++) await scheduler.schedules.runNow(idOf(i))
  for (let i = 0; i < 100; i++) await scheduler.schedules.pause(idOf(count - 1 - i))
  await scheduler.stop()
}

function schedule(task, i) {
  const trigger =
    i % 2 === 0
      ? { kind: 'interval', every: { hours: 1 }, start: new Date(Date.UTC(2030, 0, 1) + i).toISOString() }
      : { kind: 'cron', expression: `${i % 60} ${i % 24} * * *`, timezone: 'Europe/Berlin' }
  return { id: idOf(i), task, trigger, input: { customer: i, note: 'as it might be' } }
}

function idOf(i) {
  return `tick-${String(i).padStart(7, '0')}`
}

async function copy(fromUrl, toUrl) {
  const [from, to] = [await openStore(fromUrl), await openStore(toUrl)]
  let result
  const ms = await timed(async () => (result = await copyStore(from, to, { history: true })))
  const way = `${from.info.kind} → ${to.info.kind}`
  await from.close()
  await to.close()
  return { way, seconds: Math.round(ms / 100) / 10, digest: result.digest }
}

/** All but the first line, which tells when and from where, in one order. */
async function linesOf(url) {
  const store = await openStore(url)
  const lines = []
  for await (const line of exportLines(store, { history: true })) lines.push(line)
  await store.close()
  return lines.slice(1).sort()
}
