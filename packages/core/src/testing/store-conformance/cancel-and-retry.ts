import assert from 'node:assert/strict'
import { MAX_RECOVERIES } from '../../domain/run.js'
import type { DeclarePromise } from './promise.js'
import { broken, failed, fireAt, retryIn, STEP_MS, succeeded, type World } from './world.js'

export function cancelAndRetryPromises(promise: DeclarePromise): void {
  promise('cancelling a run that waits ends it at once', async (world) => {
    const node = await world.node('a')
    const pending = await world.waitingRun('pending')
    const cancelled = await world.store.cancelRun(pending.id)
    assert.deepEqual(
      [cancelled?.status, cancelled?.error?.code, cancelled?.attempt],
      ['cancelled', 'CANCELLED', 0],
    )
    assert.ok(cancelled?.endedAt !== null)
    assert.deepEqual(cancelled, await world.run(pending.id))

    await world.waitingRun('retrying')
    const retrying = await world.finish(await node.claimOne(), retryIn(0))
    const stopped = await world.store.cancelRun(retrying.id)
    assert.deepEqual([stopped?.status, stopped?.attempts.length], ['cancelled', 1])
    assert.deepEqual(await node.claim(), [])
  })

  promise(
    'cancelling a run that runs marks it, tells its node, and leaves the lease valid',
    async (world) => {
      const [node, other] = [await world.node('a'), await world.node('b')]
      const { id } = await world.waitingRun('running')
      const lease = await node.claimOne()
      assert.deepEqual((await node.beat()).cancel, [])
      const marked = await world.store.cancelRun(id)
      assert.deepEqual([marked?.status, marked?.cancelRequested, marked?.endedAt], ['running', true, null])
      assert.deepEqual(await world.store.cancelRun(id), marked, 'asking twice is harmless')
      assert.deepEqual((await node.beat()).cancel, [id])
      assert.deepEqual((await other.beat()).cancel, [])
      const run = await world.finish(lease, {
        kind: 'cancelled',
        error: { code: 'CANCELLED', message: 'Stopped' },
      })
      assert.equal(run.status, 'cancelled')
      assert.deepEqual((await node.beat()).cancel, [])
    },
  )

  promise('cancelling what has ended, or what is not there, changes nothing', async (world) => {
    for (const run of await endedRuns(world)) {
      assert.deepEqual(await world.store.cancelRun(run), await world.run(run))
    }
    for (const id of ['nowhere@1', 'no id', '']) assert.equal(await world.store.cancelRun(id), null)
  })

  promise('what failed, was cancelled, lost, missed or skipped can be asked for once more', async (world) => {
    const node = await world.node('again')
    const ended = (await endedRuns(world)).filter((id) => !id.startsWith('succeeded'))
    for (const id of ended) {
      const before = await world.run(id)
      const run = await world.store.retryRun(id)
      assert.deepEqual(
        [run?.status, run?.attempt, run?.endedAt, run?.error, run?.cancelRequested],
        ['pending', before.attempt, null, null, false],
        id,
      )
      assert.equal(run?.attempts.at(-1)?.attempt, before.attempt === 0 ? undefined : before.attempt)
      const lease = await node.claimOne()
      assert.deepEqual([lease.runId, lease.attempt], [id, before.attempt + 1])
      assert.ok(lease.fence > before.fence)
      assert.equal((await world.finish(lease, succeeded)).status, 'succeeded')
    }
  })

  promise('asking once more remembers the attempt that had ended the run', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('failed')
    const lease = await node.claimOne()
    const { endedAt, id } = await world.finish(lease, failed)
    const run = await world.store.retryRun(id)
    assert.deepEqual(run?.attempts, [
      { attempt: 1, node: 'a', startedAt: lease.startedAt, endedAt, error: broken },
    ])
  })

  promise('what succeeded, or has not ended, is not tried again', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('done')
    const done = await world.finish(await node.claimOne(), succeeded)
    await world.waitingRun('retrying')
    const retrying = await world.finish(await node.claimOne(), retryIn(60_000))
    const running = await world.waitingRun('running')
    await node.claimOne()
    const pending = await world.waitingRun('pending')
    for (const { id } of [done, retrying, running, pending]) {
      const before = await world.run(id)
      assert.deepEqual(await world.store.retryRun(id), before)
      assert.deepEqual(await world.run(id), before)
    }
    for (const id of ['nowhere@1', 'no id', '']) assert.equal(await world.store.retryRun(id), null)
  })

  promise('a run that was given up has its recoveries back when it is asked for once more', async (world) => {
    const { id } = await world.waitingRun('deadly')
    for (let i = 0; i <= MAX_RECOVERIES; i++) {
      await world.abandon()
      await world.store.recover(10)
    }
    assert.equal((await world.run(id)).status, 'failed')
    await world.store.retryRun(id)
    await world.abandon()
    await world.store.recover(10)
    assert.equal((await world.run(id)).status, 'retrying')
  })

  promise('a run that is not there, or whose id no run can have, is null', async ({ store }) => {
    for (const id of [
      'nowhere@1',
      'nowhere',
      '',
      '@1',
      "'; drop table runs; --",
      'a@b',
      'x'.repeat(10_000),
    ]) {
      assert.equal(await store.getRun(id), null)
    }
  })
}

/** One run of each status that ends a run, the schedule named after the status. */
async function endedRuns(world: World): Promise<string[]> {
  const node = await world.node('a')
  const ids = [`succeeded@${world.firstFire}`, `failed@${world.firstFire}`, `cancelled@${world.firstFire}`]
  await world.waitingRun('succeeded')
  await world.finish(await node.claimOne(), succeeded)
  await world.waitingRun('failed')
  await world.finish(await node.claimOne(), failed)
  const { id } = await world.waitingRun('cancelled')
  await world.store.cancelRun(id)

  const lost = await world.waitingRun('lost', { delivery: 'atMostOnce' })
  await world.abandon()
  await world.store.recover(10)

  await world.schedule('missed')
  const to = world.firstFire + STEP_MS
  const range = { count: 2, exact: true, from: world.firstFire, to }
  const { missed } = await world.commit('missed', { runs: 0, missed: range, next: fireAt(to + STEP_MS) })

  await world.schedule('skipped')
  const { skipped } = await world.commit('skipped', { overlap: 'skip', runs: 2 })
  await world.finish(await node.claimOne(), succeeded)
  return [...ids, lost.id, ...missed, ...skipped]
}
