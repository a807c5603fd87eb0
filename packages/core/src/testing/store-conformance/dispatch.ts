import assert from 'node:assert/strict'
import type { DeclarePromise } from './promise.js'
import { TASK } from './test-node.js'
import { fireAt, STEP_MS, succeeded } from './world.js'

export function dispatchPromises(promise: DeclarePromise): void {
  promise('firing with free slots leases the run in the same step', async (world) => {
    const node = await world.node('a')
    await world.schedule('fast')
    const result = await world.commit('fast', { spec: '{"input":1}' }, node.dispatch())
    assert.deepEqual([result.committed, result.claimed.length, result.waiting], [[true], 1, 0])
    const lease = result.claimed[0]!
    const run = await world.run(lease.runId)
    assert.deepEqual(
      [run.status, run.node, run.attempt, run.fence, run.startedAt],
      ['running', 'a', 1, lease.fence, lease.startedAt],
    )
    assert.deepEqual([lease.scheduleId, lease.spec, lease.attempt], ['fast', '{"input":1}', 1])
    assert.equal((await world.finish(lease, succeeded)).status, 'succeeded')
  })

  promise('what does not fit into the slots waits', async (world) => {
    const node = await world.node('a')
    await world.schedule('burst')
    const inAll = node.dispatch({ slots: 2, tasks: { [TASK]: { slots: 10 } } })
    const first = await world.commit('burst', { runs: 5 }, inAll)
    assert.deepEqual([first.claimed.length, first.waiting], [2, 3])
    assert.equal((await world.runsOf('burst')).filter((run) => run.status === 'pending').length, 3)

    await world.schedule('other', { task: 'other' })
    const ofTheTask = node.dispatch({ slots: 10, tasks: { other: { slots: 1 } } })
    const second = await world.commit('other', { runs: 3 }, ofTheTask)
    assert.deepEqual([second.claimed.length, second.waiting], [1, 2])
  })

  promise('a run of a task or group that the node does not offer waits for another node', async (world) => {
    const node = await world.node('a')
    await world.schedule('foreign', { task: 'foreign' })
    await world.schedule('elsewhere')
    const decisions = [
      world.decide(await world.stored('foreign')),
      world.decide(await world.stored('elsewhere'), { group: 'eu' }),
    ]
    const result = await world.store.commit(decisions, node.dispatch())
    assert.deepEqual([result.committed, result.claimed, result.waiting], [[true, true], [], 2])
  })

  promise('a run that must wait for another of its schedule is not started', async (world) => {
    const node = await world.node('a')
    await world.schedule('queue')
    const first = await world.commit('queue', { overlap: 'bufferAll', runs: 3 }, node.dispatch())
    assert.equal(first.claimed.length, 1)
    assert.equal(first.claimed[0]?.fireTime, world.firstFire)
    const second = await world.commit('queue', { overlap: 'bufferAll' }, node.dispatch())
    assert.deepEqual(second.claimed, [])
  })

  for (const priority of [0, 5]) {
    promise(
      `a new run does not overtake one of priority ${priority} that waits for the same node`,
      async (world) => {
        const node = await world.node('a')
        await world.waitingRun('waiting', { priority })
        await world.schedule('new', { fireTime: world.firstFire + 500 })
        const result = await world.commit('new', { priority: 0 }, node.dispatch({ slots: 1 }))
        assert.deepEqual(result.committed, [true])
        assert.equal((await world.runsOf('new'))[0]?.status, 'pending')
        assert.ok(result.claimed.every((lease) => lease.scheduleId === 'waiting'))
      },
    )
  }

  promise('a new run of higher priority goes before those that wait', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('waiting')
    await world.schedule('urgent', { fireTime: world.firstFire + 500 })
    const result = await world.commit('urgent', { priority: 9 }, node.dispatch({ slots: 1 }))
    assert.deepEqual(
      result.claimed.map((lease) => lease.scheduleId),
      ['urgent'],
    )
  })

  promise('what waits for other nodes does not hold up a new run', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('foreign', { task: 'foreign', priority: 9 })
    await world.waitingRun('elsewhere', { group: 'eu', priority: 9 })
    await world.schedule('new', { fireTime: world.firstFire + 500 })
    const result = await world.commit('new', {}, node.dispatch({ slots: 1 }))
    assert.equal(result.claimed[0]?.scheduleId, 'new')
  })

  promise('a commit that is repeated, its answer lost, gives the same leases', async (world) => {
    const node = await world.node('a')
    const decision = world.decide(await world.schedule('lost-answer'), { runs: 3 })
    const dispatch = node.dispatch({ slots: 2 })
    const first = await world.store.commit([decision], dispatch)
    const repeated = await world.store.commit([decision], dispatch)
    assert.deepEqual(repeated.claimed.toSorted(byFireTime), first.claimed.toSorted(byFireTime))
    assert.equal((await world.runsOf('lost-answer')).length, 3)
    const running = (await world.runsOf('lost-answer')).filter((run) => run.status === 'running')
    assert.equal(running.length, 2)
  })

  promise('a session that has expired is leased nothing, and the fire time is not lost', async (world) => {
    const node = await world.node('a')
    await node.leave()
    const decision = world.decide(await world.schedule('survives'))
    await assert.rejects(world.store.commit([decision], node.dispatch()), { code: 'SESSION_EXPIRED' })
    await world.store.commit([decision], null)
    const runs = await world.runsOf('survives')
    assert.deepEqual(
      runs.map((run) => [run.status, run.fence]),
      [['pending', 0]],
    )
  })

  promise(
    'a fire time below the high-water mark is not leased, though nothing is left of its run',
    async (world) => {
      const node = await world.node('a')
      const first = await world.schedule('reborn')
      const [lease] = (await world.commit('reborn', {}, node.dispatch())).claimed
      await world.finish(lease!, succeeded)
      await world.store.deleteSchedule('reborn')
      const history = { maxRuns: 0, maxAgeMs: 0, maxFailureAgeMs: 0, maxFailures: 1000, maxSkipped: 1000 }
      for (let more = true; more;) more = (await world.store.prune(history, 100)).more
      assert.equal(await world.store.getRun(lease!.runId), null)

      const again = await world.schedule('reborn', { fireTime: first.nextFireTime! })
      const result = await world.store.commit([world.decide(again)], node.dispatch())
      assert.deepEqual([result.committed, result.claimed, result.waiting], [[true], [], 0])
      assert.equal(await world.store.getRun(lease!.runId), null)
    },
  )

  promise(
    'nothing is leased before it is due, or when the schedule does not go on after it',
    async (world) => {
      const node = await world.node('a')
      const now = await world.store.now()
      const early = await world.schedule('early', { dueAt: now + 60_000 })
      const stuck = await world.schedule('stuck')
      const decisions = [
        world.decide(early),
        world.decide(stuck, { next: fireAt(stuck.nextFireTime!) }),
        { ...world.decide(stuck), fireTime: stuck.nextFireTime! - 1 },
      ]
      const result = await world.store.commit(decisions, node.dispatch())
      assert.deepEqual([result.committed, result.claimed], [[false, false, false], []])
    },
  )

  promise(
    'a schedule that may not overlap is leased no second run, with free slots or not',
    async (world) => {
      const node = await world.node('a')
      await world.schedule('alone')
      const first = await world.commit('alone', { overlap: 'skip' }, node.dispatch())
      assert.equal(first.claimed.length, 1)
      const second = await world.commit('alone', { overlap: 'skip' }, node.dispatch())
      assert.deepEqual([second.committed, second.claimed, second.skipped.length], [[true], [], 1])
      await world.finish(first.claimed[0]!, succeeded)
      const third = await world.commit('alone', { overlap: 'skip' }, node.dispatch())
      assert.equal(third.claimed.length, 1)
    },
  )

  promise(
    'the history of what was leased at once is whole, beside runs of every other kind',
    async (world) => {
      const node = await world.node('a')
      await world.schedule('busy')
      const stepOf = ({ fireTime }: { fireTime: number }): number => (fireTime - world.firstFire) / STEP_MS
      const times = async (): Promise<number[]> => (await world.runsOf('busy')).map(stepOf)
      const fireAtOnce = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) {
          const { claimed } = await world.commit('busy', {}, node.dispatch())
          await world.finish(claimed[0]!, succeeded)
        }
      }
      await fireAtOnce(3)
      assert.equal(stepOf((await world.stored('busy')).lastRun!), 2)
      // Two that wait, one that is too late, one for the past.
      await world.commit('busy', { runs: 2 })
      for (const lease of await node.claim()) await world.finish(lease, succeeded)
      await fireAtOnce(2)
      const { nextFireTime } = await world.stored('busy')
      const missed = { count: 1, exact: true, from: nextFireTime!, to: nextFireTime! }
      await world.commit('busy', { runs: 0, missed, next: fireAt(nextFireTime! + STEP_MS) })
      await fireAtOnce(2)
      const past = { kind: 'backfill', fireTime: world.firstFire - STEP_MS } as const
      await world.store.addRuns([world.request('busy', past)])
      await world.finish(await node.claimOne(), succeeded)
      await fireAtOnce(1)

      assert.equal(stepOf((await world.stored('busy')).lastRun!), 10)
      const all = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1]
      assert.deepEqual(await times(), all)
      await fireAtOnce(1)
      const first = await world.store.listRuns({ scheduleId: 'busy', limit: 4 })
      const rest = await world.store.listRuns({ scheduleId: 'busy', limit: 20, cursor: first.nextCursor! })
      assert.deepEqual([...first.items, ...rest.items].map(stepOf), [11, ...all])
      await fireAtOnce(1)
      await world.store.deleteSchedule('busy')
      assert.deepEqual(await times(), [12, 11, ...all])
      await world.schedule('busy', { fireTime: world.firstFire + 13 * STEP_MS })
      await fireAtOnce(1)
      assert.deepEqual(await times(), [13, 12, 11, ...all])
      const asked = await world.store.addRuns([world.request('busy')])
      await world.finish(await node.claimOne(), succeeded)
      await fireAtOnce(1)
      assert.equal((await world.stored('busy')).lastRun?.id, asked[0]!.id)
    },
  )

  promise('of what was leased at once the oldest is pruned', async (world) => {
    const node = await world.node('a')
    for (const id of ['a', 'b', 'c']) {
      await world.schedule(id)
      for (let i = 0; i < 4; i++) {
        const { claimed } = await world.commit(id, {}, node.dispatch())
        await world.finish(claimed[0]!, succeeded)
      }
    }
    const hour = 3_600_000
    for (let more = true; more;)
      more = (
        await world.store.prune(
          { maxRuns: 2, maxAgeMs: hour, maxFailureAgeMs: hour, maxFailures: 1000, maxSkipped: 1000 },
          100,
        )
      ).more
    for (const id of ['a', 'b', 'c']) {
      const left = (await world.runsOf(id)).map(({ fireTime }) => (fireTime - world.firstFire) / STEP_MS)
      assert.deepEqual(left, [3, 2])
    }
  })

  promise('a fire time that was leased at once gets no other record', async (world) => {
    const node = await world.node('a')
    await world.schedule('daily')
    const { claimed } = await world.commit('daily', {}, node.dispatch())
    const later = fireAt((await world.store.now()) + 60_000)
    await world.commit('daily', { next: later }, node.dispatch())
    // Its fire time is set back, and what was done by then is now said to have been missed.
    const back = await world.edit('daily', { timing: fireAt(world.firstFire) })
    const missed = { count: 1, exact: true, from: world.firstFire, to: world.firstFire }
    await world.store.commit([world.decide(back, { missed })], node.dispatch())
    const runs = await world.runsOf('daily')
    assert.deepEqual(
      runs.map(({ status }) => status),
      ['running', 'running'],
    )
    assert.equal(runs[1]!.fence, claimed[0]!.fence)
  })

  promise('what was leased at once can be replaced by the next', async (world) => {
    const node = await world.node('a')
    await world.schedule('latest')
    for (let i = 0; i < 2; i++) await world.commit('latest', {}, node.dispatch())
    await world.commit('latest', { overlap: 'cancelOther' }, node.dispatch())
    const runs = await world.runsOf('latest')
    assert.deepEqual(
      runs.map(({ status, cancelRequested }) => [status, cancelRequested]),
      [
        ['pending', false],
        ['running', true],
        ['running', true],
      ],
    )
  })

  promise('nothing that was refused is leased', async (world) => {
    const node = await world.node('a')
    const read = await world.schedule('edited')
    await world.edit('edited', { definition: { description: 'new' } })
    const result = await world.store.commit([world.decide(read)], node.dispatch())
    assert.deepEqual([result.committed, result.claimed], [[false], []])
  })
}

function byFireTime(a: { fireTime: number }, b: { fireTime: number }): number {
  return a.fireTime - b.fireTime
}
