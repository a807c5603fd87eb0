import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Fence } from '../../domain/lease.js'
import type { Store } from '../../store/contract.js'
import { RedisServer } from '../../testing/servers/redis-server.js'
import { failed, retryIn, succeeded, World } from '../../testing/store-conformance/world.js'
import { whenAvailable } from '../../testing/when-available.js'
import { RedisStore } from './redis-store.js'

const SHORT_LEASE_MS = 400

let server: RedisServer
let store: RedisStore
let world: World
const opened: Store[] = []

beforeEach(async () => {
  server = await RedisServer.start()
  store = await open()
  world = await worldAround(store)
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
  await server.stop()
})

async function open(query = ''): Promise<RedisStore> {
  const opening = await RedisStore.open(`${server.url}/0${query}`)
  opened.push(opening)
  return opening
}

function worldAround(subject: Store): Promise<World> {
  return World.around({
    store: subject,
    second: () => open(),
    advance: (ms) => sleep(ms),
    close: () => subject.close(),
  })
}

/** Runs commands as an operator would. */
async function operate<Answer>(work: (redis: Redis) => Promise<Answer>): Promise<Answer> {
  const redis = new Redis(server.port, '127.0.0.1')
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

/** The server is killed and comes back as it was when `copy` was made. */
async function backTo(copy: string): Promise<void> {
  await server.kill()
  const data = join(server.folder, 'appendonlydir')
  await rm(data, { recursive: true })
  await cp(copy, data, { recursive: true })
  await server.restart()
}

/** While the disk is busy, what was acknowledged waits in memory, and would be lost with the process. */
async function untilWritten(): Promise<void> {
  await operate(async (redis) => {
    while (!/aof_buffer_length:0\r/.test(await redis.info('persistence'))) await sleep(5)
  })
}

/** Killed, and back with all that it had. */
async function killAndRestart(): Promise<void> {
  await untilWritten()
  await server.kill()
  await server.restart()
}

async function copyOfData(): Promise<string> {
  await untilWritten()
  const copy = join(server.folder, 'copy')
  await cp(join(server.folder, 'appendonlydir'), copy, { recursive: true })
  return copy
}

describe('a restart with its log', () => {
  test('loses nothing, and the handle that was open goes on', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    const [lease] = (await world.commit('daily', {}, node.dispatch())).claimed
    await world.schedule('other')
    await untilWritten()
    await server.kill()
    await expect(store.now()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await server.restart()

    const schedules = await whenAvailable(() => store.getSchedules(['daily', 'other']))
    expect(schedules.map((schedule) => schedule?.fires)).toEqual([1, 0])
    // Its scripts went with the process; they are handed over again.
    expect(await store.finish([{ ...lease!, outcome: succeeded }])).toEqual([true])
    await whenAvailable(() => world.fire('other'))
  })

  test('tells those who watch as soon as the line is up again', async () => {
    await server.kill()
    const told = new Promise<void>((resolve) => {
      store.watch((hint) => hint === 'due' && resolve())
    })
    await server.restart()
    await told
    await whenAvailable(() => store.now())
  })
})

test('a restart that lost nothing changes nothing, whatever the nodes tell', async () => {
  const node = await world.node('a')
  const ids = ['goes on', 'again', 'ended', 'given back', 'waits', 'follows'].map((id) =>
    id.replace(' ', '-'),
  )
  for (const id of ids) await world.schedule(id)
  for (const id of ids.slice(0, 4)) await world.commit(id, {}, node.dispatch())
  const given = new Map([
    ['again', retryIn(60_000)],
    ['ended', succeeded],
    ['given-back', { kind: 'released' } as const],
  ])
  for (const [id, outcome] of given) {
    const run = (await world.runsOf(id))[0]!
    await store.finish([{ runId: run.id, fence: run.fence as Fence, outcome }])
  }
  await world.fire('waits')
  for (let i = 0; i < 2; i++) await world.commit('follows', { overlap: 'bufferAll' }, null)
  const all = async (): Promise<unknown> => (await store.listRuns({ limit: 100 })).items
  const before = await all()
  const told: string[] = []
  store.watch((hint) => void told.push(hint))
  await killAndRestart()
  await whenAvailable(() => store.claim(node.dispatch({ tasks: { other: {} } })))
  expect(await all()).toEqual(before)
  expect(told).not.toContain('writesLost')
  expect((await store.stats()).running).toBe(1)
})

describe('a server that comes back with other data', () => {
  test('or none is noticed: nothing is answered, and it is told', async () => {
    await world.schedule('daily')
    const told = new Promise<void>((resolve) => {
      store.watch((hint) => hint === 'replaced' && resolve())
    })
    await operate((redis) => redis.flushall())
    await expect(store.peek(10)).rejects.toMatchObject({ code: 'STORE_REPLACED' })
    await expect(store.getSchedules(['daily'])).rejects.toMatchObject({ code: 'STORE_REPLACED' })
    await told
    // Nor is it taken over by whoever else begins anew in its place.
    const fresh = await open()
    expect(await fresh.getSchedules(['daily'])).toEqual([null])
    await expect(store.now()).rejects.toMatchObject({ code: 'STORE_REPLACED' })
  })
})

describe('a server that lost its last writes', () => {
  test('does not let a fire time become a run again that this node saw become one', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    const copy = await copyOfData()
    const decision = world.decide(await world.stored('daily'))
    const { claimed } = await store.commit([decision], node.dispatch())
    await world.finish(claimed[0]!, succeeded)
    const told: string[] = []
    store.watch((hint) => void told.push(hint))
    await backTo(copy)

    const again = await whenAvailable(() => store.commit([decision], node.dispatch()))
    expect(again.claimed).toEqual([])
    expect(again.waiting).toBe(0)
    expect((await world.run(claimed[0]!.runId)).status).toBe('succeeded')
    expect((await world.runsOf('daily')).length).toBe(1)
    expect(told).toContain('writesLost')
  })

  test('does not let a fire time run that this node saw skipped', async () => {
    const node = await world.node('a')
    await world.schedule('alone')
    const [lease] = (await world.commit('alone', {}, node.dispatch())).claimed
    const copy = await copyOfData()
    const decision = world.decide(await world.stored('alone'), { overlap: 'skip' })
    expect((await store.commit([decision], node.dispatch())).skipped.length).toBe(1)
    await world.finish(lease!, succeeded)
    await backTo(copy)

    // Nothing is open any more that would hold it up; only the mark does.
    const again = await whenAvailable(() => store.commit([decision], node.dispatch()))
    expect([again.committed, again.claimed, again.waiting]).toEqual([[true], [], 0])
    expect((await world.stored('alone')).highWaterMark).toBe(decision.fireTime)
  })

  test('gives a run that is under way back to the node that runs it', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    const waiting = await world.fire('daily')
    const copy = await copyOfData()
    const lease = await node.claimOne()
    await backTo(copy)
    const other = await whenAvailable(() => open())
    const rival = await (await worldAround(other)).node('b')
    // Whoever comes first: the run is not leased a second time.
    const [own, rivals] = await Promise.all([
      whenAvailable(() => node.claim()),
      whenAvailable(() => rival.claim()),
    ])
    expect([own, rivals]).toEqual([[], []])
    const run = await world.run(waiting.id)
    expect([run.status, run.fence]).toEqual(['running', lease.fence])
    expect(await store.finish([{ ...lease, outcome: succeeded }])).toEqual([true])
  })

  for (const [name, outcome, status] of [
    ['succeeded', succeeded, 'succeeded'],
    ['failed', failed, 'failed'],
    ['is to be tried again', retryIn(60_000), 'retrying'],
    ['was given back', { kind: 'released' }, 'pending'],
  ] as const) {
    test(`is told of a run that ${name}, and was running when it saw it last`, async () => {
      const node = await world.node('a')
      await world.waitingRun('daily')
      const lease = await node.claimOne()
      const copy = await copyOfData()
      await world.finish(lease, outcome)
      await backTo(copy)
      const asked = node.dispatch({ tasks: { other: {} } })
      await whenAvailable(() => store.claim(asked))
      expect((await world.run(lease.runId)).status).toBe(status)
      expect((await store.stats()).running).toBe(0)
      // Nor is it taken back when its node goes.
      await node.leave()
      expect(await store.recover(10)).toEqual([])
    })
  }

  test('accepts the end and the words of a run that it did not know to be leased', async () => {
    const node = await world.node('a')
    for (const id of ['one', 'two']) await world.waitingRun(id)
    const copy = await copyOfData()
    const [first, second] = await node.claim()
    await backTo(copy)
    const line = { level: 'info', message: 'half done' } as const
    expect(await whenAvailable(() => store.report([{ ...first!, log: [line], progress: null }]))).toEqual([
      true,
    ])
    await backTo(copy)
    expect(await whenAvailable(() => store.finish([{ ...second!, outcome: succeeded }]))).toEqual([true])
    expect(await world.statuses([first!.runId, second!.runId])).toEqual(['running', 'succeeded'])
  })

  test('knows a node again whose session was lost, and gives it back what it runs', async () => {
    await world.schedule('daily')
    const copy = await copyOfData()
    const node = await world.node('a')
    const [lease] = (await world.commit('daily', {}, node.dispatch())).claimed
    await backTo(copy)
    const again = await whenAvailable(() => world.commit('daily', {}, node.dispatch()))
    expect([again.committed, again.claimed, again.waiting]).toEqual([[true], [], 0])
    const run = await world.run(lease!.runId)
    expect([run.status, run.fence]).toEqual(['running', lease!.fence])
    // Nothing else is known of the node before it says more.
    expect(await store.listNodes()).toEqual([])
    expect((await node.beat()).load).toBe(0.25)
    expect(await store.listNodes()).toMatchObject([{ node: 'a', alive: true, heldRuns: [lease!.runId] }])
    expect(await store.recover(10)).toEqual([])
    expect(await store.finish([{ ...lease!, outcome: succeeded }])).toEqual([true])
  })

  for (const first of ['its heartbeat', 'its next step'] as const) {
    test(`takes nothing back from a node whose renewals were lost, and that comes with ${first}`, async () => {
      const node = await world.node('a', { leaseMs: SHORT_LEASE_MS })
      await world.waitingRun('daily')
      const copy = await copyOfData()
      const since = await store.now()
      const lease = await node.claimOne()
      // Renewed often enough, as far as it was told.
      while ((await node.beat()).now <= since + SHORT_LEASE_MS) await sleep(50)
      await backTo(copy)
      if (first === 'its heartbeat') await whenAvailable(() => node.beat())
      expect(await whenAvailable(() => store.recover(10))).toEqual([])
      if (first === 'its next step') expect(await whenAvailable(() => node.claim())).toEqual([])
      await node.beat()
      expect(await store.recover(10)).toEqual([])
      expect(await store.finish([{ ...lease, outcome: succeeded }])).toEqual([true])
    })
  }

  test('takes back what a node that it does not know ran, and gave up while the server was away', async () => {
    await world.schedule('daily')
    const copy = await copyOfData()
    const node = await world.node('a')
    const [lease] = (await world.commit('daily', {}, node.dispatch())).claimed
    await backTo(copy)
    const anew = await whenAvailable(() => world.node('a'))
    const again = await whenAvailable(() => world.commit('daily', {}, anew.dispatch()))
    expect([again.committed, again.claimed, again.waiting]).toEqual([[true], [], 0])
    expect(await store.recover(10)).toMatchObject([{ id: lease!.runId, status: 'retrying', attempt: 1 }])
    const second = await anew.claimOne()
    expect([second.runId, second.attempt]).toEqual([lease!.runId, 2])
    expect(await store.finish([{ ...lease!, outcome: succeeded }])).toEqual([false])
    expect(await store.finish([{ ...second, outcome: succeeded }])).toEqual([true])
  })

  test('is told of a run that ended after its session had been given up', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    const copy = await copyOfData()
    const [lease] = (await world.commit('daily', {}, node.dispatch())).claimed
    const anew = await world.node('a')
    await anew.claim()
    expect(await store.finish([{ ...lease!, outcome: succeeded }])).toEqual([true])
    await backTo(copy)
    expect(await whenAvailable(() => anew.claim())).toEqual([])
    expect((await world.run(lease!.runId)).status).toBe('succeeded')
  })

  test('does not know a node again that left, or that comes after the others went on', async () => {
    const left = await world.node('left', { leaseMs: SHORT_LEASE_MS })
    const late = await world.node('late', { leaseMs: SHORT_LEASE_MS })
    await left.leave()
    await sleep(SHORT_LEASE_MS)
    await killAndRestart()
    await expect(whenAvailable(() => left.beat())).rejects.toMatchObject({ code: 'SESSION_EXPIRED' })
    await whenAvailable(() => store.recover(10))
    await expect(late.beat()).rejects.toMatchObject({ code: 'SESSION_EXPIRED' })
  })

  test('waits for a node also where the server was away for longer than its lease', async () => {
    const seen = await open()
    const witness = await (await worldAround(seen)).node('witness', { leaseMs: SHORT_LEASE_MS })
    await world.schedule('daily')
    const copy = await copyOfData()
    const decision = world.decide(await world.stored('daily'))
    await seen.commit([decision], witness.dispatch())
    await server.kill()
    await sleep(2 * SHORT_LEASE_MS)
    await backTo(copy)
    const anew = await whenAvailable(() => world.node('anew'))
    await expect(untilRefused(() => store.commit([decision], anew.dispatch()))).resolves.toContain(
      'waits for the nodes that live',
    )
    await whenAvailable(() => seen.claim(witness.dispatch()))
    const late = await whenAvailable(() => store.commit([decision], anew.dispatch()))
    expect([late.committed, late.claimed, late.waiting]).toEqual([[true], [], 0])
  })

  test('does not forget a run that waited', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    const copy = await copyOfData()
    const options = { runs: 2, spec: '{"input":1}', overlap: 'bufferAll' } as const
    await world.commit('daily', options)
    await backTo(copy)
    const lease = await whenAvailable(() => node.claimOne())
    expect(lease).toMatchObject({ fireTime: world.firstFire, spec: '{"input":1}' })
    // Those that waited for it do so again.
    expect(await node.claim()).toEqual([])
    await world.finish(lease, succeeded)
    expect((await node.claimOne()).fireTime).toBe(world.firstFire + 1000)
    const again = await world.commit('daily', { runs: 2 })
    expect([again.committed, again.waiting]).toEqual([[true], 0])
  })

  test('knows the whole history of what fired before and after', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    const fire = async (): Promise<void> => {
      const { claimed } = await whenAvailable(() => world.commit('daily', {}, node.dispatch()))
      await world.finish(claimed[0]!, succeeded)
    }
    for (let i = 0; i < 2; i++) await fire()
    const copy = await copyOfData()
    await fire()
    await backTo(copy)
    // The mark is raised to the third, which is restored; then it fires from there.
    await whenAvailable(() => node.claim())
    expect((await world.stored('daily')).lastRun?.fireTime).toBe(world.firstFire + 2000)
    await whenAvailable(() => world.commit('daily', {}, node.dispatch()))
    await fire()
    const times = (await world.runsOf('daily')).map(({ fireTime }) => (fireTime - world.firstFire) / 1000)
    expect(times).toEqual([3, 2, 1, 0])
  })

  test('does not bring back what is pruned', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    await world.commit('daily', { runs: 2 })
    for (const lease of await node.claim()) await world.finish(lease, succeeded)
    await store.prune(
      { maxRuns: 1, maxAgeMs: 0, maxFailureAgeMs: 0, maxFailures: 1000, maxSkipped: 1000 },
      10,
    )
    const before = await world.runsOf('daily')
    const told: string[] = []
    store.watch((hint) => void told.push(hint))
    await backTo(await copyOfData())
    expect(await whenAvailable(() => node.claim())).toEqual([])
    expect(await world.runsOf('daily')).toEqual(before)
    expect(told).not.toContain('writesLost')
  })

  test('believes a node that comes after the others went on', async () => {
    const late = await open()
    const witness = await (await worldAround(late)).node('late')
    const node = await world.node('early')
    for (const id of ['daily', 'other']) await world.schedule(id, { task: id })
    await world.fire('daily')
    const copy = await copyOfData()
    const [lease] = await late.claim(witness.dispatch({ tasks: { daily: {} } }))
    await backTo(copy)
    const other = world.decide(await whenAvailable(() => world.stored('other')))
    await whenAvailable(() => store.commit([other], node.dispatch({ tasks: { other: {} } })))
    expect((await world.run(lease!.runId)).status).toBe('pending')
    expect(await whenAvailable(() => late.finish([{ ...lease!, outcome: succeeded }]))).toEqual([true])
    expect((await world.run(lease!.runId)).status).toBe('succeeded')
  })

  for (const [how, outcome] of [
    ['goes on', null],
    ['has ended', succeeded],
  ] as const) {
    test(`does not believe a node that comes late of a run that another has taken, and that ${how}`, async () => {
      const late = await open()
      const witness = await (await worldAround(late)).node('late')
      const node = await world.node('early')
      await world.waitingRun('daily')
      const copy = await copyOfData()
      const [stale] = await late.claim(witness.dispatch())
      await backTo(copy)
      const lease = await whenAvailable(() => node.claimOne())
      expect(lease.runId).toBe(stale!.runId)
      if (outcome !== null) await world.finish(lease, outcome)
      const before = await world.run(lease.runId)
      expect(await whenAvailable(() => late.finish([{ ...stale!, outcome: failed }]))).toEqual([false])
      expect(await world.run(lease.runId)).toEqual(before)
      if (outcome === null) expect(await store.finish([{ ...lease, outcome: succeeded }])).toEqual([true])
    })
  }

  test('does not believe a node that comes late of a run that was cancelled while it waited there', async () => {
    const late = await open()
    const witness = await (await worldAround(late)).node('late')
    const node = await world.node('early', { tasks: ['other'] })
    await world.waitingRun('daily')
    const copy = await copyOfData()
    const [stale] = await late.claim(witness.dispatch())
    await backTo(copy)
    await whenAvailable(() => node.claim())
    expect((await store.cancelRun(stale!.runId))?.status).toBe('cancelled')
    expect(await whenAvailable(() => late.finish([{ ...stale!, outcome: succeeded }]))).toEqual([false])
    expect((await world.run(stale!.runId)).status).toBe('cancelled')
  })

  test('waits for a node that lives, but not for long, before anything is fired by one that saw less', async () => {
    const seen = await open()
    const witness = await (await worldAround(seen)).node('witness')
    const node = await world.node('late')
    await world.schedule('daily')
    const copy = await copyOfData()
    const decision = world.decide(await world.stored('daily'))
    await seen.commit([decision], witness.dispatch())
    await backTo(copy)
    // One that did not see it may not fire it before the witness had its say.
    await expect(untilRefused(() => store.commit([decision], node.dispatch()))).resolves.toContain(
      'waits for the nodes that live',
    )
    await whenAvailable(() => seen.claim(witness.dispatch()))
    const late = await whenAvailable(() => store.commit([decision], node.dispatch()))
    expect([late.committed, late.claimed, late.waiting]).toEqual([[true], [], 0])
  })

  test('goes on without a node that does not come back', async () => {
    await (await worldAround(await open())).node('dead')
    const node = await world.node('alive')
    await world.schedule('daily')
    await killAndRestart()
    const decision = await whenAvailable(async () => world.decide(await world.stored('daily')))
    const result = await whenAvailable(() => store.commit([decision], node.dispatch()))
    expect(result.claimed.length).toBe(1)
  })
})

/** Until it is refused because nodes are waited for; what the error said. */
async function untilRefused(call: () => Promise<unknown>): Promise<string> {
  for (;;) {
    try {
      await call()
      return 'not refused'
    } catch (error) {
      if ((error as Error).message.includes('waits for')) return (error as Error).message
      await sleep(20)
    }
  }
}

describe('a server whose clock is behind the one before it', () => {
  test('does not take the store back in time', async () => {
    const ahead = (await store.now()) + 60_000
    await operate((redis) => redis.hset('{evertick}:meta', 'wall', ahead))
    let last = ahead
    for (let i = 0; i < 5; i++) {
      const now = await store.now()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
      // What is written in between remembers how far it is ahead.
      await world.schedule(`written-${i}`)
    }
    // Nor does it run ahead: it goes on from there.
    expect(last).toBeLessThan(ahead + 60_000)
  })
})

describe('a server without memory', () => {
  test('refuses what is new as a whole, and takes what ends, renews and deletes', async () => {
    const node = await world.node('a')
    for (const id of ['running', 'waiting', 'due']) await world.schedule(id)
    await world.fire('running')
    const lease = await node.claimOne()
    const waiting = await world.fire('waiting')
    const due = world.decide(await world.stored('due'))
    await operate((redis) => redis.config('SET', 'maxmemory', '1'))

    await expect(node.claim()).rejects.toMatchObject({ code: 'STORE_FULL' })
    await expect(store.commit([due], node.dispatch())).rejects.toMatchObject({ code: 'STORE_FULL' })
    await expect(world.schedule('new')).rejects.toMatchObject({ code: 'STORE_FULL' })
    const full: unknown = await store
      .addRuns([world.request('due', { spec: '"of users"' })])
      .catch((e: unknown) => e)
    expect(full).toMatchObject({ code: 'STORE_FULL' })
    // What runs are given, and whole scripts, do not belong in a log.
    expect(inspect(full, { depth: 9 })).not.toMatch(/of users|local function/)
    await node.beat()
    expect(await store.finish([{ ...lease, outcome: succeeded }])).toEqual([true])
    expect((await store.cancelRun(waiting.id))?.status).toBe('cancelled')
    expect(await store.deleteSchedule('running')).toBe(true)
    await node.leave()
    const history = { maxRuns: 0, maxAgeMs: 0, maxFailureAgeMs: 0, maxFailures: 1000, maxSkipped: 1000 }
    expect((await store.prune(history, 10)).deleted).toBeGreaterThan(0)

    await operate((redis) => redis.config('SET', 'maxmemory', '0'))
    expect(await store.getSchedules(['new'])).toEqual([null])
    const fresh = await world.node('b')
    expect((await store.commit([due], fresh.dispatch())).claimed.length).toBe(1)
  })
})

describe('a server that does not answer', () => {
  test('is given up after a while, and used again when it does', async () => {
    await world.schedule('daily')
    server.freeze()
    await expect(store.peek(10)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    server.thaw()
    expect((await whenAvailable(() => store.peek(10))).due.length).toBe(1)
  })
})

test('a fire time whose run is kept does not run again, though nothing else is left of its schedule', async () => {
  const node = await world.node('a')
  await world.schedule('daily')
  const [lease] = (await world.commit('daily', {}, node.dispatch())).claimed
  await store.deleteSchedule('daily')
  await operate((redis) => redis.del('{evertick}:t:daily'))
  await world.schedule('daily')
  const again = await world.commit('daily', {}, node.dispatch())
  expect([again.committed, again.claimed, again.waiting]).toEqual([[true], [], 0])
  expect(await world.runsOf('daily')).toMatchObject([{ status: 'running', fence: lease!.fence }])
})

test('of schedules and runs that are gone nothing stays behind but their tombstones', async () => {
  const before = await operate((redis) => redis.keys('*'))
  const node = await world.node('a', { tasks: ['known'] })
  for (const task of ['known', 'unknown']) {
    await world.schedule(task, { task })
    await world.commit(task, { runs: 3, spec: '1' })
    await store.addRuns([world.request(task, { task })])
  }
  const leases = await node.claim({ slots: 3 })
  const said = { log: [{ level: 'info', message: 'm' }], progress: { fraction: 1, message: null } } as const
  await store.report(leases.map((lease) => ({ ...lease, ...said })))
  for (const [i, outcome] of [succeeded, failed, retryIn(60_000)].entries())
    await world.finish(leases[i]!, outcome)
  for (const id of ['known', 'unknown']) await store.deleteSchedule(id)
  await store.prune({ maxRuns: 0, maxAgeMs: 0, maxFailureAgeMs: 0, maxFailures: 1000, maxSkipped: 1000 }, 100)
  const left = await operate((redis) => redis.keys('*'))
  const own = /:(count|running|session-number|sessions|holders|sess:.*|tombstones|t:(known|unknown))$/
  expect(left.filter((key) => !before.includes(key) && !own.test(key))).toEqual([])
})

describe('opening', () => {
  test('a server that throws keys away is refused', async () => {
    await operate((redis) => redis.config('SET', 'maxmemory-policy', 'allkeys-lru'))
    await expect(open()).rejects.toMatchObject({
      code: 'STORE_UNSAFE',
      message: expect.stringContaining('allkeys-lru'),
    })
  })

  test('a server that keeps nothing is refused, unless that is said to be well', async () => {
    await operate((redis) => redis.config('SET', 'appendonly', 'no'))
    await expect(open()).rejects.toMatchObject({ code: 'STORE_UNSAFE' })
    expect((await open('?volatile=true')).info.durable).toBe(false)
    expect(store.info.durable).toBe(true)
  })

  test('a database that the server has not, or not for this user, is refused', async () => {
    await expect(RedisStore.open(`${server.url}/99`)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      problems: [{ rule: 'store.database', message: expect.stringContaining('but is 99: DB index') }],
    })
    await operate((redis) => redis.call('ACL', 'SETUSER', 'jo', 'on', '>pw', '~*', '&*', '+@all', '-select'))
    await expect(RedisStore.open(`redis://jo:pw@127.0.0.1:${server.port}/3`)).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
    })
  })

  test('a wrong password is refused without showing it', async () => {
    await operate((redis) => redis.call('ACL', 'SETUSER', 'evertick', 'on', '>right', '~*', '&*', '+@all'))
    const url = (password: string): string => `redis://evertick:${password}@127.0.0.1:${server.port}`
    const refused: unknown = await RedisStore.open(url('wrong-one')).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'STORE_UNREADABLE' })
    expect(inspect(refused, { depth: 9 })).not.toContain('wrong-one')
    const allowed = await RedisStore.open(url('right'))
    opened.push(allowed)
    expect(allowed.info.location).not.toContain('right')
    await world.schedule('shared')
    expect((await allowed.getSchedules(['shared']))[0]?.id).toBe('shared')
  })

  test('a user without the right to ask for settings is enough', async () => {
    const rights = ['on', '>pw', '~*', '&*', '+@all', '-@admin', '-@dangerous', '+info']
    await operate((redis) => redis.call('ACL', 'SETUSER', 'plain', ...rights))
    const plain = await RedisStore.open(`redis://plain:pw@127.0.0.1:${server.port}`)
    opened.push(plain)
    await (await worldAround(plain)).waitingRun('daily')
  })

  test('nobody there is told with the address', async () => {
    const { url } = server
    await server.stop()
    await expect(RedisStore.open(url)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    })
  })

  test('namespaces of one server know nothing of each other, nor do its databases', async () => {
    await world.schedule('daily')
    const others = [await open('?prefix=other'), await RedisStore.open(`${server.url}/1`)]
    opened.push(...others)
    for (const other of others) expect(await other.getSchedules(['daily'])).toEqual([null])
  })

  test('the number of shards is that of the one who made the namespace', async () => {
    const made = await open('?prefix=few&shards=3')
    const later = await open('?prefix=few&shards=7')
    expect([made.info.shards, later.info.shards]).toEqual([3, 3])
  })
})
