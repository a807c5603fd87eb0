import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../../store/contract.js'
import { RedisSentinel } from '../../testing/servers/redis-sentinel.js'
import type { StoreUnderTest } from '../../testing/store-conformance/harness.js'
import { liveStore } from '../../testing/store-conformance/live-store.js'
import { TestOwner } from '../../testing/store-conformance/test-owner.js'
import { succeeded, World } from '../../testing/store-conformance/world.js'
import { whenAvailable } from '../../testing/when-available.js'
import { RedisStore } from './redis-store.js'

const PASSWORD = 'of the sentinel'

let sentinel: RedisSentinel
let subject: StoreUnderTest
let store: Store
let world: World

beforeEach(async () => {
  sentinel = await RedisSentinel.start()
}, 30_000)

afterEach(async () => {
  await subject.close()
  await sentinel.stop()
})

async function open(query = ''): Promise<void> {
  subject = await liveStore(() => RedisStore.open(`${sentinel.url}${query}`))
  store = subject.store
  world = await World.around(subject)
}

test('when the master dies the replica takes over, and the handle that was open goes on', async () => {
  await open('&replicas=1')
  const node = await world.node('a')
  await world.schedule('daily')
  const [lease] = (await world.commit('daily', {}, node.dispatch())).claimed
  await sentinel.master.kill()

  expect(await whenAvailable(() => store.finish([{ ...lease!, outcome: succeeded }]))).toEqual([true])
  const decision = await whenAvailable(async () => world.decide(await world.stored('daily')))
  // No replica is left, so nothing may start.
  await expect(store.commit([decision], node.dispatch())).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('0 of 1 replicas'),
  })
})

test('nothing starts that the replica does not have, and asking again gives what was leased', async () => {
  await open('&replicas=1')
  const node = await world.node('a')
  await world.schedule('daily')
  const decision = world.decide(await world.stored('daily'))
  const dispatch = node.dispatch()
  sentinel.replica.freeze()
  await expect(store.commit([decision], dispatch)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  sentinel.replica.thaw()
  const again = await whenAvailable(() => store.commit([decision], dispatch))
  expect([again.committed, again.claimed.length]).toEqual([[false], 1])
  expect((await world.runsOf('daily')).length).toBe(1)
})

test('a lock is neither granted nor renewed before the replica knows, and asking again gives the same grant', async () => {
  await open('&replicas=1')
  const owner = new TestOwner(store, 'a')
  sentinel.replica.freeze()
  await expect(owner.ask()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  const [held] = (await whenAvailable(() => store.listLocks({ limit: 1 }))).items
  sentinel.replica.thaw()
  expect(await whenAvailable(() => owner.acquire())).toBe(held!.fence)
  sentinel.replica.freeze()
  await expect(owner.renew(held!.fence)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  sentinel.replica.thaw()
  expect(await whenAvailable(() => owner.renew(held!.fence))).toBe(true)
})

test('a sentinel that asks for a password of its own is given that, and not the one of Redis', async () => {
  await open()
  const guarded = await RedisSentinel.start({ settings: [`requirepass "${PASSWORD}"`] })
  try {
    await expect(RedisStore.open(guarded.url)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const url = `${guarded.url}&sentinelPassword=${encodeURIComponent(PASSWORD)}`
    const opened = await RedisStore.open(url)
    expect(opened.info.location).not.toContain('sentinelPassword')
    expect(await opened.now()).toBeGreaterThan(0)
    await opened.close()
  } finally {
    await guarded.stop()
  }
})
