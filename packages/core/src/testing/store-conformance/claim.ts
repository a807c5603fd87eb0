import assert from 'node:assert/strict'
import type { DeclarePromise } from './promise.js'
import { fireAt, retryIn, succeeded, type World } from './world.js'

export function claimPromises(promise: DeclarePromise): void {
  promise('a claimed run is leased to the node and says all that an attempt needs', async (world) => {
    const node = await world.node('a')
    const waiting = await world.waitingRun('daily', { delivery: 'atMostOnce', spec: '{"input":1}' })
    const before = await world.store.now()
    const lease = await node.claimOne()
    const run = await world.run(waiting.id)
    assert.deepEqual(
      [run.status, run.node, run.attempt, run.fence, run.endedAt],
      ['running', 'a', 1, lease.fence, null],
    )
    assert.ok(run.startedAt !== null && run.startedAt >= before)
    assert.deepEqual(lease, {
      runId: waiting.id,
      fence: lease.fence,
      scheduleId: 'daily',
      kind: 'scheduled',
      fireTime: world.firstFire,
      task: waiting.task,
      attempt: 1,
      delivery: 'atMostOnce',
      dueAt: waiting.dueAt,
      createdAt: waiting.createdAt,
      startedAt: run.startedAt,
      spec: '{"input":1}',
    })
    assert.deepEqual(await node.claim(), [], 'a leased run is not leased again')
  })

  promise('no more runs are leased than there are slots, in all and for each task', async (world) => {
    const node = await world.node('a', { tasks: ['mail', 'report'] })
    await world.schedule('mail', { task: 'mail' })
    await world.schedule('report', { task: 'report' })
    for (const id of ['mail', 'report']) await world.commit(id, { runs: 5 })
    assert.deepEqual(await node.claim({ slots: 0 }), [])
    const leases = await node.claim({ slots: 4, tasks: { mail: { slots: 1 }, report: { slots: 10 } } })
    assert.deepEqual(leases.map((lease) => lease.task).toSorted(), ['mail', 'report', 'report', 'report'])
    assert.deepEqual(await node.claim({ slots: 5, tasks: { mail: { slots: 0 } } }), [])
  })

  promise('higher priority starts first, and within it what has been due for longer', async (world) => {
    const node = await world.node('a')
    await waiting(world, 'low-old', -5, 0)
    await waiting(world, 'high-new', 10, 300)
    await waiting(world, 'normal-new', 0, 200)
    await waiting(world, 'high-old', 10, 100)
    await waiting(world, 'normal-old', 0, 50)
    const order: string[] = []
    for (let i = 0; i < 5; i++) order.push((await node.claimOne({ slots: 1 })).scheduleId)
    assert.deepEqual(order, ['high-old', 'high-new', 'normal-old', 'normal-new', 'low-old'])
  })

  promise('priority holds between tasks and groups', async (world) => {
    const node = await world.node('a', { tasks: ['x', 'y'], groups: ['one', 'two'] })
    await world.waitingRun('first', { task: 'x', group: 'one', priority: 1 })
    await world.waitingRun('third', { task: 'x', group: 'two', priority: 3 })
    await world.waitingRun('second', { task: 'y', group: 'one', priority: 2 })
    const order: string[] = []
    for (let i = 0; i < 3; i++) order.push((await node.claimOne({ slots: 1 })).scheduleId)
    assert.deepEqual(order, ['third', 'second', 'first'])
  })

  promise('only runs of the groups that the node offers are leased to it', async (world) => {
    const node = await world.node('a', { groups: ['default', 'gpu'] })
    await world.waitingRun('plain')
    await world.waitingRun('fast', { group: 'gpu' })
    await world.waitingRun('elsewhere', { group: 'eu' })
    assert.deepEqual(await node.claimedIds({ groups: [] }), [])
    const claimed = await node.claim()
    assert.deepEqual(claimed.map((lease) => lease.scheduleId).toSorted(), ['fast', 'plain'])
    assert.deepEqual(
      (await node.claim({ groups: ['eu'] })).map((lease) => lease.scheduleId),
      ['elsewhere'],
    )
  })

  promise('runs of tasks that no node knows are left alone, and wait for one that does', async (world) => {
    const old = await world.node('old')
    await world.waitingRun('new-feature', { task: 'new-task' })
    await world.waitingRun('usual')
    assert.deepEqual(
      (await old.claim()).map((lease) => lease.scheduleId),
      ['usual'],
    )
    const upgraded = await world.node('upgraded', { tasks: ['new-task'] })
    assert.equal((await upgraded.claimOne()).scheduleId, 'new-feature')
  })

  promise('a retry waits for its delay, however high its priority', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('flaky', { priority: 100 })
    await world.waitingRun('steady')
    await world.finish(await node.claimOne({ slots: 1 }), retryIn(300))
    assert.deepEqual(
      (await node.claim()).map((lease) => lease.scheduleId),
      ['steady'],
    )
    await world.advance(350)
    const second = await node.claimOne()
    assert.deepEqual([second.scheduleId, second.attempt], ['flaky', 2])
  })

  promise('every lease of a run has a higher fence than all before it', async (world) => {
    await world.waitingRun('passed-on')
    const fences: number[] = []
    for (const end of ['retry', 'release', 'death', 'again'] as const) {
      const node = await world.node('a')
      const lease = await node.claimOne()
      fences.push(lease.fence)
      if (end === 'retry') await world.finish(lease, retryIn(0))
      else if (end === 'release') await world.finish(lease, { kind: 'released' })
      else if (end === 'death') {
        await node.leave()
        await world.store.recover(10)
      }
    }
    assert.deepEqual(
      fences,
      [...new Set(fences)].toSorted((a, b) => a - b),
    )
    // Fences begin at the store's time, so that they rise even if the store loses its last writes.
    assert.ok(fences[0]! >= world.firstFire * 1000)
  })

  promise(
    'a request that is repeated, its answer lost, gives the same leases and no others',
    async (world) => {
      const node = await world.node('a')
      await world.schedule('many')
      await world.commit('many', { runs: 5 })
      const request = node.dispatch({ slots: 2 })
      const first = await world.store.claim(request)
      assert.equal(first.length, 2)
      assert.deepEqual(byId(await world.store.claim(request)), byId(first))
      assert.deepEqual(byId(await (await world.second()).claim(request)), byId(first))
      assert.equal((await world.runsOf('many')).filter((run) => run.status === 'running').length, 2)

      await world.finish(first[0]!, succeeded)
      assert.deepEqual(await world.store.claim(request), [first[1]], 'what has ended is not given again')
      await world.finish(first[1]!, succeeded)
      assert.deepEqual(
        await world.store.claim(request),
        [],
        'nothing new is leased to a request that was answered',
      )
    },
  )

  promise('a run leased to someone else meanwhile is not given to a repeated request', async (world) => {
    const node = await world.node('a')
    const other = await world.node('b')
    await world.waitingRun('moved-on')
    const request = node.dispatch()
    const [lease] = await world.store.claim(request)
    await world.finish(lease!, retryIn(0))
    await other.claimOne()
    assert.deepEqual(await world.store.claim(request), [])
  })

  promise('the same request id of two nodes is two requests', async (world) => {
    const [a, b] = [await world.node('a'), await world.node('b')]
    await world.schedule('many')
    await world.commit('many', { runs: 2 })
    const first = await a.claimedIds({ requestId: 'same', slots: 1 })
    const second = await b.claimedIds({ requestId: 'same', slots: 1 })
    assert.equal(new Set([...first, ...second]).size, 2)
  })

  promise('a session that is unknown, has left or has expired is leased nothing', async (world) => {
    const run = await world.waitingRun('kept')
    const node = await world.node('a')
    await assert.rejects(world.store.claim({ ...node.dispatch(), session: 'never-began' }), expired)
    await node.leave()
    await assert.rejects(node.claim(), expired)
    const short = await world.node('b', { leaseMs: 300 })
    await world.advance(320)
    await assert.rejects(short.claim(), expired)
    const untouched = await world.run(run.id)
    assert.deepEqual([untouched.status, untouched.fence, untouched.attempt], ['pending', 0, 0])
  })
}

const expired = { name: 'SessionExpiredError', code: 'SESSION_EXPIRED' }

async function waiting(world: World, id: string, priority: number, offsetMs: number): Promise<void> {
  const fireTime = world.firstFire + offsetMs
  await world.schedule(id, { fireTime })
  await world.commit(id, { priority, next: fireAt(fireTime + 1000) })
}

function byId<Item extends { runId: string }>(leases: readonly Item[]): Item[] {
  return leases.toSorted((a, b) => (a.runId < b.runId ? -1 : 1))
}
