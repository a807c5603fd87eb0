import assert from 'node:assert/strict'
import type { DeclarePromise } from './promise.js'
import { type DispatchOptions, TASK } from './test-node.js'
import { failed, retryIn, succeeded } from './world.js'

export function clusterLimitPromises(promise: DeclarePromise): void {
  promise('the limit of a task holds across all nodes together', async (world) => {
    const [a, b] = [await world.node('a'), await world.node('b', { store: await world.second() })]
    await world.schedule('limited')
    await world.commit('limited', { runs: 5 })
    assert.equal((await a.claim(limit(2, 1))).length, 1)
    assert.equal((await b.claim(limit(2))).length, 1)
    assert.deepEqual(await a.claim(limit(2)), [])
    assert.deepEqual(await b.claim(limit(2)), [])
  })

  promise('the limit is never exceeded when many nodes claim at once', async (world) => {
    const second = await world.second()
    const nodes = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        world.node(`n${i}`, { store: i % 2 === 0 ? world.store : second }),
      ),
    )
    await world.schedule('limited')
    await world.commit('limited', { runs: 20 })
    const claims = await Promise.all(nodes.map((node) => node.claim(limit(3, 2))))
    assert.equal(claims.flat().length, 3)
    assert.equal((await world.store.stats()).running, 3)
  })

  promise('every end of an attempt makes room again', async (world) => {
    const node = await world.node('a')
    await world.schedule('limited')
    await world.commit('limited', { runs: 5 })
    for (const outcome of [succeeded, failed, retryIn(60_000), { kind: 'released' } as const]) {
      const lease = await node.claimOne(limit(1))
      assert.deepEqual(await node.claim(limit(1)), [])
      await world.finish(lease, outcome)
    }
    assert.equal((await node.claim(limit(1))).length, 1)
  })

  promise('a dead node holds its place until its runs are recovered, and no longer', async (world) => {
    const [dead, alive] = [await world.node('dead'), await world.node('alive')]
    await world.schedule('limited')
    await world.commit('limited', { runs: 2 })
    await dead.claimOne(limit(1))
    await dead.leave()
    assert.deepEqual(await alive.claim(limit(1)), [])
    await world.store.recover(10)
    assert.equal((await alive.claim(limit(1))).length, 1)
  })

  promise('the limit of one task does not hold up another', async (world) => {
    const node = await world.node('a')
    await world.schedule('limited')
    await world.commit('limited', { runs: 3, priority: 9 })
    await world.waitingRun('free', { task: 'free' })
    const leases = await node.claim({ slots: 3, tasks: { [TASK]: { clusterLimit: 1 }, free: {} } })
    assert.deepEqual(leases.map((lease) => lease.task).toSorted(), ['free', TASK])
  })

  promise('firing respects the limit, and what it cannot start waits', async (world) => {
    const node = await world.node('a')
    await world.schedule('limited')
    const first = await world.commit('limited', { runs: 3 }, node.dispatch(limit(2)))
    assert.deepEqual([first.claimed.length, first.waiting], [2, 1])
    const second = await world.commit('limited', {}, node.dispatch(limit(2)))
    assert.deepEqual([second.claimed.length, second.waiting], [0, 1])
  })

  promise('runs of the task that were claimed without a limit count as well', async (world) => {
    const node = await world.node('a')
    await world.schedule('limited')
    await world.commit('limited', { runs: 4 })
    await node.claim({ slots: 3 })
    assert.deepEqual(await node.claim(limit(2)), [])
  })
}

function limit(clusterLimit: number, slots = 10): DispatchOptions {
  return { slots, tasks: { [TASK]: { clusterLimit } } }
}
