import assert from 'node:assert/strict'
import type { FireTime } from '../../domain/plan.js'
import type { DeclarePromise } from './promise.js'
import { fireAt, STEP_MS, succeeded } from './world.js'

const STRETCHED_MS = 3 * STEP_MS

/** A store may have a short way for fires that are leased at once and like nearly all others; these are not like them. */
export function unusualDispatchPromises(promise: DeclarePromise): void {
  promise('what was missed is recorded beside what is leased', async (world) => {
    const node = await world.node('a')
    await world.schedule('behind')
    const missed = { count: 3, exact: true, from: world.firstFire, to: world.firstFire + 2 * STEP_MS }
    const fireTime = world.firstFire + 3 * STEP_MS
    const read = await world.stored('behind')
    const decision = {
      ...world.decide(read, { missed, next: fireAt(fireTime + STEP_MS) }),
      runs: [fireAt(fireTime)],
    }
    const { claimed } = await world.store.commit([decision], node.dispatch())
    assert.deepEqual(
      claimed.map((lease) => lease.fireTime),
      [fireTime],
    )
    const runs = await world.runsOf('behind')
    assert.deepEqual(
      runs.map((run) => [run.status, run.fireTime, run.missed]),
      [
        ['running', fireTime, null],
        ['missed', missed.to, missed],
      ],
    )
    assert.equal((await world.stored('behind')).highWaterMark, fireTime)
  })

  promise('the last fire is leased, and the schedule is finished', async (world) => {
    const node = await world.node('a')
    await world.schedule('once')
    const { claimed } = await world.commit('once', { next: null }, node.dispatch())
    assert.equal(claimed.length, 1)
    const { state, nextFireTime, fires } = await world.stored('once')
    assert.deepEqual([state, nextFireTime, fires], ['finished', null, 1])
    assert.equal((await world.finish(claimed[0]!, succeeded)).status, 'succeeded')
  })

  promise('what fires after its run is leased, and has no fire time until it has ended', async (world) => {
    const node = await world.node('a')
    await world.schedule('job', { timing: { afterRunMs: 30_000 } })
    const { claimed } = await world.commit('job', { next: 'afterRun' }, node.dispatch())
    assert.equal((await world.stored('job')).nextFireTime, null)
    const { endedAt } = await world.finish(claimed[0]!, succeeded)
    assert.equal((await world.stored('job')).nextFireTime, endedAt! + 30_000)
  })

  promise('nothing is leased that a changed calendar may have moved', async (world) => {
    const node = await world.node('a')
    const read = await world.schedule('work')
    const { calendarsRevision } = await world.store.peek(1)
    await world.store.putCalendar({ definition: { name: 'holidays' }, expect: 'absent' })
    const decision = world.decide(read, { calendarsRevision })
    const result = await world.store.commit([decision], node.dispatch())
    assert.deepEqual([result.committed, result.claimed], [[false], []])
    assert.deepEqual(await world.stored('work'), read)
  })

  promise('what led to a fire time goes into its run, and with the schedule to the next', async (world) => {
    const node = await world.node('a')
    const read = await world.schedule('thinned')
    const first = { ...fireAt(world.firstFire), stretchedMs: STRETCHED_MS }
    const next: FireTime = { ...fireAt(world.firstFire + STRETCHED_MS), stretchedMs: STRETCHED_MS }
    const decision = world.decide(read, { next })
    await world.store.commit([{ ...decision, runs: [first] }], node.dispatch())
    await world.commit('thinned', {}, node.dispatch())
    assert.equal((await world.stored('thinned')).stretchedMs, null)

    await world.schedule('usual')
    await world.commit('usual', { next }, node.dispatch())
    assert.equal((await world.stored('usual')).stretchedMs, STRETCHED_MS)
    const runs = await world.runsOf('thinned')
    assert.deepEqual(
      runs.map(({ stretchedMs }) => stretchedMs),
      [null, STRETCHED_MS],
    )
  })

  promise('of two decisions about one fire time only the first is carried out', async (world) => {
    const node = await world.node('a')
    const read = await world.schedule('twice')
    const missed = { count: 1, exact: true, from: world.firstFire, to: world.firstFire }
    const runs = world.decide(read)
    const none = world.decide(read, { runs: 0, missed })
    const result = await world.store.commit([none, runs, runs], node.dispatch())
    assert.deepEqual([result.committed, result.claimed], [[true, false, false], []])
    const kept = await world.runsOf('twice')
    assert.deepEqual(
      kept.map(({ status }) => status),
      ['missed'],
    )
  })
}
