import { beforeEach, describe, expect, test } from 'vitest'
import { TestCluster, type TestMember } from '../testing/test-cluster.js'

const TTL_MS = 10_000

let cluster: TestCluster
let a: TestMember
let b: TestMember

beforeEach(async () => {
  cluster = new TestCluster()
  a = await cluster.node({ start: false })
  b = await cluster.node({ start: false })
})

describe('with a lock', () => {
  test('the body runs under it, and it is released however the body ends', async () => {
    const { locks } = a.scheduler
    expect(await locks.with('l', ({ name, fence, signal }) => [name, fence > 0, signal.aborted])).toEqual([
      'l',
      true,
      false,
    ])
    await expect(locks.with('l', () => Promise.reject(new Error('no')), { waitMs: 0 })).rejects.toThrow('no')
    await expect(
      locks.with('l', () => {
        throw new Error('neither')
      }),
    ).rejects.toThrow('neither')
    await b.scheduler.locks.acquire('l', { waitMs: 0 })
  })

  test('a body that ends well, but too late, is told that the lock was lost', async () => {
    a.faults.refuse('renewLock', Infinity)
    const body = a.scheduler.locks.with('l', ({ signal }) => aborted(signal), { ttlMs: TTL_MS })
    await expect(cluster.pass(body)).rejects.toMatchObject({ code: 'LEASE_LOST' })
  })
})

describe('when the scheduler stops', () => {
  test('its locks are released at once, what was done under them is aborted, and nothing is waited for', async () => {
    const lock = await a.scheduler.locks.acquire('l', { ttlMs: 60_000 })
    await b.scheduler.locks.acquire('other')
    const refused = expect(a.scheduler.locks.acquire('other', { waitMs: Infinity })).rejects.toMatchObject({
      code: 'STOPPING',
    })
    await cluster.settle()
    await cluster.pass(a.scheduler.stop())
    await refused
    expect(lock.signal.reason).toMatchObject({ code: 'STOPPING' })
    expect(cluster.since(cluster.clock.now())).toBe(0)
    await b.scheduler.locks.acquire('l', { waitMs: 0 })
    expect((await cluster.store.listLocks({ prefix: 'other', limit: 1 })).items[0]?.waiting).toBe(0)
    await expect(a.scheduler.locks.acquire('l')).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
  })

  test('bodies have the grace to end, and then are aborted before their locks are released', async () => {
    const events: string[] = []
    const quick = a.scheduler.locks.with('quick', async () => {
      await passes(3000)
      return 'done'
    })
    const slow = a.scheduler.locks.with('slow', async ({ signal }) => {
      await aborted(signal)
      expect((await cluster.store.listLocks({ prefix: 'slow', limit: 1 })).items).toHaveLength(1)
      events.push(`aborted at ${cluster.since(cluster.clock.now())}`)
      return 'in the end'
    })
    await cluster.settle()
    await cluster.pass(a.scheduler.stop({ graceMs: 5000 }))
    expect(await quick).toBe('done')
    // The lock was kept to the end, so that the body may count as done.
    expect(await slow).toBe('in the end')
    expect(events).toEqual(['aborted at 5000'])
    expect((await cluster.store.listLocks({ limit: 10 })).items).toEqual([])
  })

  test('a body that does not heed its signal does not hold the stop up', async () => {
    void a.scheduler.locks.with('l', () => new Promise(() => {}))
    await cluster.settle()
    await cluster.pass(a.scheduler.stop({ graceMs: 1000 }))
    await b.scheduler.locks.acquire('l', { waitMs: 0 })
  })
})

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function passes(ms: number): Promise<void> {
  return new Promise((resolve) => void cluster.clock.setTimer(resolve, ms))
}
