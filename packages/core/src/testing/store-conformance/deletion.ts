import assert from 'node:assert/strict'
import type { DeclarePromise } from './promise.js'
import { fireAt, retryIn, STEP_MS, succeeded } from './world.js'

export function deletionPromises(promise: DeclarePromise): void {
  promise('deleting answers whether there was one', async (world) => {
    await world.schedule('short')
    assert.equal(await world.store.deleteSchedule('short'), true)
    assert.deepEqual(await world.store.getSchedules(['short']), [null])
    assert.equal(await world.store.deleteSchedule('short'), false)
    assert.equal(await world.store.deleteSchedule('never', 1), false)
  })

  promise('deleting a revision that has passed is refused, and deletes nothing', async (world) => {
    const { revision } = await world.schedule('guarded')
    const current = await world.edit('guarded', { definition: { description: 'new' } })
    await assert.rejects(world.store.deleteSchedule('guarded', revision), { code: 'REVISION_CONFLICT' })
    assert.deepEqual(await world.stored('guarded'), current)
    assert.equal(await world.store.deleteSchedule('guarded', current.revision), true)
  })

  promise('a deleted schedule is not due, and a decision about it creates nothing', async (world) => {
    const schedule = await world.schedule('deleted')
    await world.store.deleteSchedule('deleted')
    assert.deepEqual((await world.store.peek(10)).due, [])
    const result = await world.store.commit([world.decide(schedule)], null)
    assert.deepEqual(result.committed, [false])
    assert.deepEqual(await world.runsOf('deleted'), [])
  })

  promise('a schedule that is created again does not repeat a fire time, and goes on', async (world) => {
    await world.schedule('again')
    const first = await world.fire('again')
    await world.store.deleteSchedule('again')
    const recreated = await world.schedule('again')
    assert.equal(recreated.fires, 0)

    const result = await world.commit('again', { runs: 2 })
    assert.deepEqual(result.committed, [true])
    assert.equal(result.waiting, 1)
    const runs = await world.runsOf('again')
    assert.deepEqual(
      runs.map((run) => run.fireTime),
      [world.firstFire + STEP_MS, world.firstFire],
    )
    assert.equal(runs[1]?.createdAt, first.createdAt)
    const stored = await world.stored('again')
    assert.equal(stored.nextFireTime, world.firstFire + 2 * STEP_MS)
    assert.equal(stored.fires, 1, 'a fire time that ran before the deletion counts once')
  })

  promise(
    'a mark higher than anything in the history keeps even unseen fire times from running',
    async (world) => {
      await world.schedule('marked')
      await world.commit('marked', {
        runs: 0,
        missed: { count: 9, exact: true, from: world.firstFire, to: world.firstFire + 8 * STEP_MS },
        next: fireAt(world.firstFire + 9 * STEP_MS),
      })
      await world.store.deleteSchedule('marked')
      await world.schedule('marked')
      const result = await world.commit('marked', { runs: 10 })
      assert.deepEqual([result.committed, result.waiting], [[true], 1])
      assert.equal((await world.runsOf('marked'))[0]?.fireTime, world.firstFire + 9 * STEP_MS)
    },
  )

  promise('a decision from before the deletion does nothing to the schedule created again', async (world) => {
    const before = await world.schedule('reborn')
    await world.store.deleteSchedule('reborn')
    await world.schedule('reborn')
    const result = await world.store.commit([world.decide(before)], null)
    assert.deepEqual(result.committed, [false])
    assert.deepEqual(await world.runsOf('reborn'), [])
  })

  promise('deletion cancels what waits at once, asks what runs to end, and leaves history', async (world) => {
    const node = await world.node('a')
    await world.schedule('busy')
    const ended = await world.fire('busy')
    await world.finish(await node.claimOne(), succeeded)
    const retrying = await world.fire('busy')
    await world.finish(await node.claimOne(), retryIn(60_000))
    const running = await world.fire('busy')
    const lease = await node.claimOne()
    const blocked = await world.fire('busy', { overlap: 'bufferAll' })
    const pending = await world.fire('busy')

    await world.store.deleteSchedule('busy')
    assert.deepEqual(
      await world.statuses([ended, retrying, running, blocked, pending].map((run) => run.id)),
      ['succeeded', 'cancelled', 'running', 'cancelled', 'cancelled'],
    )
    const cancelled = await world.run(pending.id)
    assert.equal(cancelled.error?.code, 'CANCELLED')
    assert.ok(cancelled.endedAt !== null)
    assert.equal((await world.run(running.id)).cancelRequested, true)
    assert.deepEqual((await node.beat()).cancel, [running.id])
    assert.deepEqual(await node.claim(), [])
    assert.equal((await world.finish(lease, retryIn(0))).status, 'cancelled')
  })

  promise('a run of a deleted schedule that is running may still succeed', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('last')
    const lease = await node.claimOne()
    await world.store.deleteSchedule('last')
    assert.equal((await world.finish(lease, succeeded)).status, 'succeeded')
  })
}
