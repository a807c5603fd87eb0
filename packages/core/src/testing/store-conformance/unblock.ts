import assert from 'node:assert/strict'
import { MAX_RECOVERIES } from '../../domain/run.js'
import type { ClaimedRun, StoreHint } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import type { TestNode } from './test-node.js'
import { failed, retryIn, STEP_MS, succeeded, type World } from './world.js'

export function unblockPromises(promise: DeclarePromise): void {
  for (const outcome of [
    succeeded,
    failed,
    { kind: 'cancelled', error: { code: 'CANCELLED', message: 'x' } },
  ] as const) {
    promise(
      `a run that ${outcome.kind === 'cancelled' ? 'was cancelled' : outcome.kind} lets the next one start`,
      async (world) => {
        const { node, lease } = await runningAndBlocked(world)
        await world.finish(lease, outcome)
        assert.equal((await node.claimOne()).fireTime, world.firstFire + STEP_MS)
      },
    )
  }

  promise('a run that is to be retried, or was handed back, keeps the next one waiting', async (world) => {
    const { node, lease } = await runningAndBlocked(world)
    await world.finish(lease, retryIn(60_000))
    assert.deepEqual(await node.claim(), [])
    await world.store.cancelRun(lease.runId)
    const second = await node.claimOne()
    await world.fire('queue', { overlap: 'bufferAll' })
    await world.finish(second, { kind: 'released' })
    assert.deepEqual(await node.claimedIds(), [second.runId])
  })

  promise('cancelling a run that waits lets the next one start', async (world) => {
    const node = await world.node('a')
    await world.schedule('queue')
    await world.commit('queue', { overlap: 'bufferAll', runs: 2 })
    await world.store.cancelRun(`queue@${world.firstFire}`)
    assert.equal((await node.claimOne()).fireTime, world.firstFire + STEP_MS)
  })

  promise('cancelling a blocked run leaves the others in order', async (world) => {
    const { node, lease } = await runningAndBlocked(world, 3)
    await world.store.cancelRun(`queue@${world.firstFire + STEP_MS}`)
    assert.deepEqual(await node.claim(), [])
    await world.finish(lease, succeeded)
    assert.equal((await node.claimOne()).fireTime, world.firstFire + 2 * STEP_MS)
  })

  promise(
    'asking a running run to end does not let the next one start before it has ended',
    async (world) => {
      const { node, lease } = await runningAndBlocked(world)
      await world.store.cancelRun(lease.runId)
      assert.deepEqual(await node.claim(), [])
      await world.finish(lease, { kind: 'retry', error: { code: 'X', message: 'x' }, delayMs: 60_000 })
      assert.equal((await node.claimOne()).fireTime, world.firstFire + STEP_MS)
    },
  )

  promise(
    'a recovery that ends the run lets the next one start, one that retries it does not',
    async (world) => {
      const node = await world.node('survivor')
      await world.schedule('queue')
      await world.fire('queue', { delivery: 'atMostOnce' })
      await world.abandon()
      await world.commit('queue', { overlap: 'bufferAll', runs: 3 })
      await world.store.recover(10)

      // The lost run let the first of the three start, which is retried by the recoveries that follow.
      const first = `queue@${world.firstFire + STEP_MS}`
      for (let i = 0; i < MAX_RECOVERIES; i++) {
        await world.abandon()
        await world.store.recover(10)
        const lease = await node.claimOne()
        assert.equal(lease.runId, first)
        await world.finish(lease, { kind: 'released' })
      }
      await world.abandon()
      await world.store.recover(10)
      assert.equal((await world.run(first)).status, 'failed')
      assert.equal((await node.claimOne()).fireTime, world.firstFire + 2 * STEP_MS)
    },
  )

  promise(
    'a blocked run may still be open when its schedule is edited, and starts in its turn',
    async (world) => {
      const { node, lease } = await runningAndBlocked(world)
      await world.edit('queue', { state: 'paused' })
      await world.finish(lease, succeeded)
      assert.equal((await node.claimOne()).fireTime, world.firstFire + STEP_MS)
    },
  )

  promise('those who watch are told when a blocked run may start', async (world) => {
    const { lease } = await runningAndBlocked(world)
    const ready = new Promise<void>((resolve) => {
      world.store.watch((hint: StoreHint) => {
        if (hint === 'ready') resolve()
      })
    })
    await world.finish(lease, succeeded)
    await ready
  })
}

/** A schedule `queue` with one run going on and, of `runs` in all, the others waiting for it. */
async function runningAndBlocked(world: World, runs = 2): Promise<{ node: TestNode; lease: ClaimedRun }> {
  const node = await world.node('a')
  await world.schedule('queue')
  await world.commit('queue', { overlap: 'bufferAll', runs })
  return { node, lease: await node.claimOne() }
}
