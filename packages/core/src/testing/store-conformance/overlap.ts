import assert from 'node:assert/strict'
import { MAX_RECOVERIES } from '../../domain/run.js'
import type { DeclarePromise } from './promise.js'
import { failed, retryIn, STEP_MS, succeeded, type World } from './world.js'

export function overlapPromises(promise: DeclarePromise): void {
  promise('skip: a fire time during a run, held by whatever node, is recorded as skipped', async (world) => {
    const other = await world.node('other', { store: await world.second() })
    await world.schedule('long')
    await world.fire('long', { overlap: 'skip' })
    await other.claimOne()
    const result = await world.commit('long', { overlap: 'skip' })
    const id = `long@${world.firstFire + STEP_MS}`
    assert.deepEqual([result.committed, result.waiting, result.skipped], [[true], 0, [id]])
    const record = await world.run(id)
    assert.deepEqual(
      [record.status, record.kind, record.attempt, record.fence, record.error?.code],
      ['skipped', 'scheduled', 0, 0, 'OVERLAP'],
    )
    assert.ok(record.endedAt !== null && record.startedAt === null)
    const { fires, highWaterMark } = await world.stored('long')
    assert.deepEqual([fires, highWaterMark], [2, world.firstFire + STEP_MS])
  })

  promise('skip: a run that waits to be claimed or to be retried is still going', async (world) => {
    const node = await world.node('a')
    await world.schedule('waiting')
    await world.fire('waiting', { overlap: 'skip' })
    assert.equal((await world.fire('waiting', { overlap: 'skip' })).status, 'skipped')
    await world.finish(await node.claimOne(), retryIn(60_000))
    assert.equal((await world.fire('waiting', { overlap: 'skip' })).status, 'skipped')
  })

  promise('skip: what has ended, however it ended, is not going any more', async (world) => {
    const node = await world.node('a')
    await world.schedule('ended')
    for (const outcome of [
      succeeded,
      failed,
      { kind: 'cancelled', error: { code: 'CANCELLED', message: 'x' } },
    ] as const) {
      assert.equal((await world.fire('ended', { overlap: 'skip' })).status, 'pending')
      await world.finish(await node.claimOne(), outcome)
    }
    const cancelled = await world.fire('ended', { overlap: 'skip' })
    await world.store.cancelRun(cancelled.id)
    assert.equal((await world.fire('ended', { overlap: 'skip' })).status, 'pending')
  })

  promise('skip: of several fire times in one decision, the first runs', async (world) => {
    await world.schedule('several')
    const result = await world.commit('several', { overlap: 'skip', runs: 3 })
    assert.deepEqual([result.waiting, result.skipped.length], [1, 2])
    assert.deepEqual(await statuses(world, 'several'), ['pending', 'skipped', 'skipped'])
    assert.equal((await world.stored('several')).fires, 3)
  })

  promise('allow: runs of one schedule go side by side', async (world) => {
    const node = await world.node('a')
    await world.schedule('parallel')
    await world.commit('parallel', { overlap: 'allow', runs: 2 })
    await world.fire('parallel', { overlap: 'allow' })
    assert.equal((await node.claim()).length, 3)
  })

  promise('bufferOne: one waits, others are skipped', async (world) => {
    const node = await world.node('a')
    await world.schedule('one')
    await world.fire('one', { overlap: 'bufferOne' })
    const lease = await node.claimOne()
    await world.commit('one', { overlap: 'bufferOne', runs: 2 })
    await world.fire('one', { overlap: 'bufferOne' })
    assert.deepEqual(await statuses(world, 'one'), ['running', 'pending', 'skipped', 'skipped'])
    assert.deepEqual(await node.claim(), [], 'the one that waits may not start yet')

    await world.finish(lease, succeeded)
    const second = await node.claimOne()
    assert.equal(second.fireTime, world.firstFire + STEP_MS)
    assert.equal(
      (await world.fire('one', { overlap: 'bufferOne' })).status,
      'pending',
      'the place is free again',
    )
  })

  promise('bufferOne: of several fire times in one decision, one runs and one waits', async (world) => {
    const node = await world.node('a')
    await world.schedule('burst')
    await world.commit('burst', { overlap: 'bufferOne', runs: 4 })
    assert.deepEqual(await statuses(world, 'burst'), ['pending', 'pending', 'skipped', 'skipped'])
    assert.equal((await node.claim()).length, 1)
  })

  promise('bufferAll: all wait, and run one after another by fire time', async (world) => {
    const node = await world.node('a')
    await world.schedule('all')
    await world.commit('all', { overlap: 'bufferAll', runs: 3 })
    await world.fire('all', { overlap: 'bufferAll' })
    const order: number[] = []
    for (let i = 0; i < 4; i++) {
      const leases = await node.claim()
      assert.equal(leases.length, 1, 'never two at once')
      order.push((leases[0]!.fireTime - world.firstFire) / STEP_MS)
      await world.finish(leases[0]!, i % 2 === 0 ? succeeded : failed)
    }
    assert.deepEqual(order, [0, 1, 2, 3])
    assert.deepEqual(await node.claim(), [])
  })

  promise('bufferAll: one schedule waiting holds up no other', async (world) => {
    const node = await world.node('a')
    await world.schedule('slow')
    await world.commit('slow', { overlap: 'bufferAll', runs: 2 })
    await world.waitingRun('other', { overlap: 'bufferAll' })
    const claimed = await node.claim()
    assert.deepEqual(claimed.map((lease) => lease.scheduleId).toSorted(), ['other', 'slow'])
  })

  promise('cancelOther: what waits is cancelled at once, and the new run starts', async (world) => {
    const node = await world.node('a')
    await world.schedule('newest')
    const retrying = await world.fire('newest')
    await world.finish(await node.claimOne(), retryIn(60_000))
    const pending = await world.fire('newest', { overlap: 'allow' })
    const current = await world.fire('newest', { overlap: 'cancelOther' })
    assert.deepEqual(await world.statuses([retrying.id, pending.id]), ['cancelled', 'cancelled'])
    assert.equal((await world.run(pending.id)).error?.code, 'CANCELLED')
    assert.deepEqual(await node.claimedIds(), [current.id])
  })

  promise('cancelOther: what runs is asked to end, and the new run starts after it ended', async (world) => {
    const node = await world.node('other', { store: await world.second() })
    await world.schedule('newest')
    const old = await world.fire('newest')
    const lease = await node.claimOne()
    const current = await world.fire('newest', { overlap: 'cancelOther' })
    assert.deepEqual(await world.statuses([old.id, current.id]), ['running', 'pending'])
    assert.equal((await world.run(old.id)).cancelRequested, true)
    assert.deepEqual((await node.beat()).cancel, [old.id])
    assert.deepEqual(await node.claim(), [])

    await world.finish(lease, { kind: 'cancelled', error: { code: 'CANCELLED', message: 'Cancelled' } })
    assert.deepEqual(await node.claimedIds(), [current.id])
  })

  promise('cancelOther: of those that wait for the running one to end, the newest is left', async (world) => {
    const node = await world.node('a')
    await world.schedule('newest')
    await world.fire('newest', { overlap: 'cancelOther' })
    const lease = await node.claimOne()
    await world.commit('newest', { overlap: 'cancelOther', runs: 2 })
    await world.fire('newest', { overlap: 'cancelOther' })
    assert.deepEqual(await statuses(world, 'newest'), ['running', 'cancelled', 'cancelled', 'pending'])
    assert.equal((await world.stored('newest')).fires, 4)
    await world.finish(lease, succeeded)
    assert.equal((await node.claimOne()).fireTime, world.firstFire + 3 * STEP_MS)
  })

  promise('cancelOther: of several fire times in one decision, the last runs', async (world) => {
    await world.schedule('burst')
    await world.commit('burst', { overlap: 'cancelOther', runs: 3 })
    assert.deepEqual(await statuses(world, 'burst'), ['cancelled', 'cancelled', 'pending'])
  })

  promise('skip: a run that was given up after too many recoveries is over', async (world) => {
    await world.schedule('deadly')
    await world.fire('deadly', { overlap: 'skip' })
    for (let i = 0; i <= MAX_RECOVERIES; i++) {
      const node = await world.node(`node-${i}`)
      await node.claimOne()
      await node.leave()
      await world.store.recover(10)
    }
    assert.equal((await world.fire('deadly', { overlap: 'skip' })).status, 'pending')
  })
}

/** Oldest fire time first. */
async function statuses(world: World, scheduleId: string): Promise<string[]> {
  return (await world.runsOf(scheduleId)).toReversed().map((run) => run.status)
}
