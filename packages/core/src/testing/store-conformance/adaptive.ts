import assert from 'node:assert/strict'
import type { EpochMs } from '../../domain/clock.js'
import type { FireTime } from '../../domain/plan.js'
import { needsSharing, type DeclarePromise } from './promise.js'
import { fireAt, STEP_MS, type World } from './world.js'

const STRETCHED_MS = 3 * STEP_MS
const LONGER_MS = 5 * STEP_MS

export function adaptivePromises(promise: DeclarePromise): void {
  promise(
    'what led to the next fire time is kept with the schedule, shown when it is due, and goes into its run',
    async (world) => {
      const before = await world.schedule('thinned')
      assert.equal(before.stretchedMs, null)
      const next = stretched(world.firstFire + STRETCHED_MS, STRETCHED_MS)
      const first = await world.fire('thinned', { next })
      assert.equal(first.stretchedMs, null)
      assert.equal((await world.stored('thinned')).stretchedMs, STRETCHED_MS)
      assert.deepEqual(await dueStretches(world), [STRETCHED_MS])

      const second = stretched(next.fireTime, STRETCHED_MS)
      const third = stretched(next.fireTime + LONGER_MS, LONGER_MS)
      await commitRuns(world, 'thinned', [second, third], fireAt(third.fireTime + STEP_MS))
      const runs = await world.runsOf('thinned')
      assert.deepEqual(
        runs.map((run) => run.stretchedMs),
        [LONGER_MS, STRETCHED_MS, null],
      )
      assert.equal((await world.stored('thinned')).stretchedMs, null)
      assert.deepEqual(await dueStretches(world), [null])
    },
  )

  promise('a schedule that misses fire times is stretched like any other', async (world) => {
    await world.schedule('behind')
    const missed = { count: 1, exact: true, from: world.firstFire, to: world.firstFire }
    const next = stretched(world.firstFire + STRETCHED_MS, STRETCHED_MS)
    await world.commit('behind', { runs: 0, missed, next })
    assert.equal((await world.stored('behind')).stretchedMs, STRETCHED_MS)
    const [record] = await world.runsOf('behind')
    assert.deepEqual([record?.status, record?.stretchedMs], ['missed', null])
  })

  promise('a fire time that is skipped keeps what led to it as well', async (world) => {
    await world.waitingRun('busy')
    const fireTime = (await world.stored('busy')).nextFireTime!
    await commitRuns(world, 'busy', [stretched(fireTime, STRETCHED_MS)], fireAt(fireTime + STEP_MS))
    const [skipped] = await world.runsOf('busy')
    assert.deepEqual([skipped?.status, skipped?.stretchedMs], ['skipped', STRETCHED_MS])
  })

  promise('a run by request has nothing that led to it', async (world) => {
    await world.schedule('asked', { timing: { stretchedMs: STRETCHED_MS } })
    const [run] = await world.store.addRuns([world.request('asked')])
    assert.equal(run?.stretchedMs, null)
    assert.equal((await world.stored('asked')).stretchedMs, STRETCHED_MS)
  })

  promise('an edit that keeps the timing keeps the stretch, and one that sets it sets it', async (world) => {
    await world.schedule('edited', { timing: { stretchedMs: STRETCHED_MS } })
    const kept = await world.edit('edited', { definition: { description: 'x' } })
    assert.deepEqual([kept.nextFireTime, kept.stretchedMs], [world.firstFire, STRETCHED_MS])
    const other = stretched(world.firstFire, LONGER_MS)
    const set = await world.edit('edited', { timing: { ...fireAt(world.firstFire), ...other } })
    assert.equal(set.stretchedMs, LONGER_MS)
    const anew = await world.edit('edited', { timing: fireAt(world.firstFire + STEP_MS) })
    assert.equal(anew.stretchedMs, null)
    await world.schedule('ended', { timing: { stretchedMs: STRETCHED_MS } })
    const none = await world.edit('ended', { timing: null, state: 'finished' })
    assert.equal(none.stretchedMs, null)
  })

  promise('a schedule that finishes is stretched no more', async (world) => {
    await world.schedule('last', { timing: { stretchedMs: STRETCHED_MS } })
    await world.fire('last', { next: null })
    assert.equal((await world.stored('last')).stretchedMs, null)
  })

  promise(
    'what was stretched through one handle is seen through another',
    async (world) => {
      await world.schedule('shared')
      await world.fire('shared', { next: stretched(world.firstFire + STRETCHED_MS, STRETCHED_MS) })
      const { due } = await (await world.second()).peek(10)
      assert.deepEqual(
        due.map((shown) => shown.stretchedMs),
        [STRETCHED_MS],
      )
    },
    needsSharing,
  )
}

function stretched(fireTime: EpochMs, stretchedMs: number): FireTime {
  return { fireTime, dueAt: fireTime, stretchedMs }
}

/** Commits these very runs; while one is open, others are skipped. */
async function commitRuns(
  world: World,
  id: string,
  runs: readonly FireTime[],
  next: FireTime,
): Promise<void> {
  const overlap = runs.length === 1 ? 'skip' : 'allow'
  const decision = { ...world.decide(await world.stored(id), { next, overlap }), runs }
  assert.deepEqual((await world.store.commit([decision], null)).committed, [true])
}

async function dueStretches(world: World): Promise<(number | null)[]> {
  return (await world.store.peek(10)).due.map((due) => due.stretchedMs)
}
