import assert from 'node:assert/strict'
import type { DeclarePromise } from './promise.js'
import { succeeded } from './world.js'

export function requestPromises(promise: DeclarePromise): void {
  promise('a requested run is ready at once, and named after the request', async (world) => {
    await world.schedule('daily')
    const before = await world.store.now()
    const request = world.request('daily', {
      requestId: 'by-hand',
      task: 'other',
      spec: '1',
      priority: 3,
      group: 'eu',
      delivery: 'atMostOnce',
    })
    const [run] = await world.store.addRuns([request])
    assert.ok(run)
    assert.ok(run.fireTime >= before && run.fireTime <= (await world.store.now()))
    assert.deepEqual(
      [run.id, run.status, run.kind, run.requestId, run.attempt, run.fence],
      [`daily@${run.fireTime}.by-hand`, 'pending', 'manual', 'by-hand', 0, 0],
    )
    assert.deepEqual(
      [run.task, run.spec, run.priority, run.group, run.delivery],
      ['other', '1', 3, 'eu', 'atMostOnce'],
    )
    assert.deepEqual(await world.run(run.id), run)
    const node = await world.node('a', { tasks: ['other'], groups: ['eu'] })
    const lease = await node.claimOne()
    assert.deepEqual([lease.runId, lease.kind], [run.id, 'manual'])
  })

  promise(
    'a request that is repeated answers the run of the first time, whatever became of it',
    async (world) => {
      const node = await world.node('a')
      await world.schedule('daily')
      const request = world.request('daily')
      const [first] = await world.store.addRuns([request])
      await world.advance(5)
      assert.deepEqual(await world.store.addRuns([request]), [first])
      const done = await world.finish(await node.claimOne(), succeeded)
      const [repeated] = await world.store.addRuns([{ ...request, spec: '"changed"' }])
      assert.deepEqual(repeated, done)
      assert.equal((await world.runsOf('daily')).length, 1)
    },
  )

  promise(
    'a request that is repeated at the same time by many, and within a batch, makes one run',
    async (world) => {
      await world.schedule('daily')
      const request = world.request('daily')
      const second = await world.second()
      const answers = await Promise.all(
        [world.store, second, world.store, second].map((store) => store.addRuns([request, request])),
      )
      const ids = new Set(answers.flat().map((run) => run.id))
      assert.equal(ids.size, 1)
      assert.equal((await world.runsOf('daily')).length, 1)
    },
  )

  promise('the same request id for another schedule is another request', async (world) => {
    await world.schedule('one')
    await world.schedule('two')
    const requests = ['one', 'two'].map((id) => world.request(id, { requestId: 'same' }))
    const runs = await world.store.addRuns(requests)
    assert.deepEqual(
      runs.map((run) => run.scheduleId),
      ['one', 'two'],
    )
  })

  promise('a backfilled run stands beside the scheduled one of the same fire time', async (world) => {
    const scheduled = await world.waitingRun('daily')
    const request = world.request('daily', {
      kind: 'backfill',
      fireTime: world.firstFire,
      requestId: 'fill:1',
    })
    const [run] = await world.store.addRuns([request])
    assert.deepEqual(
      [run?.id, run?.kind, run?.fireTime],
      [`${scheduled.id}.fill:1`, 'backfill', world.firstFire],
    )
    assert.deepEqual(await world.store.addRuns([request]), [run])
    const ready = await (await world.node('a')).claimedIds()
    assert.deepEqual(ready.toSorted(), [scheduled.id, run?.id])
  })

  promise('a run may be requested while the schedule is paused, and moves nothing of it', async (world) => {
    const node = await world.node('a')
    const before = await world.schedule('asleep', { state: 'paused' })
    await world.store.addRuns([world.request('asleep')])
    assert.equal((await node.claim()).length, 1)
    const after = await world.stored('asleep')
    assert.deepEqual(
      [after.state, after.revision, after.nextFireTime, after.fires, after.highWaterMark],
      ['paused', before.revision, before.nextFireTime, 0, null],
    )
  })

  promise('a requested run does not keep the schedule from firing the same instant', async (world) => {
    await world.schedule('daily')
    await world.store.addRuns([world.request('daily', { fireTime: world.firstFire, requestId: 'r' })])
    assert.equal((await world.fire('daily')).status, 'pending')
    assert.equal((await world.runsOf('daily')).length, 2)
  })

  promise('a requested run is still going for those that must not overlap', async (world) => {
    await world.schedule('daily')
    await world.store.addRuns([world.request('daily')])
    assert.equal((await world.fire('daily', { overlap: 'skip' })).status, 'skipped')
  })

  promise(
    'a run may be requested of what is no schedule: it executes, and is pruned at last',
    async (world) => {
      const node = await world.node('a')
      const request = world.request('task:none')
      const [run] = await world.store.addRuns([request])
      assert.deepEqual(await world.store.addRuns([request]), [run])
      const lease = await node.claimOne()
      assert.equal((await world.finish(lease, succeeded)).status, 'succeeded')
      assert.equal((await world.runsOf('task:none')).length, 1)
      await world.advance(2)
      const history = { maxRuns: 1, maxFailures: 1, maxSkipped: 1, maxAgeMs: 1, maxFailureAgeMs: 1 }
      for (let more = true; more;) ({ more } = await world.store.prune(history, 10))
      assert.deepEqual(await world.runsOf('task:none'), [])
    },
  )

  promise('an empty batch is nothing', async ({ store }) => {
    assert.deepEqual(await store.addRuns([]), [])
  })
}
