import assert from 'node:assert/strict'
import type { Run } from '../../domain/run.js'
import type { Schedule } from '../../domain/schedule.js'
import type { DeclarePromise } from './promise.js'
import { failed, fireAt, retryIn, succeeded, type World } from './world.js'

const AFTER_MS = 30_000

export function afterRunPromises(promise: DeclarePromise): void {
  promise('while its run is open a schedule that fires after it has no fire time', async (world) => {
    await afterRun(world)
    await fire(world)
    const waiting = await world.stored('job')
    assert.deepEqual([waiting.state, waiting.nextFireTime, waiting.dueAt], ['active', null, null])
    assert.equal(waiting.tzdata, '2026a')
    const peek = await world.store.peek(10)
    assert.deepEqual([peek.due, peek.nextDueAt], [[], null])
  })

  for (const [name, outcome] of [
    ['success', succeeded],
    ['failure', failed],
    ['cancellation', { kind: 'cancelled', error: { code: 'CANCELLED', message: 'no' } }],
  ] as const) {
    promise(`after a ${name} it fires so long after the end of the run`, async (world) => {
      const node = await world.node('a')
      const { revision } = await afterRun(world)
      const { id } = await fire(world)
      const lease = await node.claimOne()
      await world.advance(20)
      const run = await world.finish(lease, outcome)
      const after = await firesAfter(world, run)
      assert.deepEqual([after.state, after.revision, after.fires], ['active', revision, 1])
      assert.equal(after.lastRun?.id, id)
      assert.equal((await world.store.peek(10)).nextDueAt, after.nextFireTime)
    })
  }

  promise('the end of a run that others wait for is told', async (world) => {
    const node = await world.node('a')
    await afterRun(world)
    await fire(world)
    const lease = await node.claimOne()
    let unwatch = (): void => {}
    const told = new Promise<void>((resolve) => {
      unwatch = world.store.watch((hint) => hint === 'due' && resolve())
    })
    await world.finish(lease, succeeded)
    await told
    unwatch()
  })

  promise('attempts that do not end the run do not count', async (world) => {
    const node = await world.node('a')
    await afterRun(world)
    await fire(world)
    await world.finish(await node.claimOne(), retryIn(0))
    assert.equal((await world.stored('job')).nextFireTime, null)
    await world.finish(await node.claimOne(), { kind: 'released' })
    assert.equal((await world.stored('job')).nextFireTime, null)
    await firesAfter(world, await world.finish(await node.claimOne(), succeeded))
  })

  promise('a run of a dead node counts when it has ended, not when it was taken back', async (world) => {
    await afterRun(world)
    await fire(world)
    await world.abandon()
    await world.store.recover(10)
    assert.equal((await world.stored('job')).nextFireTime, null)
    const heir = await world.node('heir')
    await firesAfter(world, await world.finish(await heir.claimOne(), succeeded))
  })

  promise('a run that is lost has ended', async (world) => {
    await afterRun(world)
    const { id } = await fire(world, { delivery: 'atMostOnce' })
    await world.abandon()
    await world.store.recover(10)
    const run = await world.run(id)
    assert.equal(run.status, 'lost')
    await firesAfter(world, run)
  })

  promise('a waiting run that is cancelled has ended', async (world) => {
    await afterRun(world)
    const { id } = await fire(world)
    await world.store.cancelRun(id)
    await firesAfter(world, await world.run(id))
  })

  promise('one that is deleted while its run waits is gone, and is not due afterwards', async (world) => {
    await afterRun(world, world.firstFire, 0)
    await fire(world)
    await world.store.deleteSchedule('job')
    const { due, nextDueAt } = await world.store.peek(10)
    assert.deepEqual([due, nextDueAt], [[], null])
    const { schedules, tzdata } = await world.store.stats()
    assert.deepEqual([schedules.active, tzdata], [0, {}])
  })

  promise('a fire time that becomes no open run counts from the moment of its record', async (world) => {
    await afterRun(world)
    const missed = { count: 1, exact: true, from: world.firstFire, to: world.firstFire }
    const result = await world.commit('job', { runs: 0, missed, next: 'afterRun' })
    await firesAfter(world, await world.run(result.missed[0]!))
  })

  promise('a run that somebody asked for holds the next fire time up until it has ended', async (world) => {
    const node = await world.node('a')
    await afterRun(world, (await world.store.now()) + 60_000)
    await world.store.addRuns([world.request('job')])
    const waiting = await world.stored('job')
    assert.deepEqual([waiting.nextFireTime, waiting.dueAt], [null, null])
    await firesAfter(world, await world.finish(await node.claimOne(), failed))
  })

  promise('so does a run that is tried again by request', async (world) => {
    const node = await world.node('a')
    await afterRun(world)
    const { id } = await fire(world)
    await world.finish(await node.claimOne(), failed)
    await world.store.retryRun(id)
    assert.equal((await world.stored('job')).nextFireTime, null)
    await firesAfter(world, await world.finish(await node.claimOne(), succeeded))
  })

  promise('of several open runs the last one to end decides', async (world) => {
    const node = await world.node('a')
    await afterRun(world)
    await fire(world)
    await world.store.addRuns([world.request('job')])
    const [first, second] = await node.claim()
    await world.finish(first!, succeeded)
    assert.equal((await world.stored('job')).nextFireTime, null)
    await world.advance(20)
    await firesAfter(world, await world.finish(second!, succeeded))
  })

  promise(
    'a schedule that is paused meanwhile gets its fire time all the same, and does not fire',
    async (world) => {
      const node = await world.node('a')
      await afterRun(world)
      await fire(world)
      await world.edit('job', { state: 'paused' })
      const run = await world.finish(await node.claimOne(), succeeded)
      assert.equal((await firesAfter(world, run)).state, 'paused')
      await world.advance(20)
      assert.deepEqual((await world.store.peek(10)).due, [])
    },
  )

  promise('an edit while a run is open does not bring a fire time before its end', async (world) => {
    const node = await world.node('a')
    await afterRun(world)
    await fire(world)
    const timing = { ...fireAt(world.firstFire + 1), afterRunMs: 2 * AFTER_MS }
    const edited = await world.edit('job', { timing })
    assert.deepEqual([edited.nextFireTime, edited.dueAt], [null, null])
    const run = await world.finish(await node.claimOne(), succeeded)
    assert.equal((await world.stored('job')).nextFireTime, run.endedAt! + 2 * AFTER_MS)
  })

  promise(
    'a schedule that no longer fires after its runs keeps its fire time when one ends',
    async (world) => {
      const node = await world.node('a')
      await afterRun(world)
      await fire(world)
      const later = (await world.store.now()) + 60_000
      assert.equal((await world.edit('job', { timing: fireAt(later) })).nextFireTime, later)
      await world.finish(await node.claimOne(), succeeded)
      assert.equal((await world.stored('job')).nextFireTime, later)
    },
  )

  promise('one that has fired for the last time stays finished when its run ends', async (world) => {
    const node = await world.node('a')
    await afterRun(world)
    await fire(world, { next: null })
    await world.finish(await node.claimOne(), succeeded)
    const { state, nextFireTime } = await world.stored('job')
    assert.deepEqual([state, nextFireTime], ['finished', null])
  })

  promise('the end of a run of a deleted schedule brings nothing back', async (world) => {
    const node = await world.node('a')
    await afterRun(world)
    await fire(world)
    const lease = await node.claimOne()
    await world.store.deleteSchedule('job')
    await world.finish(lease, succeeded)
    assert.deepEqual(await world.store.getSchedules(['job']), [null])
  })

  promise('it fires again and again, each time from the end of the run before', async (world) => {
    const node = await world.node('a')
    await afterRun(world, undefined, 5)
    for (let round = 1; round <= 3; round++) {
      await fire(world)
      const run = await world.finish(await node.claimOne(), succeeded)
      const { nextFireTime, fires } = await world.stored('job')
      assert.deepEqual([nextFireTime, fires], [run.endedAt! + 5, round])
      await world.advance(10)
    }
  })
}

/** Creates `job`, due now, to fire so long after the end of its last run. */
function afterRun(world: World, fireTime = world.firstFire, afterRunMs = AFTER_MS): Promise<Schedule> {
  return world.schedule('job', { fireTime, timing: { afterRunMs } })
}

function fire(world: World, options: Parameters<World['fire']>[1] = {}): Promise<Run> {
  return world.fire('job', { next: 'afterRun', ...options })
}

async function firesAfter(world: World, run: Run): Promise<Schedule> {
  const schedule = await world.stored('job')
  assert.ok(run.endedAt !== null)
  assert.deepEqual([schedule.nextFireTime, schedule.dueAt], [run.endedAt + AFTER_MS, run.endedAt + AFTER_MS])
  return schedule
}
