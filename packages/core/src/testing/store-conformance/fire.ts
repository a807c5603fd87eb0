import assert from 'node:assert/strict'
import type { DeclarePromise } from './promise.js'
import { fireAt, STEP_MS } from './world.js'

export function firePromises(promise: DeclarePromise): void {
  promise('a fire time becomes one waiting run, and the schedule moves on', async (world) => {
    const before = await world.schedule('daily', { fireTime: world.firstFire, dueAt: world.firstFire + 40 })
    const fireTime = world.firstFire
    const next = { fireTime: fireTime + 5000, dueAt: fireTime + 5033 }
    const result = await world.store.commit(
      [
        {
          ...world.decide(before, {
            next,
            tzdata: '2026b',
            task: 'report',
            spec: '{"input":1}',
            delivery: 'atMostOnce',
            priority: 7,
            group: 'eu',
          }),
          runs: [{ fireTime, dueAt: fireTime + 40 }],
        },
      ],
      null,
    )
    assert.deepEqual(result, { committed: [true], claimed: [], waiting: 1, skipped: [], missed: [] })

    const run = await world.run(`daily@${fireTime}`)
    const now = await world.store.now()
    assert.ok(run.createdAt <= now && run.createdAt >= now - 60_000)
    assert.deepEqual(run, {
      id: `daily@${fireTime}`,
      scheduleId: 'daily',
      kind: 'scheduled',
      fireTime,
      stretchedMs: null,
      requestId: '',
      task: 'report',
      status: 'pending',
      attempt: 0,
      node: null,
      fence: 0,
      priority: 7,
      group: 'eu',
      delivery: 'atMostOnce',
      dueAt: fireTime + 40,
      createdAt: run.createdAt,
      startedAt: null,
      endedAt: null,
      cancelRequested: false,
      error: null,
      result: null,
      progress: null,
      missed: null,
      attempts: [],
      spec: '{"input":1}',
    })
    const after = await world.stored('daily')
    assert.deepEqual(after, {
      ...before,
      nextFireTime: next.fireTime,
      dueAt: next.dueAt,
      tzdata: '2026b',
      highWaterMark: fireTime,
      fires: 1,
      lastRun: after.lastRun,
      updatedAt: after.updatedAt,
    })
    assert.equal(after.lastRun?.id, run.id)
  })

  promise('one decision may create several runs', async (world) => {
    await world.schedule('backlog')
    const result = await world.commit('backlog', { runs: 3 })
    assert.deepEqual([result.committed, result.waiting], [[true], 3])
    assert.deepEqual(
      (await world.runsOf('backlog')).map((run) => [run.fireTime - world.firstFire, run.status]),
      [
        [2 * STEP_MS, 'pending'],
        [STEP_MS, 'pending'],
        [0, 'pending'],
      ],
    )
    const { fires, highWaterMark } = await world.stored('backlog')
    assert.deepEqual([fires, highWaterMark], [3, world.firstFire + 2 * STEP_MS])
  })

  promise('the same decision again creates nothing and does not move the schedule', async (world) => {
    const decision = world.decide(await world.schedule('replayed'))
    await world.store.commit([decision], null)
    const after = await world.stored('replayed')
    const replay = await world.store.commit([decision, decision], null)
    assert.deepEqual([replay.committed, replay.waiting], [[false, false], 0])
    assert.deepEqual(await world.stored('replayed'), after)
    assert.equal((await world.runsOf('replayed')).length, 1)
  })

  promise('of a batch, each decision is carried out by itself', async (world) => {
    const first = await world.schedule('first')
    const stale = await world.schedule('stale')
    const last = await world.schedule('last')
    await world.edit('stale', { definition: { description: 'new' } })
    const result = await world.store.commit(
      [first, stale, last].map((read) => world.decide(read)),
      null,
    )
    assert.deepEqual([result.committed, result.waiting], [[true, false, true], 2])
    assert.deepEqual(await world.runsOf('stale'), [])
  })

  promise('once an edit has returned, no decision from before it creates a run', async (world) => {
    const read = await world.schedule('edited')
    await world.edit('edited', { definition: { input: 'new' } })
    assert.deepEqual((await world.store.commit([world.decide(read)], null)).committed, [false])
    assert.deepEqual(await world.runsOf('edited'), [])
    assert.equal((await world.stored('edited')).nextFireTime, world.firstFire)
  })

  promise('a fire time that has moved since it was read is not fired', async (world) => {
    const read = await world.schedule('moved')
    await world.fire('moved')
    const result = await world.store.commit(
      [world.decide({ ...read, nextFireTime: world.firstFire + 1 })],
      null,
    )
    assert.deepEqual(result.committed, [false])
    assert.equal((await world.runsOf('moved')).length, 1)
  })

  for (const state of ['paused', 'finished', 'broken'] as const) {
    promise(`a schedule that is ${state} does not fire, even when the revision is right`, async (world) => {
      const read = await world.schedule('still', { state })
      assert.deepEqual((await world.store.commit([world.decide(read)], null)).committed, [false])
      assert.deepEqual(await world.runsOf('still'), [])
    })
  }

  promise("nothing fires before it is due by the store's own clock", async (world) => {
    const fireTime = (await world.store.now()) + 400
    const read = await world.schedule('early', { fireTime: fireTime - 390, dueAt: fireTime })
    assert.deepEqual((await world.store.commit([world.decide(read)], null)).committed, [false])
    assert.deepEqual(await world.runsOf('early'), [])
    await world.advance(450)
    assert.deepEqual((await world.store.commit([world.decide(read)], null)).committed, [true])
  })

  promise('a decision that would not move the schedule forward is not carried out', async (world) => {
    const read = await world.schedule('stuck')
    for (const next of [fireAt(world.firstFire), fireAt(world.firstFire - 1)]) {
      assert.deepEqual((await world.store.commit([world.decide(read, { next })], null)).committed, [false])
    }
    assert.deepEqual(await world.runsOf('stuck'), [])
  })

  promise(
    'a fire time at or below the high-water mark creates no run, and the schedule moves on',
    async (world) => {
      await world.schedule('turned-back')
      await world.commit('turned-back', { runs: 3 })
      await world.edit('turned-back', { state: 'paused' })
      await world.edit('turned-back', { state: 'active', timing: fireAt(world.firstFire) })
      const result = await world.commit('turned-back', { runs: 4 })
      assert.deepEqual([result.committed, result.waiting], [[true], 1])
      assert.equal((await world.runsOf('turned-back')).length, 4)
      const { fires, nextFireTime } = await world.stored('turned-back')
      assert.deepEqual([fires, nextFireTime], [4, world.firstFire + 4 * STEP_MS])
    },
  )

  promise('the high-water mark also covers fire times between those that ran', async (world) => {
    await world.schedule('denser')
    await world.commit('denser', { runs: 2 })
    await world.edit('denser', { state: 'paused' })
    await world.edit('denser', { state: 'active', timing: fireAt(world.firstFire + 500) })
    const result = await world.commit('denser')
    assert.deepEqual([result.committed, result.waiting], [[true], 0])
    assert.equal((await world.runsOf('denser')).length, 2)
    assert.equal((await world.stored('denser')).highWaterMark, world.firstFire + STEP_MS)
  })

  promise('a schedule with no fire time left is finished', async (world) => {
    await world.schedule('once')
    await world.commit('once', { next: null })
    const stored = await world.stored('once')
    assert.deepEqual(
      [stored.state, stored.nextFireTime, stored.dueAt, stored.tzdata],
      ['finished', null, null, null],
    )
    assert.equal(stored.fires, 1)
    assert.deepEqual((await world.store.peek(10)).due, [])
  })

  promise(
    'a range that was missed is recorded once, with its reason, and does not count as a fire',
    async (world) => {
      await world.schedule('late')
      const missed = { count: 120, exact: false, from: world.firstFire, to: world.firstFire + 119_000 }
      const decision = {
        ...world.decide(await world.stored('late'), { missed, next: fireAt(world.firstFire + 121_000) }),
        runs: [fireAt(world.firstFire + 120_000)],
      }
      const result = await world.store.commit([decision], null)
      assert.deepEqual(result.missed, [`late@${missed.to}`])
      assert.equal(result.waiting, 1)
      const record = await world.run(`late@${missed.to}`)
      assert.deepEqual(record.missed, missed)
      assert.deepEqual(
        [record.status, record.kind, record.fireTime, record.attempt, record.fence, record.error?.code],
        ['missed', 'scheduled', missed.to, 0, 0, 'MISFIRE'],
      )
      assert.ok(record.endedAt !== null && record.startedAt === null)
      const stored = await world.stored('late')
      assert.deepEqual([stored.fires, stored.highWaterMark], [1, world.firstFire + 120_000])

      assert.deepEqual((await world.store.commit([decision], null)).missed, [])
      assert.equal((await world.runsOf('late')).length, 2)
    },
  )

  promise('a missed range later than the run beside it raises the mark to its own end', async (world) => {
    await world.schedule('earliest')
    const to = world.firstFire + 9 * STEP_MS
    await world.commit('earliest', {
      missed: { count: 9, exact: true, from: world.firstFire + STEP_MS, to },
      next: fireAt(to + STEP_MS),
    })
    const stored = await world.stored('earliest')
    assert.deepEqual([stored.highWaterMark, stored.fires], [to, 1])
    assert.equal((await world.runsOf('earliest')).length, 2)
  })

  promise('an empty batch is nothing', async ({ store }) => {
    const nothing = { committed: [], claimed: [], waiting: 0, skipped: [], missed: [] }
    assert.deepEqual(await store.commit([], null), nothing)
  })
}
