import assert from 'node:assert/strict'
import type { PutSchedule } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import { definitionOf, fireAt, STEP_MS, written } from './world.js'

export function schedulePromises(promise: DeclarePromise): void {
  promise('a new schedule is kept as it was given, and has not fired', async ({ store, firstFire }) => {
    const definition = definitionOf('daily', { input: { deep: [1, { a: null }] }, description: 'ünïcode ✓' })
    const before = await store.now()
    const [answer] = await store.putSchedules([
      {
        definition,
        state: 'paused',
        stateReason: 'not yet',
        expect: 'absent',
        timing: { ...fireAt(firstFire), dueAt: firstFire + 7, tzdata: '2025b' },
      },
    ])
    assert.equal(answer?.outcome, 'created')
    const [stored] = await store.getSchedules(['daily'])
    assert.deepEqual(stored, written(answer))
    assert.ok(stored)
    assert.deepEqual(stored.definition, definition)
    assert.equal(stored.id, 'daily')
    assert.equal(stored.state, 'paused')
    assert.equal(stored.stateReason, 'not yet')
    assert.equal(stored.nextFireTime, firstFire)
    assert.equal(stored.dueAt, firstFire + 7)
    assert.equal(stored.tzdata, '2025b')
    assert.equal(stored.highWaterMark, null)
    assert.equal(stored.fires, 0)
    assert.equal(stored.consecutiveFailures, 0)
    assert.equal(stored.lastRun, null)
    assert.ok(stored.createdAt >= before && stored.updatedAt === stored.createdAt)
  })

  promise(
    'what is asked for by id comes in the order asked, with null where there is none',
    async (world) => {
      await world.schedule('a')
      await world.schedule('b')
      const found = await world.store.getSchedules(['b', 'nowhere', 'a', 'b'])
      assert.deepEqual(
        found.map((schedule) => schedule?.id ?? null),
        ['b', null, 'a', 'b'],
      )
    },
  )

  promise(
    'a schedule that exists is not created again, and the answer shows what is there',
    async (world) => {
      const first = await world.schedule('taken', { definition: { description: 'first' } })
      const [answer] = await world.store.putSchedules([put('taken', 'absent')])
      assert.deepEqual(answer, { outcome: 'conflict', schedule: first })
      assert.deepEqual(await world.stored('taken'), first)
    },
  )

  promise(
    'an edit of a revision that has passed writes nothing, and the answer shows what is there',
    async (world) => {
      const { revision } = await world.schedule('edited')
      const current = await world.edit('edited', { definition: { description: 'second' } })
      const [answer] = await world.store.putSchedules([put('edited', revision)])
      assert.deepEqual(answer, { outcome: 'conflict', schedule: current })
      assert.deepEqual(await world.stored('edited'), current)
    },
  )

  promise('an edit of a schedule that is gone writes nothing', async (world) => {
    const answers = await world.store.putSchedules([put('gone', 1)])
    assert.deepEqual(answers, [{ outcome: 'conflict', schedule: null }])
    assert.deepEqual(await world.store.getSchedules(['gone']), [null])
  })

  promise('every edit raises the revision, and firing does not', async (world) => {
    const created = await world.schedule('counted')
    const edited = await world.edit('counted', { definition: { description: 'new' } })
    assert.ok(edited.revision > created.revision)
    await world.fire('counted')
    assert.equal((await world.stored('counted')).revision, edited.revision)
    const paused = await world.edit('counted', { state: 'paused' })
    assert.ok(paused.revision > edited.revision)
  })

  promise('of a batch, each item is decided by itself and in order', async (world) => {
    const first = await world.schedule('there')
    const answers = await world.store.putSchedules([
      put('new', 'absent'),
      put('there', 'absent'),
      put('new', 'absent'),
      put('there', first.revision, 'changed in the batch'),
      put('there', first.revision, 'too late'),
      put('missing', 3),
    ])
    assert.deepEqual(
      answers.map((answer) => answer.outcome),
      ['created', 'conflict', 'conflict', 'updated', 'conflict', 'conflict'],
    )
    assert.ok(answers[2]?.outcome === 'conflict' && answers[2].schedule?.id === 'new')
    assert.equal((await world.stored('there')).definition.description, 'changed in the batch')
    assert.deepEqual(answers[5], { outcome: 'conflict', schedule: null })
  })

  promise('an empty batch is nothing', async ({ store }) => {
    assert.deepEqual(await store.putSchedules([]), [])
    assert.deepEqual(await store.getSchedules([]), [])
  })

  promise('an edit that keeps the timing keeps a fire time that moved since it was read', async (world) => {
    const read = await world.schedule('moving')
    await world.fire('moving')
    const [answer] = await world.store.putSchedules([put('moving', read.revision)])
    const stored = written(answer)
    assert.equal(stored.nextFireTime, world.firstFire + STEP_MS)
    assert.equal(stored.dueAt, world.firstFire + STEP_MS)
    assert.equal(stored.highWaterMark, world.firstFire)
    assert.equal(stored.fires, 1)
  })

  promise('an edit with a new timing moves the fire time, and null takes it away', async (world) => {
    await world.schedule('moved')
    const later = { ...fireAt(world.firstFire + 5000), dueAt: world.firstFire + 5001, tzdata: '2026b' }
    const moved = await world.edit('moved', { timing: later })
    assert.deepEqual([moved.nextFireTime, moved.dueAt, moved.tzdata], [later.fireTime, later.dueAt, '2026b'])
    const stopped = await world.edit('moved', { timing: null, state: 'finished' })
    assert.deepEqual(
      [stopped.nextFireTime, stopped.dueAt, stopped.tzdata, stopped.state],
      [null, null, null, 'finished'],
    )
    assert.deepEqual((await world.store.peek(10)).due, [])
  })

  promise('an edit keeps what the schedule did before: creation, count, mark and last run', async (world) => {
    const created = await world.schedule('old-hand')
    const run = await world.fire('old-hand')
    await world.edit('old-hand', { state: 'paused' })
    const edited = await world.edit('old-hand', {
      state: 'active',
      definition: { description: 'new' },
      timing: fireAt(world.firstFire + 60_000),
    })
    assert.equal(edited.createdAt, created.createdAt)
    assert.equal(edited.fires, 1)
    assert.equal(edited.highWaterMark, world.firstFire)
    assert.equal(edited.lastRun?.id, run.id)
  })

  promise('a fire time that is due and that an edit drops leaves a record', async (world) => {
    const created = await world.schedule('moved')
    const edited = await world.edit('moved', { timing: fireAt(world.firstFire + 3_600_000) })
    assert.deepEqual([edited.fires, edited.highWaterMark], [0, created.nextFireTime])
    const [dropped, ...others] = await world.runsOf('moved')
    assert.deepEqual(others, [])
    assert.deepEqual(
      [dropped?.status, dropped?.fireTime, dropped?.error?.code, dropped?.missed?.exact],
      ['missed', created.nextFireTime, 'MISFIRE', false],
    )
  })

  promise('an edit that keeps the fire time, or finds none due, drops nothing', async (world) => {
    await world.schedule('same')
    await world.edit('same', { definition: { description: 'new' } })
    await world.edit('same', { timing: fireAt(world.firstFire) })
    await world.edit('same', { state: 'paused' })
    await world.edit('same', { state: 'active', timing: fireAt(world.firstFire + 3_600_000) })
    await world.edit('same', { timing: fireAt(world.firstFire + 7_200_000) })
    assert.deepEqual(await world.runsOf('same'), [])
  })

  promise('a schedule that is resumed begins to count its failures anew', async (world) => {
    const node = await world.node('a')
    await world.schedule('frail', { definition: { pauseAfterFailures: 2 } })
    for (let i = 0; i < 2; i++) {
      await world.fire('frail')
      await world.finish(await node.claimOne(), {
        kind: 'failed',
        error: { code: 'HANDLER_FAILED', message: 'x' },
      })
    }
    assert.equal((await world.stored('frail')).state, 'paused')
    assert.equal((await world.edit('frail', { state: 'active' })).consecutiveFailures, 0)
  })

  promise('what the caller does afterwards to what it gave or got changes nothing', async (world) => {
    const input = { list: [1, 2] }
    await world.schedule('safe', { definition: { input } })
    input.list.push(3)
    const got = await world.stored('safe')
    assert.deepEqual(got.definition.input, { list: [1, 2] })
    attempt(() => (got.definition.input as typeof input).list.push(4))
    attempt(() => Object.assign(got, { state: 'broken' }))
    const again = await world.stored('safe')
    assert.deepEqual(again.definition.input, { list: [1, 2] })
    assert.equal(again.state, 'active')
  })
}

/** What is handed out may be a copy or frozen: either way the store stays as it is. */
function attempt(change: () => unknown): void {
  try {
    change()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
}

function put(id: string, expect: 'absent' | number, description = 'put'): PutSchedule {
  const timing = expect === 'absent' ? null : 'keep'
  return { definition: definitionOf(id, { description }), state: 'active', stateReason: null, expect, timing }
}
