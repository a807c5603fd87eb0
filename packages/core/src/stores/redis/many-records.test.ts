import { afterAll, beforeAll, expect, test } from 'vitest'
import { Redis } from 'ioredis'
import { RedisServer } from '../../testing/servers/redis-server.js'
import { liveStore } from '../../testing/store-conformance/live-store.js'
import { failed, fireAt, succeeded, World } from '../../testing/store-conformance/world.js'
import type { HistoryPolicy } from '../../domain/policies.js'
import type { AttemptOutcome } from '../../store/contract.js'
import { RedisStore } from './redis-store.js'

/** More than any step may look at. */
const MANY = 2500
const KEEP_ALL: HistoryPolicy = {
  maxRuns: 1e6,
  maxAgeMs: 1e12,
  maxFailures: 1e6,
  maxFailureAgeMs: 1e12,
  maxSkipped: 1e6,
}

let server: RedisServer
let store: RedisStore
let world: World
let redis: Redis

beforeAll(async () => {
  server = await RedisServer.start()
  redis = new Redis(server.port, '127.0.0.1')
  store = await RedisStore.open(server.url)
  world = await World.around(await liveStore(() => Promise.resolve(store)))
})

afterAll(async () => {
  await store.close()
  redis.disconnect()
  await server.stop()
})

/** What `work` answers, and in how many steps. */
async function steps<Answer>(work: () => Promise<Answer>): Promise<readonly [Answer, number]> {
  await redis.config('RESETSTAT')
  const answer = await work()
  const stats = await redis.info('commandstats')
  return [answer, Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1])]
}

test('a schedule is found among many others without holding anyone up', async () => {
  await world.schedule('zz-paused', { state: 'paused', task: 'rare' })
  const { definition } = await world.stored('zz-paused')
  await store.putSchedules(
    Array.from({ length: MANY }, (_, i) => ({
      definition: { ...definition, id: `s-${i}`, task: 'usual' },
      state: 'active',
      stateReason: null,
      expect: 'absent',
      timing: { ...fireAt(world.firstFire + 1e9), tzdata: 'x', calendars: null, afterRunMs: null },
    })),
  )
  for (const query of [{ state: 'paused' }, { task: 'rare' }] as const) {
    const [page, calls] = await steps(() => store.listSchedules({ ...query, limit: 1 }))
    expect([page.items.map(({ id }) => id), page.nextCursor]).toEqual([['zz-paused'], null])
    expect(calls).toBeGreaterThan(2)
  }
})

test('two nodes that are both behind do not do the same', async () => {
  const behind = await RedisStore.open(`${server.url}?prefix=behind`)
  const other = await World.around(await liveStore(() => Promise.resolve(behind)))
  const { definition } = await other.schedule('first')
  await behind.putSchedules(
    Array.from({ length: MANY }, (_, i) => ({
      definition: { ...definition, id: `s-${i}` },
      state: 'active',
      stateReason: null,
      expect: 'absent',
      timing: fireAt(other.firstFire + i),
    })),
  )
  const shards = Array.from({ length: behind.info.shards }, (_, shard) => shard)
  const shown = await Promise.all(
    [0, 1].map(async (rest) => {
      const { due } = await behind.peek(
        100,
        shards.filter((shard) => shard % 2 === rest),
      )
      return due.map(({ id }) => id)
    }),
  )
  expect(shown.map((ids) => ids.length)).toEqual([100, 100])
  expect(new Set(shown.flat()).size).toBe(200)
  await behind.close()
})

test('a run is found, and pruned, among many failures that are kept', async () => {
  await ended('busy', 1, -1, succeeded)
  await ended('busy', MANY, 0, failed)
  await ended('busy', 2, MANY, succeeded)
  for (const query of [{ scheduleId: 'busy' }, {}] as const) {
    const [page, calls] = await steps(() => store.listRuns({ ...query, status: ['succeeded'], limit: 3 }))
    expect(page.items.map(({ fireTime }) => fireTime)).toEqual([MANY + 1, MANY, -1])
    expect(calls).toBeGreaterThan(2)
  }
  const rule = { ...KEEP_ALL, maxRuns: 1 }
  const [deleted, calls] = await steps(() => prune(rule))
  expect(deleted).toBe(2)
  expect(calls).toBeGreaterThan(MANY / 1000)
  const left = await store.listRuns({ scheduleId: 'busy', status: ['succeeded'], limit: 3 })
  expect(left.items.map(({ fireTime }) => fireTime)).toEqual([MANY + 1])

  const [tooMany, callsForThem] = await steps(() => prune({ ...rule, maxFailures: 700 }))
  expect(tooMany).toBe(MANY - 700)
  expect(callsForThem).toBeGreaterThan(MANY / 1000)
  const failures = await store.listRuns({ scheduleId: 'busy', status: ['failed'], limit: 1000 })
  expect(failures.items.map(({ fireTime }) => fireTime)).toEqual(newestFirst(MANY - 1, 700))
})

test('of many runs that never started only the newest stay, in several steps', async () => {
  await world.schedule('crowded')
  const schedule = await world.stored('crowded')
  const first = world.firstFire
  for (let i = 0; i < MANY; i += 500) {
    const decisions = Array.from({ length: 500 }, (_, j) => {
      const at = first + i + j
      const next = fireAt(at + 1)
      const missed = { count: 1, exact: true, from: at, to: at }
      return Object.assign(world.decide(schedule, { runs: 0, next, missed }), { fireTime: at })
    })
    expect((await store.commit(decisions, null)).missed.length).toBe(500)
  }
  const rule = { ...KEEP_ALL, maxSkipped: 300 }
  const [deleted, calls] = await steps(() => prune(rule))
  expect(deleted).toBe(MANY - 300)
  expect(calls).toBeGreaterThan(MANY / 1000)
  const left = await store.listRuns({ scheduleId: 'crowded', limit: 1000 })
  expect(left.items.map(({ fireTime }) => fireTime)).toEqual(newestFirst(first + MANY - 1, 300))
})

async function prune(rule: HistoryPolicy): Promise<number> {
  let sum = 0
  for (let more = true; more;) {
    const step = await store.prune(rule, 500)
    sum += step.deleted
    more = step.more
  }
  return sum
}

/** Fire times a millisecond apart. */
function newestFirst(newest: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => newest - i)
}

/** So many runs, a millisecond apart. */
async function ended(
  scheduleId: string,
  count: number,
  from: number,
  outcome: AttemptOutcome,
): Promise<void> {
  if (from < 0) await world.schedule(scheduleId)
  const node = await world.node(`${scheduleId}-${from}`)
  for (let i = 0; i < count; i += 500) {
    const part = Array.from({ length: Math.min(500, count - i) }, (_, j) => from + i + j)
    await store.addRuns(part.map((fireTime) => world.request(scheduleId, { kind: 'backfill', fireTime })))
    const leases = await node.claim({ slots: 500 })
    await store.finish(leases.map(({ runId, fence }) => ({ runId, fence, outcome })))
  }
}
