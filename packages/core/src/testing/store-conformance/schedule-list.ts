import assert from 'node:assert/strict'
import type { Schedule } from '../../domain/schedule.js'
import type { ScheduleQuery } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import type { World } from './world.js'

export function scheduleListPromises(promise: DeclarePromise): void {
  promise('schedules are listed by id, whatever the order of creation', async (world) => {
    for (const id of ['c', 'a', 'b10', 'b2', 'B']) await world.schedule(id)
    assert.deepEqual(await listedIds(world, { limit: 10 }), ['B', 'a', 'b10', 'b2', 'c'])
  })

  promise('pages hold at most what was asked for, and the last one has no cursor', async (world) => {
    for (const id of ['a', 'b', 'c', 'd']) await world.schedule(id)
    const first = await world.store.listSchedules({ limit: 2 })
    assert.deepEqual(ids(first.items), ['a', 'b'])
    assert.ok(first.nextCursor !== null)
    const second = await world.store.listSchedules({ limit: 2, cursor: first.nextCursor })
    assert.deepEqual(ids(second.items), ['c', 'd'])
    assert.equal(second.nextCursor, null)
    assert.deepEqual(await world.store.listSchedules({ limit: 4 }), {
      items: [...first.items, ...second.items],
      nextCursor: null,
    })
  })

  promise('paging shows what stays exactly once while others come and go', async (world) => {
    const staying = ['b', 'd', 'f', 'h', 'j', 'l']
    for (const id of [...staying, 'c', 'g']) await world.schedule(id)
    const seen: string[] = []
    const disturb = [
      async () => void (await world.store.deleteSchedule('c')),
      async () => void (await world.schedule('a')),
      async () => void (await world.store.deleteSchedule('g')),
      async () => void (await world.schedule('i')),
    ]
    let cursor: string | null = null
    do {
      const page = await world.store.listSchedules(cursor === null ? { limit: 2 } : { limit: 2, cursor })
      seen.push(...ids(page.items))
      assert.ok(seen.length <= 100, 'the pages come to an end')
      cursor = page.nextCursor
      await disturb.shift()?.()
    } while (cursor !== null)
    assert.deepEqual(
      seen.filter((id) => staying.includes(id)),
      staying,
    )
    assert.deepEqual(seen, [...new Set(seen)].toSorted())
  })

  promise('a list goes on where it was, even if the schedule that it stopped at is gone', async (world) => {
    for (const id of ['a', 'b', 'c']) await world.schedule(id)
    const { nextCursor } = await world.store.listSchedules({ limit: 2 })
    await world.store.deleteSchedule('b')
    assert.ok(nextCursor !== null)
    assert.deepEqual(await listedIds(world, { limit: 2, cursor: nextCursor }), ['c'])
  })

  promise('filters by state, task and prefix hold together, and across pages', async (world) => {
    await world.schedule('mail-1', { task: 'mail' })
    await world.schedule('mail-2', { task: 'mail', state: 'paused' })
    await world.schedule('mail-3', { task: 'other' })
    await world.schedule('other-1', { task: 'mail' })
    await world.schedule('mail-4', { task: 'mail' })
    assert.deepEqual(await listedIds(world, { limit: 10, state: 'paused' }), ['mail-2'])
    assert.deepEqual(await listedIds(world, { limit: 10, task: 'mail' }), [
      'mail-1',
      'mail-2',
      'mail-4',
      'other-1',
    ])
    assert.deepEqual(await listedIds(world, { limit: 10, prefix: 'mail-' }), [
      'mail-1',
      'mail-2',
      'mail-3',
      'mail-4',
    ])
    const query = { limit: 1, state: 'active', task: 'mail', prefix: 'mail-' } as const
    const first = await world.store.listSchedules(query)
    assert.deepEqual(ids(first.items), ['mail-1'])
    assert.ok(first.nextCursor !== null)
    assert.deepEqual(await listedIds(world, { ...query, cursor: first.nextCursor }), ['mail-4'])
  })

  promise('a prefix is text, not a pattern', async (world) => {
    for (const id of ['a_b', 'axb', 'A_b']) await world.schedule(id)
    assert.deepEqual(await listedIds(world, { limit: 10, prefix: 'a_' }), ['a_b'])
    assert.deepEqual(await listedIds(world, { limit: 10, prefix: '%' }), [])
  })
}

async function listedIds(world: World, query: ScheduleQuery): Promise<string[]> {
  return ids((await world.store.listSchedules(query)).items)
}

function ids(schedules: readonly Schedule[]): string[] {
  return schedules.map((schedule) => schedule.id)
}
