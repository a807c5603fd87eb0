import assert from 'node:assert/strict'
import type { AttemptOutcome } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import type { TestNode } from './test-node.js'
import { failed, retryIn, succeeded, type World } from './world.js'

export function failurePromises(promise: DeclarePromise): void {
  promise('failures in a row are counted, and a success begins anew', async (world) => {
    const node = await world.node('a')
    await world.schedule('frail')
    const counts: number[] = []
    for (const outcome of [failed, failed, succeeded, failed]) {
      await runOnce(world, node, outcome)
      counts.push((await world.stored('frail')).consecutiveFailures)
    }
    assert.deepEqual(counts, [1, 2, 0, 1])
  })

  promise('a failure and a success that are reported together count one after the other', async (world) => {
    const node = await world.node('a')
    await world.schedule('frail')
    await world.fire('frail', { runs: 2, overlap: 'allow' })
    const [first, second] = await node.claim()
    await world.store.finish([
      { ...first!, outcome: failed },
      { ...second!, outcome: succeeded },
    ])
    assert.equal((await world.stored('frail')).consecutiveFailures, 0)
  })

  promise('what is retried or cancelled is neither a failure nor a success', async (world) => {
    const node = await world.node('a')
    await world.schedule('frail')
    await runOnce(world, node, failed)
    await runOnce(world, node, { kind: 'cancelled', error: { code: 'CANCELLED', message: 'x' } })
    await runOnce(world, node, retryIn(60_000))
    assert.equal((await world.stored('frail')).consecutiveFailures, 1)
  })

  promise('a lost run is a failure', async (world) => {
    await world.schedule('frail')
    await world.fire('frail', { delivery: 'atMostOnce' })
    await world.abandon()
    await world.store.recover(10)
    assert.equal((await world.stored('frail')).consecutiveFailures, 1)
  })

  promise(
    'so many failures in a row as the definition allows pause the schedule, and say why',
    async (world) => {
      const node = await world.node('a')
      const created = await world.schedule('frail', { definition: { pauseAfterFailures: 3 } })
      for (let i = 0; i < 2; i++) await runOnce(world, node, failed)
      assert.equal((await world.stored('frail')).state, 'active')
      await runOnce(world, node, failed)
      const paused = await world.stored('frail')
      assert.deepEqual([paused.state, paused.revision], ['paused', created.revision + 1])
      assert.match(paused.stateReason ?? '', /\b3\b/)
      assert.ok(paused.nextFireTime !== null, 'the fire time is kept while paused')
      assert.deepEqual((await world.store.peek(10)).due, [])
      const decision = world.decide({ ...created, nextFireTime: paused.nextFireTime })
      assert.deepEqual((await world.store.commit([decision], null)).committed, [false])
    },
  )

  promise('a lost run pauses the schedule as a failed one does', async (world) => {
    await world.schedule('frail', { definition: { pauseAfterFailures: 1 } })
    await world.fire('frail', { delivery: 'atMostOnce' })
    await world.abandon()
    await world.store.recover(10)
    assert.equal((await world.stored('frail')).state, 'paused')
  })

  promise('the definition that holds when the run ends decides, not the one that fired it', async (world) => {
    const node = await world.node('a')
    await world.schedule('frail', { definition: { pauseAfterFailures: 1 } })
    await world.fire('frail')
    const lease = await node.claimOne()
    await world.edit('frail', { definition: { pauseAfterFailures: 2 } })
    await world.finish(lease, failed)
    assert.equal((await world.stored('frail')).state, 'active')
  })

  promise('a schedule that is finished stays so, whatever its last run comes to', async (world) => {
    const node = await world.node('a')
    await world.schedule('frail', { definition: { pauseAfterFailures: 1 } })
    await world.commit('frail', { next: null })
    await world.finish(await node.claimOne(), failed)
    const { state, consecutiveFailures } = await world.stored('frail')
    assert.deepEqual([state, consecutiveFailures], ['finished', 1])
  })
}

async function runOnce(world: World, node: TestNode, outcome: AttemptOutcome): Promise<void> {
  await world.fire('frail')
  await world.finish(await node.claimOne(), outcome)
}
