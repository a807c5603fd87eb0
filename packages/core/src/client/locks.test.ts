import { beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../domain/clock.js'
import { silentLogger } from '../domain/logger.js'
import type { Store } from '../store/contract.js'
import { TestCluster, type TestMember } from '../testing/test-cluster.js'
import type { LockStore } from './lock-context.js'
import type { Lock } from './lock-types.js'
import { createLocks } from './locks.js'

const TTL_MS = 10_000

let cluster: TestCluster
let a: TestMember
let b: TestMember

beforeEach(async () => {
  cluster = new TestCluster()
  a = await cluster.node({ start: false })
  b = await cluster.node({ start: false })
})

/** What a lock protects: it takes no write under a fence that is older than the newest that it saw. */
class FencedResource {
  readonly written: string[] = []
  #newest = 0

  write(fence: number, text: string): boolean {
    if (fence < this.#newest) return false
    this.#newest = fence
    this.written.push(text)
    return true
  }
}

/** A store that does at once what it is asked for, and may answer late. */
class LateAnswers {
  readonly store: LockStore
  #held: Promise<void> | null = null

  constructor(inner: Store) {
    this.store = {
      info: inner.info,
      watch: (listener) => inner.watch(listener),
      acquireLock: (request) => this.#answer(inner.acquireLock(request)),
      renewLock: (renewal) => this.#answer(inner.renewLock(renewal)),
      releaseLock: (claim) => this.#answer(inner.releaseLock(claim)),
    }
  }

  /** From now on answers wait for the function that this returns. */
  hold(): () => void {
    let release!: () => void
    this.#held = new Promise((resolve) => (release = resolve))
    return release
  }

  async #answer<Answer>(answer: Promise<Answer>): Promise<Answer> {
    await answer
    await this.#held
    return answer
  }
}

async function waiting(): Promise<number | undefined> {
  return (await cluster.store.listLocks({ limit: 1 })).items[0]?.waiting
}

describe('a lock', () => {
  test('has one holder, and goes to the next one the moment it is released', async () => {
    const first = await a.scheduler.locks.acquire('l')
    const second = b.scheduler.locks.acquire('l')
    await cluster.settle()
    expect(await a.scheduler.locks.list()).toMatchObject({
      items: [{ name: 'l', holder: 'node-1', fence: first.fence, waiting: 1 }],
    })
    await first.release()
    await cluster.settle()
    // No time has passed: the release woke the waiter.
    expect((await second).fence).toBeGreaterThan(first.fence)
    expect(first.signal.aborted).toBe(false)
  })

  test('is handed on in the order in which it was asked for', async () => {
    const order: number[] = []
    const turns = Array.from({ length: 12 }, async (_, turn) => {
      const lock = await (turn % 2 === 0 ? a : b).scheduler.locks.acquire('l')
      order.push(turn)
      await lock.release()
    })
    await cluster.pass(Promise.all(turns))
    expect(order).toEqual(Array.from({ length: 12 }, (_, turn) => turn))
  })

  test('is found free by those who hear no hints, too', async () => {
    const deaf = await cluster.node({ start: false, deaf: true })
    const first = await a.scheduler.locks.acquire('l')
    const second = deaf.scheduler.locks.acquire('l')
    await cluster.settle()
    await first.release()
    expect((await cluster.pass(second, 50)).fence).toBeGreaterThan(first.fence)
    expect(cluster.since(cluster.clock.now())).toBeLessThanOrEqual(500)
  })

  test('is renewed for as long as it is held', async () => {
    const lock = await a.scheduler.locks.acquire('l', { ttlMs: TTL_MS })
    await cluster.advance(10 * TTL_MS)
    expect(lock.signal.aborted).toBe(false)
    await expect(b.scheduler.locks.acquire('l', { waitMs: 0 })).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: expect.stringMatching(/Lock l .*node-1/) as string,
    })
    await lock.release()
    await cluster.advance(10 * TTL_MS)
    expect(lock.signal.aborted).toBe(false)
  })

  test('survives a few renewals that fail', async () => {
    const lock = await a.scheduler.locks.acquire('l', { ttlMs: TTL_MS })
    a.faults.refuse('renewLock', 3)
    await cluster.advance(2 * TTL_MS)
    expect(lock.signal.aborted).toBe(false)
  })

  test('of a holder that dies is taken over when its lease is over, and not before', async () => {
    const dead = await a.scheduler.locks.acquire('l', { ttlMs: TTL_MS })
    a.kill()
    const next = b.scheduler.locks.acquire('l', { waitMs: 3 * TTL_MS })
    await cluster.advance(TTL_MS - 1)
    expect((await b.scheduler.locks.list()).items).toMatchObject([{ holder: 'node-1' }])
    await cluster.advance(1)
    expect((await next).fence).toBeGreaterThan(dead.fence)
  })

  test('that can not be renewed is given up before anybody else can have it', async () => {
    const lock = await a.scheduler.locks.acquire('l', { ttlMs: TTL_MS })
    const events: string[] = []
    lock.signal.addEventListener('abort', () => events.push('lost'))
    a.faults.refuse('renewLock', Infinity)
    const next = b.scheduler.locks.acquire('l').then(() => events.push('next'))
    await cluster.pass(next)
    expect(events).toEqual(['lost', 'next'])
    expect(lock.signal.reason).toMatchObject({
      name: 'LockLostError',
      code: 'LEASE_LOST',
      lock: 'l',
      fence: lock.fence,
      message: expect.stringContaining('Lock l ') as string,
    })
  })

  test('of a holder that was paused is lost to it: its late renewal is refused, and so is its late write', async () => {
    const resource = new FencedResource()
    const paused = await a.scheduler.locks.acquire('l', { ttlMs: TTL_MS })
    expect(resource.write(paused.fence, 'paused')).toBe(true)
    const late = a.faults.hold('renewLock')
    await cluster.advance(TTL_MS)
    const next = await cluster.pass(b.scheduler.locks.acquire('l'))
    expect(resource.write(next.fence, 'next')).toBe(true)
    late.release()
    await cluster.settle()
    expect(paused.signal.reason).toMatchObject({ code: 'LEASE_LOST' })
    expect(resource.write(paused.fence, 'paused again')).toBe(false)
    await paused.release()
    await cluster.advance(3 * TTL_MS)
    expect(next.signal.aborted).toBe(false)
    expect(resource.written).toEqual(['paused', 'next'])
  })

  test('is given up by a process that wakes up too late, before its timers fire', async () => {
    let asleepMs = 0
    const clock: Clock = {
      now: () => cluster.clock.now(),
      monotonic: () => cluster.clock.monotonic() + asleepMs,
      setTimer: (wake, ms) => cluster.clock.setTimer(wake, ms),
    }
    const locks = createLocks({ store: cluster.store, holder: 'sleeper', clock })
    const [lock, other] = [await locks.acquire('l', { ttlMs: TTL_MS }), await locks.acquire('other')]
    const { signal } = other
    asleepMs = TTL_MS
    expect(lock.signal.reason).toMatchObject({ code: 'LEASE_LOST' })
    expect(signal.aborted).toBe(false)
    // Nobody asks the other one, but the renewal that is due is not sent any more.
    await cluster.advance(TTL_MS / 3 + 1)
    expect(signal.reason).toMatchObject({ code: 'LEASE_LOST' })
    await cluster.advance(TTL_MS)
    expect((await cluster.store.listLocks({ limit: 1 })).items).toEqual([])
  })

  test.each(['acquireLock', 'renewLock'] as const)(
    'is trusted from the moment at which it was asked for, however late the answer of %s comes',
    async (verb) => {
      const answers = new LateAnswers(cluster.store)
      const locks = createLocks({ store: answers.store, holder: 'late', clock: cluster.clock })
      let release = answers.hold()
      if (verb === 'renewLock') release()
      const acquiring = locks.acquire('l', { ttlMs: TTL_MS })
      await cluster.settle()
      if (verb === 'renewLock') {
        release = answers.hold()
        await cluster.advance(TTL_MS / 3 + 1)
      }
      const [granted] = (await cluster.store.listLocks({ limit: 1 })).items
      await cluster.advance(5000)
      // No further answer comes.
      answers.hold()
      release()
      const { signal } = await acquiring
      expect(signal.aborted).toBe(false)
      await cluster.advance(granted!.heldUntil - cluster.clock.now() - 1)
      expect(signal.aborted).toBe(true)
    },
  )

  test('is lost at once when the store says so', async () => {
    const lock = await a.scheduler.locks.acquire('l', { ttlMs: TTL_MS })
    const [other] = (await cluster.store.listLocks({ limit: 1 })).items
    expect(other?.fence).toBe(lock.fence)
    a.faults.refuse('renewLock', Infinity)
    await cluster.advance(8000)
    a.faults.heal()
    // The store's clock ran ahead of ours: for it the lease is over.
    cluster.clock.set(cluster.clock.now() + TTL_MS)
    await cluster.advance(900)
    expect(lock.signal.reason).toMatchObject({ code: 'LEASE_LOST' })
  })
})

describe('acquiring', () => {
  test('whose answer was lost gives the grant that was made, and counts from the call that was answered', async () => {
    a.faults.loseAnswer('acquireLock', 2)
    const lock = await cluster.pass(a.scheduler.locks.acquire('l', { ttlMs: TTL_MS }), 10)
    expect((await cluster.store.listLocks({ limit: 1 })).items).toMatchObject([{ fence: lock.fence }])
    await cluster.advance(5 * TTL_MS)
    expect(lock.signal.aborted).toBe(false)
  })

  test('whose answer comes too late to rely on is done again', async () => {
    const slow = a.faults.hold('acquireLock')
    const acquiring = a.scheduler.locks.acquire('l', { ttlMs: TTL_MS })
    await slow.arrived
    await cluster.advance(TTL_MS)
    slow.release()
    const lock = await cluster.pass(acquiring)
    await cluster.advance(5 * TTL_MS)
    expect(lock.signal.aborted).toBe(false)
  })

  test('ends with LOCK_TIMEOUT when the wait is over, and leaves the queue', async () => {
    await a.scheduler.locks.acquire('l')
    const refused = expect(b.scheduler.locks.acquire('l', { waitMs: 1234 })).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: 'Lock l was not to be had within 1234 ms: node-1 holds it',
    })
    await cluster.advance(1233)
    expect(await waiting()).toBe(1)
    await cluster.advance(1)
    await refused
    await cluster.settle()
    expect(await waiting()).toBe(0)
  })

  test('ends with the reason of its signal, and leaves the queue', async () => {
    await a.scheduler.locks.acquire('l')
    const controller = new AbortController()
    const refused = expect(
      b.scheduler.locks.acquire('l', { waitMs: Infinity, signal: controller.signal }),
    ).rejects.toBe('enough')
    await cluster.advance(100_000)
    expect(await waiting()).toBe(1)
    controller.abort('enough')
    await refused
    await cluster.settle()
    expect(await waiting()).toBe(0)
    await expect(b.scheduler.locks.acquire('l', { signal: controller.signal })).rejects.toBe('enough')
  })

  test('that was given up gives back what is granted all the same', async () => {
    const held = b.faults.hold('acquireLock')
    const controller = new AbortController()
    const refused = expect(b.scheduler.locks.acquire('l', { signal: controller.signal })).rejects.toBe(
      'enough',
    )
    await held.arrived
    controller.abort('enough')
    await refused
    held.release()
    await cluster.settle()
    await a.scheduler.locks.acquire('l', { waitMs: 0 })
  })

  test('of a store that does not answer ends with its error, and leaves no grant behind', async () => {
    a.faults.loseAnswer('acquireLock')
    await expect(a.scheduler.locks.acquire('l', { waitMs: 0 })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
    await cluster.settle()
    const lock = await b.scheduler.locks.acquire('l', { waitMs: 0 })
    await lock.release()
    a.faults.refuse('acquireLock', Infinity)
    await expect(cluster.pass(a.scheduler.locks.acquire('l', { waitMs: 5000 }))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  })

  test('a waiter that dies holds nobody up for long', async () => {
    const holder = await a.scheduler.locks.acquire('l')
    const dying = await cluster.node({ start: false })
    void dying.scheduler.locks.acquire('l')
    await cluster.settle()
    const next = b.scheduler.locks.acquire('l')
    await cluster.settle()
    dying.kill()
    await holder.release()
    await cluster.pass(next)
    expect(cluster.since(cluster.clock.now())).toBeLessThanOrEqual(3000)
  })

  test('with wrong options names all of them', async () => {
    const options = { ttlMs: 1, waitMs: -1, tll: 5 }
    await expect(a.scheduler.locks.acquire('no/slash', options)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      problems: ['name', 'tll', 'ttlMs', 'waitMs'].map((path) => expect.objectContaining({ path }) as object),
    })
    await expect(a.scheduler.locks.list({ limit: 0 })).rejects.toMatchObject({ code: 'INVALID_QUERY' })
  })
})

describe('releasing', () => {
  test('is done by leaving the scope', async () => {
    {
      await using lock = await a.scheduler.locks.acquire('l')
      expect(lock.fence).toBeGreaterThan(0)
    }
    await b.scheduler.locks.acquire('l', { waitMs: 0 })
  })

  test('is repeated when its answer was lost, and done once when called twice', async () => {
    const lock = await a.scheduler.locks.acquire('l')
    a.faults.refuse('releaseLock')
    const released = Promise.all([lock.release(), lock.release()])
    await cluster.pass(released, 50)
    await b.scheduler.locks.acquire('l', { waitMs: 0 })
  })

  test('never throws: a lock that can not be released expires', async () => {
    const lock = await a.scheduler.locks.acquire('l', { ttlMs: TTL_MS })
    a.faults.refuse('releaseLock', Infinity)
    await cluster.pass(lock.release())
    await cluster.pass(b.scheduler.locks.acquire('l'))
    expect(cluster.since(cluster.clock.now())).toBeLessThanOrEqual(TTL_MS + 100)
  })
})

test('locks over anything that has their verbs are released when they are stopped', async () => {
  const locks = createLocks({
    store: cluster.store,
    holder: 'elsewhere',
    clock: cluster.clock,
    log: silentLogger,
  })
  const lock: Lock = await locks.acquire('l')
  await locks.stop()
  expect(lock.signal.reason).toMatchObject({ code: 'STOPPING' })
  await a.scheduler.locks.acquire('l', { waitMs: 0 })
})
