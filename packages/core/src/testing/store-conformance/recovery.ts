import assert from 'node:assert/strict'
import { MAX_RECOVERIES } from '../../domain/run.js'
import type { DeclarePromise } from './promise.js'
import { succeeded } from './world.js'

const LEASE_MS = 500

export function recoveryPromises(promise: DeclarePromise): void {
  promise('the run of a node that stopped beating is taken over under a higher fence', async (world) => {
    const dead = await world.node('dead', { leaseMs: LEASE_MS })
    const { id } = await world.waitingRun('taken-over')
    const old = await dead.claimOne()
    const alive = await world.node('alive')
    assert.deepEqual(await world.store.recover(10), [], 'not while its lease lasts')
    await world.advance(LEASE_MS + 20)

    const before = await world.store.now()
    assert.deepEqual(await world.store.recover(10), [
      { id, scheduleId: 'taken-over', task: old.task, status: 'retrying', attempt: 1 },
    ])
    const waiting = await world.run(id)
    assert.deepEqual([waiting.status, waiting.attempt, waiting.endedAt], ['retrying', 1, null])
    assert.ok(waiting.dueAt >= before && waiting.dueAt <= (await world.store.now()), 'it is due at once')
    assert.deepEqual(
      waiting.attempts.map((past) => [past.attempt, past.node, past.startedAt, past.error.code]),
      [[1, 'dead', old.startedAt, 'ABANDONED']],
    )
    assert.deepEqual(await world.store.recover(10), [], 'it is recovered once')

    const lease = await alive.claimOne()
    assert.equal(lease.attempt, 2)
    assert.ok(lease.fence > old.fence)
    assert.deepEqual(await world.store.finish([{ ...old, outcome: succeeded }]), [false])
    assert.equal((await world.finish(lease, succeeded)).status, 'succeeded')
  })

  promise(
    'a node whose run was recovered cannot finish it, even before anyone has claimed it',
    async (world) => {
      const node = await world.node('paused')
      const { id } = await world.waitingRun('recovered')
      const lease = await node.claimOne()
      await node.leave()
      await world.store.recover(10)
      assert.deepEqual(await world.store.finish([{ ...lease, outcome: succeeded }]), [false])
      assert.equal((await world.run(id)).status, 'retrying')
    },
  )

  promise('a run that may start only once is lost, and does not run again', async (world) => {
    const { id } = await world.waitingRun('once', { delivery: 'atMostOnce' })
    await world.abandon()
    const [recovered] = await world.store.recover(10)
    assert.deepEqual([recovered?.id, recovered?.status], [id, 'lost'])
    const run = await world.run(id)
    assert.deepEqual([run.status, run.error?.code], ['lost', 'ABANDONED'])
    assert.ok(run.endedAt !== null)
    assert.deepEqual(await (await world.node('alive')).claim(), [])
  })

  promise(`after ${MAX_RECOVERIES} recoveries the run itself is suspected, and given up`, async (world) => {
    const { id } = await world.waitingRun('deadly')
    for (let i = 1; i <= MAX_RECOVERIES; i++) {
      await world.abandon()
      assert.deepEqual(
        (await world.store.recover(10)).map((run) => [run.status, run.attempt]),
        [['retrying', i]],
      )
    }
    await world.abandon()
    assert.deepEqual(
      (await world.store.recover(10)).map((run) => [run.status, run.attempt]),
      [['failed', MAX_RECOVERIES + 1]],
    )
    const run = await world.run(id)
    assert.deepEqual([run.status, run.error?.code], ['failed', 'ABANDONED'])
    assert.equal((await world.stored('deadly')).consecutiveFailures, 1)
    assert.deepEqual(await (await world.node('alive')).claim(), [])
  })

  for (const delivery of ['atLeastOnce', 'atMostOnce'] as const) {
    promise(`a run (${delivery}) that was asked to end is cancelled when its node dies`, async (world) => {
      const { id } = await world.waitingRun('stopped', { delivery })
      const node = await world.abandon(() => world.store.cancelRun(id))
      const [recovered] = await world.store.recover(10)
      assert.equal(recovered?.status, 'cancelled')
      const run = await world.run(id)
      assert.deepEqual([run.status, run.error?.code], ['cancelled', 'CANCELLED'])
      await assert.rejects(node.claim(), { code: 'SESSION_EXPIRED' })
    })
  }

  promise('runs of living nodes are left alone', async (world) => {
    const alive = await world.node('alive')
    const kept = await world.waitingRun('kept')
    const lease = await alive.claimOne()
    const taken = await world.waitingRun('taken')
    await world.abandon()
    assert.deepEqual(
      (await world.store.recover(10)).map((run) => run.id),
      [taken.id],
    )
    assert.equal((await world.run(kept.id)).status, 'running')
    assert.equal((await world.finish(lease, succeeded)).status, 'succeeded')
  })

  promise('a heartbeat renews everything that the node holds', async (world) => {
    const node = await world.node('busy', { leaseMs: 2 * LEASE_MS })
    await world.schedule('many')
    await world.commit('many', { runs: 3 })
    await node.claim()
    for (let i = 0; i < 4; i++) {
      await world.advance(LEASE_MS * 0.6)
      await node.beat()
      assert.deepEqual(await world.store.recover(10), [])
    }
  })

  promise('a limit is kept, and what is left is recovered by the next call', async (world) => {
    const node = await world.node('dead')
    await world.schedule('many')
    await world.commit('many', { runs: 5 })
    await node.claim()
    await node.leave()
    const counts: number[] = []
    for (let i = 0; i < 4; i++) counts.push((await world.store.recover(2)).length)
    assert.deepEqual(counts, [2, 2, 1, 0])
  })

  promise('nodes that recover at once take each run over once', async (world) => {
    const node = await world.node('dead')
    await world.schedule('many')
    await world.commit('many', { runs: 10 })
    await node.claim()
    await node.leave()
    const second = await world.second()
    const recovered = await Promise.all(
      [world.store, second, world.store, second].map((store) => store.recover(10)),
    )
    const ids = recovered.flat().map((run) => run.id)
    assert.equal(ids.length, 10)
    assert.equal(new Set(ids).size, 10)
  })
}
