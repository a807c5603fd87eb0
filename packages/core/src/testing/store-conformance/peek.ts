import assert from 'node:assert/strict'
import { needsShards, type DeclarePromise } from './promise.js'
import { definitionOf, fireAt, STEP_MS, type World } from './world.js'

export function peekPromises(promise: DeclarePromise): void {
  promise('only active schedules that are due are shown, the most overdue first', async (world) => {
    await world.schedule('second', { fireTime: world.firstFire + 2000 })
    await world.schedule('first', { fireTime: world.firstFire + 1000 })
    await world.schedule('by-due-time', { fireTime: world.firstFire, dueAt: world.firstFire + 3000 })
    await world.schedule('paused', { state: 'paused' })
    await world.schedule('finished', { state: 'finished', fireTime: null })
    await world.schedule('broken', { state: 'broken' })
    await world.schedule('unset', { fireTime: null })
    const now = await world.store.now()
    await world.schedule('later', { fireTime: now + 60_000 })
    await world.schedule('jittered', { fireTime: world.firstFire, dueAt: now + 90_000 })

    const peek = await world.store.peek(100)
    assert.deepEqual(
      peek.due.map((due) => due.id),
      ['first', 'second', 'by-due-time'],
    )
    assert.ok(peek.now >= now)
    assert.equal(peek.nextDueAt, now + 60_000)
  })

  promise('what is shown is enough to plan from', async (world) => {
    await world.schedule('planned')
    await world.fire('planned')
    const { revision } = await world.edit('planned', { definition: { description: 'new' } })
    const fireTime = world.firstFire + STEP_MS
    const { due } = await world.store.peek(1)
    assert.equal(due.length, 1)
    assert.deepEqual(
      { ...due[0] },
      {
        id: 'planned',
        revision,
        fireTime,
        dueAt: fireTime,
        fires: 1,
        stretchedMs: null,
        calendarsRevision: null,
      },
    )
  })

  promise('a peek sent right after a commit sees what that did, where the store says so', async (world) => {
    if (!world.store.info.ordered) return
    const decision = world.decide(await world.schedule('first'))
    await world.schedule('second')
    const committed = world.store.commit([decision], null)
    const peek = await world.store.peek(10)
    const due = peek.due.map(({ id, fireTime }) => [id, fireTime])
    assert.deepEqual(due, [
      ['second', world.firstFire],
      ['first', world.firstFire + STEP_MS],
    ])
    assert.deepEqual((await committed).committed, [true])
  })

  promise('with nothing to come there is no next due time', async (world) => {
    assert.deepEqual((await world.store.peek(10)).nextDueAt, null)
    await world.schedule('only')
    assert.deepEqual((await world.store.peek(10)).nextDueAt, null)
    await world.schedule('asleep', { state: 'paused' })
    assert.deepEqual((await world.store.peek(10)).nextDueAt, null)
  })

  promise('when more is due than was asked for, the next due time says so', async (world) => {
    for (const id of ['a', 'b', 'c']) await world.schedule(id)
    const peek = await world.store.peek(2)
    assert.equal(peek.due.length, 2)
    assert.ok(peek.nextDueAt !== null && peek.nextDueAt <= peek.now)
  })

  promise('a schedule becomes due as time passes', async (world) => {
    const dueAt = (await world.store.now()) + 150
    await world.schedule('soon', { fireTime: dueAt })
    await world.advance(200)
    assert.deepEqual(
      (await world.store.peek(10)).due.map((due) => due.id),
      ['soon'],
    )
  })

  promise('a backlog leaves 70 % of the limit to what is due on time', async (world) => {
    await backlog(world, 30)
    await onTime(world, 20)
    const peek = await world.store.peek(10)
    assert.equal(peek.due.length, 10)
    const punctual = peek.due.filter((due) => due.id.startsWith('on-time')).length
    assert.ok(punctual >= 7, `${punctual} of 10 are on time`)
    assert.ok(punctual < 10, 'the backlog is worked off as well')
    assert.ok(peek.nextDueAt !== null && peek.nextDueAt <= peek.now)
  })

  promise('what is due on time does not need all of its share: the backlog takes the rest', async (world) => {
    await backlog(world, 30)
    await onTime(world, 2)
    const shown = (await world.store.peek(10)).due.map((due) => due.id)
    assert.equal(shown.length, 10)
    assert.equal(new Set(shown).size, 10)
    assert.ok(shown.includes('on-time-0') && shown.includes('on-time-1'))
  })

  promise('a small backlog leaves the rest of the limit to what is on time', async (world) => {
    await backlog(world, 2)
    await onTime(world, 20)
    const shown = (await world.store.peek(10)).due.map((due) => due.id)
    assert.equal(shown.length, 10)
    assert.ok(shown.includes('backlog-0') && shown.includes('backlog-1'))
  })

  promise(
    'what is on time is shown to those who look after its shard, and every schedule has one shard',
    async (world) => {
      await onTime(world, 30)
      const seen: string[] = []
      for (let shard = 0; shard < world.store.info.shards; shard++) {
        const peek = await world.store.peek(100, [shard])
        seen.push(...peek.due.map((due) => due.id))
      }
      assert.equal(seen.length, 30)
      assert.equal(new Set(seen).size, 30)
      assert.equal((await world.store.peek(100)).due.length, 30)
    },
    needsShards,
  )

  promise(
    'what another shard left lying for half a second is shown to everyone, and when that will be is told',
    async (world) => {
      const dueAt = (await world.store.now()) + 100
      await world.schedule('lying', { fireTime: dueAt })
      const shards = Array.from({ length: world.store.info.shards }, (_, i) => i)
      await world.advance(110)
      const shown: number[] = []
      for (const shard of shards) if ((await world.store.peek(1, [shard])).due.length > 0) shown.push(shard)
      assert.equal(shown.length, 1)
      const others = shards.filter((shard) => shard !== shown[0])
      const early = await world.store.peek(10, others)
      assert.deepEqual([early.due, early.nextDueAt], [[], dueAt + 500])
      await world.advance(500)
      assert.deepEqual(
        (await world.store.peek(10, others)).due.map((due) => due.id),
        ['lying'],
      )
    },
    needsShards,
  )

  promise('even a limit of one does not let a backlog delay what is on time for ever', async (world) => {
    await backlog(world, 3)
    await onTime(world, 1)
    assert.deepEqual(
      (await world.store.peek(1)).due.map((due) => due.id),
      ['on-time-0'],
    )
  })
}

function backlog(world: World, count: number): Promise<void> {
  return put(world, 'backlog', count, world.firstFire)
}

/** Schedules that have just become due. */
async function onTime(world: World, count: number): Promise<void> {
  await put(world, 'on-time', count, (await world.store.now()) + 100)
  await world.advance(110)
}

async function put(world: World, name: string, count: number, fireTime: number): Promise<void> {
  await world.store.putSchedules(
    Array.from({ length: count }, (_, i) => ({
      definition: definitionOf(`${name}-${i}`),
      state: 'active' as const,
      stateReason: null,
      expect: 'absent' as const,
      timing: fireAt(fireTime),
    })),
  )
}
