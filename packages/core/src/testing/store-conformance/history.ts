import assert from 'node:assert/strict'
import type { Run } from '../../domain/run.js'
import type { RunQuery } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import { failed, STEP_MS, succeeded, type World } from './world.js'

export function historyPromises(promise: DeclarePromise): void {
  promise('the runs of one schedule are listed by fire time, the newest first', async (world) => {
    await world.schedule('daily')
    await world.commit('daily', { runs: 2 })
    await world.schedule('other')
    await world.fire('other')
    await world.fire('daily')
    // Created last, and yet the oldest by fire time.
    const fireTime = world.firstFire - STEP_MS
    await world.store.addRuns([world.request('daily', { kind: 'backfill', fireTime })])
    assert.deepEqual(
      (await world.runsOf('daily')).map((run) => (run.fireTime - world.firstFire) / STEP_MS),
      [2, 1, 0, -1],
    )
  })

  promise('runs of many schedules are listed by creation, the newest first', async (world) => {
    for (const id of ['b', 'c', 'a']) {
      await world.waitingRun(id)
      await world.advance(3)
    }
    // The fire time of a backfill is old; its creation is not.
    await world.store.addRuns([world.request('b', { kind: 'backfill', fireTime: 0, requestId: 'old' })])
    const { items } = await world.store.listRuns({ limit: 10 })
    assert.deepEqual(
      items.map((run) => run.scheduleId),
      ['b', 'a', 'c', 'b'],
    )
    assert.equal(items[0]?.kind, 'backfill')
  })

  promise('paging is complete, without repeats, and the last page has no cursor', async (world) => {
    await world.schedule('daily')
    await world.commit('daily', { runs: 7 })
    for (const query of [{ scheduleId: 'daily' }, {}]) {
      const pages = await allPages(world, { ...query, limit: 3 })
      assert.deepEqual(
        pages.map((page) => page.length),
        [3, 3, 1],
      )
      assert.equal(new Set(pages.flat().map((run) => run.id)).size, 7)
      const { items, nextCursor } = await world.store.listRuns({ ...query, limit: 7 })
      assert.deepEqual(items, pages.flat())
      assert.equal(nextCursor, null)
    }
  })

  promise('runs that share a fire time are all seen, even where a page ends between them', async (world) => {
    await world.schedule('daily')
    await world.fire('daily')
    const requests = Array.from({ length: 4 }, (_, i) =>
      world.request('daily', { kind: 'backfill', fireTime: world.firstFire, requestId: `fill-${i}` }),
    )
    await world.store.addRuns(requests)
    for (const query of [{ scheduleId: 'daily' }, {}]) {
      const seen = (await allPages(world, { ...query, limit: 2 })).flat().map((run) => run.id)
      assert.equal(seen.length, 5)
      assert.equal(new Set(seen).size, 5)
    }
  })

  promise('paging shows what was there exactly once while new runs are created', async (world) => {
    await world.schedule('daily')
    await world.commit('daily', { runs: 6 })
    const before = (await world.runsOf('daily')).map((run) => run.id)
    for (const query of [{ scheduleId: 'daily' }, {}]) {
      const pages = await allPages(world, { ...query, limit: 2 }, () => world.fire('daily'))
      const seen = pages.flat().map((run) => run.id)
      assert.equal(new Set(seen).size, seen.length)
      assert.deepEqual(seen.filter((id) => before.includes(id)).toSorted(), before.toSorted())
    }
  })

  promise('filters by schedule, task and status hold together, and across pages', async (world) => {
    const node = await world.node('a', { tasks: ['mail', 'report'] })
    for (const [id, task] of [
      ['m', 'mail'],
      ['r', 'report'],
    ] as const) {
      await world.schedule(id, { task })
      for (const outcome of [succeeded, failed, failed, succeeded]) {
        await world.fire(id)
        await world.finish(await node.claimOne(), outcome)
      }
    }
    for (const id of ['m', 'r']) await world.fire(id)
    const count = async (query: Omit<RunQuery, 'limit'>): Promise<number> =>
      (await allPages(world, { ...query, limit: 1 })).flat().length
    assert.equal(await count({}), 10)
    assert.equal(await count({ task: 'mail' }), 5)
    assert.equal(await count({ status: ['failed'] }), 4)
    assert.equal(await count({ status: ['failed', 'pending'] }), 6)
    assert.equal(await count({ status: ['lost'] }), 0)
    assert.equal(await count({ scheduleId: 'r', status: ['succeeded'] }), 2)
    assert.equal(await count({ scheduleId: 'r', task: 'mail' }), 0)
    assert.equal(await count({ task: 'report', status: ['pending'] }), 1)
    assert.equal(await count({ scheduleId: 'nowhere' }), 0)
  })

  promise('a cursor that no list gave is refused, and named', async (world) => {
    await world.waitingRun('daily')
    for (const cursor of ['nonsense', '', '{}', '"a"', '%', 'x'.repeat(5000)]) {
      for (const query of [{ scheduleId: 'daily' }, {}]) {
        await assert.rejects(world.store.listRuns({ ...query, limit: 1, cursor }), (error: unknown) => {
          const { name, code, problems } = error as {
            name: string
            code: string
            problems: { path: string }[]
          }
          assert.deepEqual([name, code, problems[0]?.path], ['InvalidError', 'INVALID_QUERY', 'cursor'])
          return true
        })
      }
    }
  })

  promise('a schedule shows its last run as it now stands', async (world) => {
    const node = await world.node('a')
    await world.schedule('daily')
    await world.fire('daily')
    const lease = await node.claimOne()
    const done = await world.finish(lease, succeeded)
    const { lastRun } = await world.stored('daily')
    assert.deepEqual(lastRun, {
      id: done.id,
      status: 'succeeded',
      fireTime: world.firstFire,
      startedAt: lease.startedAt,
      endedAt: done.endedAt,
    })
  })

  promise('what the caller does to a run that it got changes nothing', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('safe')
    const lease = await node.claimOne()
    await world.finish(lease, { kind: 'succeeded', result: '{"list":[1]}' })
    const got = await world.run(lease.runId)
    const before = structuredClone(got)
    try {
      ;(got.result as { list: number[] }).list.push(2)
      Object.assign(got, { status: 'failed' })
    } catch (error) {
      // A frozen object does as well as a copy.
      if (!(error instanceof TypeError)) throw error
    }
    assert.deepEqual(await world.run(lease.runId), before)
  })
}

async function allPages(world: World, query: RunQuery, between?: () => Promise<unknown>): Promise<Run[][]> {
  const pages: Run[][] = []
  let cursor: string | null = null
  do {
    const page = await world.store.listRuns(cursor === null ? query : { ...query, cursor })
    assert.ok(page.items.length <= query.limit)
    pages.push(page.items)
    assert.ok(pages.length <= 100, 'the pages come to an end')
    cursor = page.nextCursor
    await between?.()
  } while (cursor !== null)
  return pages
}
