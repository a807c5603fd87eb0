import assert from 'node:assert/strict'
import { hinted } from './hinted.js'
import { needsNotification, type DeclarePromise } from './promise.js'
import { LOCK, TestOwner } from './test-owner.js'
import type { World } from './world.js'

// Short enough to wait for.
const SHORT_MS = 40
const OVER_MS = SHORT_MS + 20
/** Long enough for two more calls to a server on a machine that is busy with other work. */
const UNHURRIED_MS = 500

export function lockQueuePromises(promise: DeclarePromise): void {
  promise('a lock goes to those who wait in the order in which they came', async (world) => {
    const { holder, waiters } = await queue(world, 4)
    let current = holder
    for (const [turn, next] of waiters.entries()) {
      await current.release()
      for (const later of waiters.slice(turn + 1).toReversed()) {
        const answer = await later.wait()
        assert.equal(answer.holder, null)
        assert.ok(answer.freeInMs > 0)
      }
      await next.acquire()
      current = next
    }
  })

  promise('who comes later, or does not wait, is not served before those who wait', async (world) => {
    const { holder, waiters } = await queue(world, 1)
    await holder.release()
    await new TestOwner(world.store, 'passer-by').wait({ queueMs: 0 })
    await new TestOwner(world.store, 'late').wait()
    await waiters[0]!.acquire()
  })

  promise('the first in the queue is granted the lock also when its lease ended by itself', async (world) => {
    await new TestOwner(world.store, 'dead').acquire({ ttlMs: SHORT_MS })
    const waiter = new TestOwner(world.store, 'waiter')
    await waiter.wait()
    await world.advance(OVER_MS)
    await new TestOwner(world.store, 'late').wait()
    await waiter.acquire()
  })

  promise('asking again keeps the place, and renews it', async (world) => {
    const holder = new TestOwner(world.store, 'holder')
    await holder.acquire()
    const [first, second] = [new TestOwner(world.store, 'first'), new TestOwner(world.store, 'second')]
    await first.wait({ queueMs: UNHURRIED_MS })
    await second.wait()
    await first.wait()
    await world.advance(UNHURRIED_MS + 20)
    await holder.release()
    await second.wait()
    await first.acquire()
  })

  promise('who waits and is not heard of loses its place, and holds nobody up', async (world) => {
    const holder = new TestOwner(world.store, 'holder')
    await holder.acquire()
    const [dead, next] = [new TestOwner(world.store, 'dead'), new TestOwner(world.store, 'next')]
    await dead.wait({ queueMs: SHORT_MS })
    await next.wait()
    await holder.release()
    await world.advance(OVER_MS)
    await next.acquire()
    await next.release()
    await new TestOwner(world.store, 'another').acquire()
  })

  promise('who lost its place and asks again stands at the end', async (world) => {
    const holder = new TestOwner(world.store, 'holder')
    await holder.acquire()
    const [slow, next] = [new TestOwner(world.store, 'slow'), new TestOwner(world.store, 'next')]
    await slow.wait({ queueMs: SHORT_MS })
    await next.wait()
    await world.advance(OVER_MS)
    await slow.wait()
    await holder.release()
    await slow.wait()
    await next.acquire()
  })

  promise('who gives up leaves the queue at once, and those behind are told', async (world) => {
    const { holder, waiters } = await queue(world, 2)
    await holder.release()
    await hinted(world.store, 'lock', async () => assert.equal(await waiters[0]!.release(), false))
    await waiters[1]!.acquire()
    assert.equal((await world.store.listLocks({ limit: 1 })).items[0]?.waiting, 0)
  })

  promise('a queue is one and the same through every handle', async (world) => {
    const second = await world.second()
    const { holder, waiters } = await queue(world, 1)
    await holder.release()
    await new TestOwner(second, 'elsewhere').wait()
    await waiters[0]!.acquire()
    await waiters[0]!.release()
    await new TestOwner(second, 'elsewhere').acquire()
  })

  promise(
    'those who watch through another handle are told of a release',
    async (world) => {
      const holder = new TestOwner(world.store, 'holder')
      await holder.acquire()
      await hinted(await world.second(), 'lock', () => holder.release())
    },
    needsNotification,
  )
}

/** A lock that is held, and `count` who wait for it, the first to come first. */
async function queue(world: World, count: number): Promise<{ holder: TestOwner; waiters: TestOwner[] }> {
  const holder = new TestOwner(world.store, 'holder')
  await holder.acquire()
  const waiters = Array.from({ length: count }, (_, i) => new TestOwner(world.store, `waiter-${i}`, LOCK))
  for (const waiter of waiters) await waiter.wait()
  return { holder, waiters }
}
