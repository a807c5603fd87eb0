import assert from 'node:assert/strict'
import type { Fence } from '../../domain/lease.js'
import { hinted } from './hinted.js'
import type { DeclarePromise } from './promise.js'
import { LOCK, TestOwner } from './test-owner.js'

// Short enough to wait for.
const SHORT_MS = 40
const OVER_MS = SHORT_MS + 20

export function lockPromises(promise: DeclarePromise): void {
  promise('a free lock is granted; one that is held is not, and it is told by whom', async (world) => {
    const before = await world.store.now()
    const answer = await new TestOwner(world.store, 'a').ask({ ttlMs: 5000 })
    assert.ok(answer.outcome === 'acquired')
    assert.ok(answer.heldUntil >= before + 5000 && answer.heldUntil <= (await world.store.now()) + 5000)
    const { holder, freeInMs } = await new TestOwner(world.store, 'b').wait()
    assert.equal(holder, 'host-a')
    assert.ok(freeInMs > 0 && freeInMs <= 5000, `${freeInMs} ms are left of 5000`)
    await new TestOwner(world.store, 'c', 'another').acquire()
  })

  promise('of many who ask at the same time, through any handle, one is granted the lock', async (world) => {
    const second = await world.second()
    const owners = Array.from(
      { length: 20 },
      (_, i) => new TestOwner(i % 2 === 0 ? world.store : second, `owner-${i}`),
    )
    const answers = await Promise.all(owners.map((owner) => owner.ask({ queueMs: 0 })))
    assert.equal(answers.filter(({ outcome }) => outcome === 'acquired').length, 1)
  })

  promise('the fence rises with every grant, and is not below the time in microseconds', async (world) => {
    const earliest = (await world.store.now()) * 1000
    const fences: Fence[] = []
    for (let i = 0; i < 5; i++) {
      const owner = new TestOwner(world.store, `owner-${i}`)
      fences.push(await owner.acquire())
      assert.equal(await owner.release(), true)
    }
    const again = new TestOwner(world.store, 'owner-0')
    fences.push(await again.acquire({ ttlMs: SHORT_MS }))
    await world.advance(OVER_MS)
    fences.push(await again.acquire())
    assert.ok(fences.every((fence, i) => fence > (fences[i - 1] ?? earliest - 1)))
    assert.equal(new Set(fences).size, fences.length)
  })

  promise('grants that follow each other within a millisecond have fences of their own', async (world) => {
    const asked = Array.from({ length: 100 }, (_, i) => {
      const owner = new TestOwner(world.store, `owner-${i}`)
      // Neither is waited for, so that the next one is asked for at once.
      return [owner.ask({ queueMs: 0 }), owner.release()] as const
    })
    const answers = await Promise.all(asked.map(([answer]) => answer))
    await Promise.all(asked.map(([, released]) => released))
    const fences = answers.flatMap((answer) => (answer.outcome === 'acquired' ? [answer.fence] : []))
    assert.ok(fences.length > 0)
    assert.equal(new Set(fences).size, fences.length)
  })

  promise('a lock that was released is remembered when old things are removed', async (world) => {
    const owner = new TestOwner(world.store, 'a')
    const fence = await owner.acquire()
    await owner.release()
    await world.store.prune(
      { maxRuns: 1, maxAgeMs: 1, maxFailureAgeMs: 1, maxFailures: 1000, maxSkipped: 1000 },
      10,
    )
    assert.ok((await new TestOwner(world.store, 'b').acquire()) > fence)
  })

  promise(
    'asking again for a lost answer gives the same grant, for its whole time from now',
    async (world) => {
      const owner = new TestOwner(world.store, 'a')
      const fence = await owner.acquire({ ttlMs: 5000 })
      await world.advance(10)
      const again = await owner.ask({ ttlMs: 5000 })
      assert.ok(again.outcome === 'acquired')
      assert.equal(again.fence, fence)
      const { items } = await world.store.listLocks({ limit: 10 })
      assert.equal(items[0]?.heldUntil, again.heldUntil)
      assert.ok(again.heldUntil - items[0].acquiredAt >= 5010)
    },
  )

  promise('a lock whose holder is not heard of is taken over when its time is over', async (world) => {
    const dead = new TestOwner(world.store, 'dead')
    const fence = await dead.acquire({ ttlMs: SHORT_MS })
    const next = new TestOwner(world.store, 'next')
    await world.advance(OVER_MS)
    assert.ok((await next.acquire()) > fence)
    await dead.wait()
  })

  promise('renewed in time, a lock is kept beyond its first lease', async (world) => {
    const owner = new TestOwner(world.store, 'a')
    const fence = await owner.acquire({ ttlMs: 2000 })
    assert.equal(await owner.renew(fence), true)
    const { freeInMs } = await new TestOwner(world.store, 'b').wait()
    assert.ok(freeInMs > 2000)
  })

  promise('a renewal that comes too late is refused, also when nobody has the lock since', async (world) => {
    const owner = new TestOwner(world.store, 'paused')
    const fence = await owner.acquire({ ttlMs: SHORT_MS })
    await world.advance(OVER_MS)
    assert.equal(await owner.renew(fence), false)
    assert.deepEqual((await world.store.listLocks({ limit: 10 })).items, [])
    const next = new TestOwner(world.store, 'next')
    const newer = await next.acquire({ ttlMs: 5000 })
    assert.equal(await owner.renew(fence), false)
    assert.equal(await owner.release(), false)
    assert.equal(await next.renew(newer), true)
  })

  promise('only the owner renews, and only under the fence of its grant', async (world) => {
    const owner = new TestOwner(world.store, 'a')
    const older = await owner.acquire({ ttlMs: SHORT_MS })
    await world.advance(OVER_MS)
    const fence = await owner.acquire()
    assert.equal(await owner.renew(older), false)
    assert.equal(await new TestOwner(world.store, 'b').renew(fence), false)
    assert.equal(await new TestOwner(world.store, 'a', 'another').renew(fence), false)
    assert.equal(await owner.renew(fence), true)
    await owner.release()
    assert.equal(await owner.renew(fence), false)
  })

  promise('only the owner releases; doing it twice is harmless', async (world) => {
    const owner = new TestOwner(world.store, 'a')
    await owner.acquire()
    const next = new TestOwner(world.store, 'b')
    assert.equal(await next.release(), false)
    await next.wait({ queueMs: 0 })
    assert.equal(await owner.release(), true)
    assert.equal(await owner.release(), false)
    const fence = await next.acquire()
    assert.equal(await owner.release(), false)
    assert.equal(await next.renew(fence), true)
  })

  promise('those who watch are told when a lock is released', async (world) => {
    const owner = new TestOwner(world.store, 'a')
    await owner.acquire()
    await hinted(world.store, 'lock', () => owner.release())
  })

  promise('the list shows what is held now, by name, page by page', async (world) => {
    const names = ['db:a', 'db:b', 'db:c', 'mail']
    const owners = names.map((name) => new TestOwner(world.store, 'a', name))
    const fences: Fence[] = []
    for (const owner of owners) fences.push(await owner.acquire())
    await new TestOwner(world.store, 'a', 'aaa').acquire({ ttlMs: SHORT_MS })
    const waiter = new TestOwner(world.store, 'b', 'mail')
    await waiter.wait()
    await waiter.wait()
    await new TestOwner(world.store, 'c', 'mail').wait({ queueMs: SHORT_MS })
    await world.advance(OVER_MS)
    await owners[1]!.release()
    const first = await world.store.listLocks({ limit: 2 })
    assert.deepEqual(
      first.items.map(({ name }) => name),
      ['db:a', 'db:c'],
    )
    assert.ok(first.nextCursor !== null)
    const last = await world.store.listLocks({ limit: 2, cursor: first.nextCursor })
    assert.equal(last.nextCursor, null)
    const [mail] = last.items
    const { acquiredAt, heldUntil, ...rest } = mail!
    assert.deepEqual(rest, { name: 'mail', holder: 'host-a', fence: fences[3], waiting: 1 })
    assert.ok(acquiredAt < heldUntil)
    const some = await world.store.listLocks({ prefix: 'db:', limit: 10 })
    assert.deepEqual(
      some.items.map(({ name }) => name),
      ['db:a', 'db:c'],
    )
    assert.deepEqual((await world.store.listLocks({ prefix: LOCK, limit: 10 })).items, [])
  })
}
