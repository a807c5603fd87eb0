import assert from 'node:assert/strict'
import { type Fence, nextFence } from '../../domain/lease.js'
import { MAX_PAST_ATTEMPTS, MAX_RECOVERIES } from '../../domain/run.js'
import type { AttemptOutcome } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import { broken, failed, retryIn, succeeded } from './world.js'

const stopping = { code: 'STOPPING', message: 'The node stops' }
const released: AttemptOutcome = { kind: 'released' }
const interrupted: AttemptOutcome = { kind: 'interrupted', error: stopping }

export function finishPromises(promise: DeclarePromise): void {
  promise('success records the result', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('daily')
    const lease = await node.claimOne()
    const run = await world.finish(lease, { kind: 'succeeded', result: '{"rows":[1,null,"ü"]}' })
    assert.deepEqual(
      [run.status, run.error, run.attempt, run.node, run.startedAt],
      ['succeeded', null, 1, 'a', lease.startedAt],
    )
    assert.deepEqual(run.result, { rows: [1, null, 'ü'] })
    assert.ok(run.endedAt !== null && run.endedAt >= lease.startedAt)
    assert.deepEqual(await node.claim(), [])
  })

  promise('and so where others have failed before', async (world) => {
    const node = await world.node('a')
    for (const id of ['frail', 'daily']) await world.waitingRun(id)
    const [first, second] = await node.claim()
    await world.finish(first!, failed)
    const run = await world.finish(second!, { kind: 'succeeded', result: '[1]' })
    assert.deepEqual([run.status, run.result], ['succeeded', [1]])
  })

  promise('what the attempt before came to is not what this one comes to', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('daily')
    const first = await node.claimOne()
    await world.store.report([{ ...first, log: [], progress: { fraction: 0.5, message: 'half' } }])
    await world.finish(first, retryIn(0))
    const second = await node.claimOne()
    const under = await world.run(second.runId)
    assert.deepEqual([under.status, under.error, under.progress], ['running', null, null])
    const run = await world.finish(second, succeeded)
    assert.deepEqual([run.status, run.error, run.attempts.length], ['succeeded', null, 1])
  })

  promise('failure and cancellation record their error', async (world) => {
    const node = await world.node('a')
    await world.schedule('daily')
    for (const kind of ['failed', 'cancelled'] as const) {
      await world.fire('daily')
      const error = { code: 'E_OWN', message: `It ${kind}`, stack: 'at line 1' }
      const run = await world.finish(await node.claimOne(), { kind, error })
      assert.deepEqual([run.status, run.error, run.result], [kind, error, null])
      assert.ok(run.endedAt !== null)
    }
  })

  promise('a retry keeps what the attempt came to, and waits for its delay', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('flaky')
    const lease = await node.claimOne()
    const before = await world.store.now()
    const run = await world.finish(lease, retryIn(60_000))
    assert.equal(run.status, 'retrying')
    assert.deepEqual([run.attempt, run.endedAt, run.error], [1, null, broken])
    assert.ok(run.dueAt >= before + 60_000 && run.dueAt <= (await world.store.now()) + 60_000)
    const [past] = run.attempts
    assert.ok(past && past.endedAt >= lease.startedAt)
    assert.deepEqual(run.attempts, [
      { attempt: 1, node: 'a', startedAt: lease.startedAt, endedAt: past.endedAt, error: broken },
    ])
  })

  promise(`of the past attempts, the newest ${MAX_PAST_ATTEMPTS} are kept, oldest first`, async (world) => {
    const node = await world.node('a')
    const { id } = await world.waitingRun('stubborn')
    const tries = MAX_PAST_ATTEMPTS + 3
    for (let i = 0; i < tries; i++) await world.finish(await node.claimOne(), retryIn(0))
    const numbers = (await world.run(id)).attempts.map((past) => past.attempt)
    assert.deepEqual(
      numbers,
      Array.from({ length: MAX_PAST_ATTEMPTS }, (_, i) => tries - MAX_PAST_ATTEMPTS + 1 + i),
    )
  })

  for (const outcome of [succeeded, failed, retryIn(0), interrupted, released]) {
    promise(`under an older fence, "${outcome.kind}" is refused and changes nothing`, async (world) => {
      const { id } = await world.waitingRun('passed-on')
      const old = await (await world.node('old')).claimOne()
      await world.finish(old, retryIn(0))
      await (await world.node('new')).claimOne()
      const before = await world.run(id)
      assert.deepEqual(await world.store.finish([{ ...old, outcome }]), [false])
      assert.deepEqual(await world.run(id), before)
    })
  }

  promise('a fence that was never granted is refused', async (world) => {
    const { id } = await world.waitingRun('daily')
    const lease = await (await world.node('a')).claimOne()
    const before = await world.run(id)
    const forged = nextFence(lease.fence, await world.store.now())
    assert.deepEqual(await world.store.finish([{ ...lease, fence: forged, outcome: succeeded }]), [false])
    assert.deepEqual(await world.run(id), before)
    const nowhere = { runId: 'nowhere@1', fence: 1 as Fence, outcome: succeeded }
    assert.deepEqual(await world.store.finish([nowhere]), [false])
  })

  promise('success is final: nothing that comes later changes it', async (world) => {
    const node = await world.node('a')
    const { id } = await world.waitingRun('done')
    const lease = await node.claimOne()
    const done = await world.finish(lease, { kind: 'succeeded', result: '1' })
    for (const outcome of [failed, retryIn(0), interrupted, released]) {
      assert.deepEqual(await world.store.finish([{ ...lease, outcome }]), [false])
    }
    await world.store.retryRun(id)
    await world.store.cancelRun(id)
    await node.leave()
    await world.store.recover(10)
    assert.deepEqual(await world.run(id), done)
  })

  // The lease ends with the first answer, so the repeat is refused: a node that asks again because the first
  // answer was lost finds the run ended under its own fence.
  promise('the same report again is refused and changes nothing', async (world) => {
    const { id } = await world.waitingRun('repeated')
    const lease = await (await world.node('a')).claimOne()
    const done = await world.finish(lease, succeeded)
    assert.deepEqual(await world.store.finish([{ ...lease, outcome: succeeded }]), [false])
    assert.deepEqual(await world.run(id), done)
    assert.equal(done.fence, lease.fence)
  })

  promise('of a batch, each report is decided by itself and in order', async (world) => {
    const node = await world.node('a')
    await world.schedule('many')
    await world.commit('many', { runs: 2 })
    const [first, second] = await node.claim()
    assert.ok(first && second)
    const answers = await world.store.finish([
      { ...first, outcome: succeeded },
      { ...first, outcome: failed },
      { ...second, fence: (second.fence - 1) as Fence, outcome: failed },
      { ...second, outcome: failed },
    ])
    assert.deepEqual(answers, [true, false, false, true])
    assert.deepEqual(await world.statuses([first.runId, second.runId]), ['succeeded', 'failed'])
    assert.deepEqual(await world.store.finish([]), [])
  })

  promise('of two nodes that finish one run under one lease at once, one is accepted', async (world) => {
    await world.waitingRun('doubled')
    const lease = await (await world.node('a')).claimOne()
    const second = await world.second()
    const answers = await Promise.all(
      [world.store, second, world.store, second].map((store) =>
        store.finish([{ ...lease, outcome: succeeded }]),
      ),
    )
    assert.equal(answers.flat().filter(Boolean).length, 1)
  })

  promise('a run whose body never began is pending again, as if it had not been claimed', async (world) => {
    const node = await world.node('a')
    const before = await world.waitingRun('handed-back')
    const lease = await node.claimOne()
    const run = await world.finish(lease, released)
    assert.deepEqual([run.status, run.attempt, run.endedAt, run.attempts], ['pending', 0, null, []])
    assert.equal(run.fireTime, before.fireTime)
    const again = await node.claimOne()
    assert.equal(again.attempt, 1)
    assert.ok(again.fence > lease.fence)
  })

  promise('handing back a second attempt takes back only that attempt', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('handed-back')
    await world.finish(await node.claimOne(), retryIn(0))
    const run = await world.finish(await node.claimOne(), released)
    assert.deepEqual([run.status, run.attempt, run.attempts.length], ['pending', 1, 1])
    assert.equal((await node.claimOne()).attempt, 2)
  })

  promise('an interrupted run is tried again at once, or lost if it may run only once', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('again', { delivery: 'atLeastOnce' })
    const run = await world.finish(await node.claimOne(), interrupted)
    assert.deepEqual([run.status, run.attempt, run.endedAt], ['retrying', 1, null])
    assert.deepEqual(
      run.attempts.map((past) => [past.attempt, past.error]),
      [[1, stopping]],
    )
    assert.equal((await node.claimOne()).attempt, 2)

    await world.waitingRun('once', { delivery: 'atMostOnce' })
    const lost = await world.finish(await node.claimOne(), interrupted)
    assert.deepEqual([lost.status, lost.error?.code], ['lost', 'STOPPING'])
    assert.ok(lost.endedAt !== null)
    assert.deepEqual(await node.claim(), [])
    assert.equal((await world.stored('once')).consecutiveFailures, 1)
  })

  promise(
    'interruptions are no recoveries: however many deployments, the run is not given up',
    async (world) => {
      const node = await world.node('a')
      await world.waitingRun('interrupted')
      for (let i = 0; i <= MAX_RECOVERIES; i++) {
        assert.equal((await world.finish(await node.claimOne(), interrupted)).status, 'retrying')
      }
    },
  )

  for (const outcome of [retryIn(0), interrupted, released]) {
    promise(`a run that was asked to end is cancelled instead of "${outcome.kind}"`, async (world) => {
      const node = await world.node('a')
      const { id } = await world.waitingRun('stopped', { delivery: 'atLeastOnce' })
      const lease = await node.claimOne()
      await world.store.cancelRun(id)
      const run = await world.finish(lease, outcome)
      assert.deepEqual([run.status, run.error?.code], ['cancelled', 'CANCELLED'])
      assert.ok(run.endedAt !== null)
      assert.deepEqual(await node.claim(), [])
    })
  }

  for (const outcome of [succeeded, failed]) {
    promise(`a run that was asked to end may still have ${outcome.kind}`, async (world) => {
      const { id } = await world.waitingRun('too-late')
      const lease = await (await world.node('a')).claimOne()
      await world.store.cancelRun(id)
      assert.equal((await world.finish(lease, outcome)).status, outcome.kind)
    })
  }
}
