import assert from 'node:assert/strict'
import type { HistoryPolicy } from '../../domain/policies.js'
import type { AttemptOutcome } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import { failed, fireAt, retryIn, STEP_MS, succeeded, type World } from './world.js'

const HOUR_MS = 3_600_000
const KEEP_ALL: HistoryPolicy = {
  maxRuns: 1000,
  maxAgeMs: HOUR_MS,
  maxFailureAgeMs: HOUR_MS,
  maxFailures: 1000,
  maxSkipped: 1000,
}
const cancelled: AttemptOutcome = { kind: 'cancelled', error: { code: 'CANCELLED', message: 'x' } }

export function prunePromises(promise: DeclarePromise): void {
  promise('what is within the rule stays', async (world) => {
    await ended(world, 'daily', [succeeded, failed, cancelled])
    assert.deepEqual(await world.store.prune(KEEP_ALL, 100), { deleted: 0, more: false })
    assert.equal((await world.runsOf('daily')).length, 3)
  })

  promise('by count, the newest fire times stay', async (world) => {
    await ended(world, 'daily', [succeeded, cancelled, succeeded, succeeded])
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 2 }), 2)
    assert.deepEqual(await steps(world, 'daily'), [3, 2])
  })

  promise('by age, what ended long ago goes, and what ended lately stays', async (world) => {
    await ended(world, 'daily', [succeeded, cancelled])
    await world.advance(1200)
    await ended(world, 'daily', [succeeded, succeeded])
    assert.equal(await prune(world, { ...KEEP_ALL, maxAgeMs: 1100 }), 2)
    assert.deepEqual(await steps(world, 'daily'), [3, 2])
  })

  promise('the last run stays, whatever its age', async (world) => {
    await ended(world, 'yearly', [succeeded, succeeded])
    await world.advance(30)
    assert.equal(
      await prune(world, {
        maxRuns: 0,
        maxAgeMs: 10,
        maxFailureAgeMs: 10,
        maxFailures: 1000,
        maxSkipped: 1000,
      }),
      1,
    )
    assert.deepEqual(await steps(world, 'yearly'), [1])
    assert.equal((await world.stored('yearly')).lastRun?.status, 'succeeded')
  })

  promise('failed and lost runs stay for longer than others, beyond the count too', async (world) => {
    await ended(world, 'frail', [failed])
    await world.fire('frail', { delivery: 'atMostOnce' })
    await world.abandon()
    await world.store.recover(10)
    await ended(world, 'frail', [succeeded, succeeded])
    await world.advance(30)
    assert.equal(
      await prune(world, {
        maxRuns: 1,
        maxAgeMs: 10,
        maxFailureAgeMs: HOUR_MS,
        maxFailures: 1000,
        maxSkipped: 1000,
      }),
      1,
    )
    assert.deepEqual(await steps(world, 'frail'), [3, 1, 0])
    assert.equal(
      await prune(world, {
        maxRuns: 1,
        maxAgeMs: 10,
        maxFailureAgeMs: 10,
        maxFailures: 1000,
        maxSkipped: 1000,
      }),
      2,
    )
    assert.deepEqual(await steps(world, 'frail'), [3])
  })

  promise('failed and lost runs may stay for less long than others', async (world) => {
    await ended(world, 'frail', [succeeded, failed, succeeded, succeeded])
    await world.advance(30)
    assert.equal(await prune(world, { ...KEEP_ALL, maxFailureAgeMs: 10 }), 1)
    assert.deepEqual(await steps(world, 'frail'), [3, 2, 0])
  })

  promise('of the failed and lost runs beyond the count, only the newest so many stay', async (world) => {
    await ended(world, 'frail', [failed, failed, succeeded])
    await world.fire('frail', { delivery: 'atMostOnce' })
    await world.abandon()
    await world.store.recover(10)
    await ended(world, 'frail', [failed, cancelled, succeeded, failed])
    // Those that are within the count are not counted.
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 2, maxFailures: 2 }), 4)
    assert.deepEqual(await steps(world, 'frail'), [7, 6, 4, 3])
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 2, maxFailures: 0 }), 2)
    assert.deepEqual(await steps(world, 'frail'), [7, 6])
  })

  promise('of the failed and lost runs beyond the age, only the newest so many stay', async (world) => {
    await ended(world, 'frail', [failed, failed, failed])
    await world.advance(1200)
    await ended(world, 'frail', [failed, failed])
    const rule = { ...KEEP_ALL, maxAgeMs: 1100 }
    assert.equal(await prune(world, { ...rule, maxFailures: 1 }), 2)
    assert.deepEqual(await steps(world, 'frail'), [4, 3, 2])
    assert.equal(await prune(world, { ...rule, maxFailures: 0 }), 1)
    assert.deepEqual(await steps(world, 'frail'), [4, 3])
  })

  promise('what never started is counted apart, so that it leaves room for what did', async (world) => {
    const node = await world.node('a')
    const both = ['crowded', 'also-crowded']
    for (const id of both) {
      await ended(world, id, [succeeded, failed, 'missed', succeeded, 'missed'])
      await world.fire(id)
      for (let i = 0; i < 3; i++) await world.fire(id, { overlap: 'skip' })
      await world.finish(await node.claimOne(), succeeded)
    }
    // One at a time: at no moment does one that never started push out what did.
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 6, maxSkipped: 2 }, 1), 6)
    for (const id of both) assert.deepEqual(await steps(world, id), [8, 7, 5, 3, 1, 0])
    // Those that stay count with the others.
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 3, maxSkipped: 1, maxFailures: 0 }, 1), 6)
    for (const id of both) assert.deepEqual(await steps(world, id), [8, 5, 3])
    // The last run stays, whatever it came to.
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 3, maxSkipped: 0 }), 0)
    for (const id of both) await ended(world, id, [succeeded])
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 4, maxSkipped: 0 }), 2)
    for (const id of both) assert.deepEqual(await steps(world, id), [9, 5, 3])
  })

  promise('runs that are still open stay, however old', async (world) => {
    const node = await world.node('a')
    await world.schedule('open')
    await world.fire('open')
    await world.finish(await node.claimOne(), retryIn(HOUR_MS))
    await world.fire('open')
    await node.claimOne()
    await world.fire('open', { overlap: 'bufferAll' })
    await world.fire('open')
    await ended(world, 'open', [succeeded])
    await world.advance(30)
    assert.equal(
      await prune(world, {
        maxRuns: 0,
        maxAgeMs: 10,
        maxFailureAgeMs: 10,
        maxFailures: 1000,
        maxSkipped: 1000,
      }),
      0,
    )
    assert.equal((await world.runsOf('open')).length, 5)
  })

  promise("a schedule's own rule holds over the defaults, field by field", async (world) => {
    await world.schedule('short', { definition: { history: { maxRuns: 1 } } })
    await world.schedule('long', { definition: { history: { maxRuns: 1000, maxAgeMs: HOUR_MS } } })
    for (const id of ['short', 'long', 'default']) await ended(world, id, [succeeded, succeeded, succeeded])
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 2 }), 3)
    assert.deepEqual(await steps(world, 'short'), [2])
    assert.deepEqual(await steps(world, 'long'), [2, 1, 0])
    assert.deepEqual(await steps(world, 'default'), [2, 1])
  })

  promise('what a deleted schedule left goes by the defaults, in the end the last run too', async (world) => {
    await world.schedule('deleted', { definition: { history: { maxRuns: 1000, maxAgeMs: HOUR_MS } } })
    await ended(world, 'deleted', [succeeded, succeeded, succeeded])
    await world.store.deleteSchedule('deleted')
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 2 }), 1)
    await world.advance(30)
    assert.equal(await prune(world, { ...KEEP_ALL, maxAgeMs: 10 }), 2)
    assert.deepEqual(await world.runsOf('deleted'), [])
  })

  promise('no call deletes more than its limit, and `more` leads to the end', async (world) => {
    for (const id of ['a', 'b', 'c']) await ended(world, id, [succeeded, succeeded, succeeded])
    const deleted: number[] = []
    for (let more = true; more;) {
      const result = await world.store.prune({ ...KEEP_ALL, maxRuns: 1 }, 2)
      deleted.push(result.deleted)
      more = result.more
      assert.ok(deleted.length < 20, 'it comes to an end')
    }
    assert.ok(deleted.every((count) => count <= 2))
    assert.equal(
      deleted.reduce((sum, count) => sum + count, 0),
      6,
    )
    for (const id of ['a', 'b', 'c']) assert.deepEqual(await steps(world, id), [2])
  })

  promise('what was pruned is gone with its log, and its fire time does not run again', async (world) => {
    const node = await world.node('a')
    await world.schedule('daily')
    const { id } = await world.fire('daily')
    const lease = await node.claimOne()
    await world.store.report([{ ...lease, log: [{ level: 'info', message: 'line' }], progress: null }])
    await world.finish(lease, succeeded)
    await ended(world, 'daily', [succeeded])
    assert.equal(await prune(world, { ...KEEP_ALL, maxRuns: 1 }), 1)
    assert.equal(await world.store.getRun(id), null)
    assert.deepEqual((await world.store.readLog(id, { limit: 10 })).lines, [])

    await world.edit('daily', { timing: fireAt(world.firstFire) })
    const result = await world.commit('daily')
    assert.deepEqual([result.committed, result.waiting], [[true], 0])
    assert.equal(await world.store.getRun(id), null)
  })
}

/** Fires `id` once for each outcome, after what it fired before. */
async function ended(
  world: World,
  id: string,
  outcomes: readonly (AttemptOutcome | 'missed')[],
): Promise<void> {
  const [known] = await world.store.getSchedules([id])
  if (known === null) await world.schedule(id)
  const node = await world.node('a')
  for (const outcome of outcomes) {
    if (outcome === 'missed') {
      const at = (await world.stored(id)).nextFireTime!
      await world.commit(id, { runs: 0, missed: { count: 1, exact: true, from: at, to: at } })
      continue
    }
    const run = await world.fire(id)
    const lease = (await node.claim()).find(({ runId }) => runId === run.id)
    assert.ok(lease)
    await world.finish(lease, outcome)
  }
}

/** Prunes until there is no more; answers how many runs went. */
async function prune(world: World, defaults: HistoryPolicy, limit = 100): Promise<number> {
  let deleted = 0
  let calls = 0
  for (let more = true; more;) {
    assert.ok(calls++ < 100, 'it comes to an end')
    const result = await world.store.prune(defaults, limit)
    deleted += result.deleted
    more = result.more
  }
  return deleted
}

/** Which fire times are left, counted from the first, the newest first. */
async function steps(world: World, id: string): Promise<number[]> {
  return (await world.runsOf(id)).map((run) => (run.fireTime - world.firstFire) / STEP_MS)
}
