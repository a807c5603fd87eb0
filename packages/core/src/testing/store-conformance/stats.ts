import assert from 'node:assert/strict'
import type { DeclarePromise } from './promise.js'
import { retryIn, succeeded } from './world.js'

export function statsPromises(promise: DeclarePromise): void {
  promise('an empty store counts nothing', async ({ store }) => {
    const stats = await store.stats()
    assert.deepEqual(stats, {
      now: stats.now,
      schedules: { active: 0, paused: 0, finished: 0, broken: 0 },
      pending: 0,
      running: 0,
      retrying: 0,
      tzdata: {},
      oldestDueAt: null,
      unclaimed: {},
    })
  })

  promise('schedules are counted by state, open runs by status', async (world) => {
    const node = await world.node('a')
    await world.schedule('active')
    await world.schedule('paused', { state: 'paused' })
    await world.schedule('broken', { state: 'broken' })
    await world.schedule('once')
    await world.commit('once', { next: null })
    await world.finish(await node.claimOne(), succeeded)

    await world.commit('active', { runs: 4 })
    const leases = await node.claim({ slots: 3 })
    await world.finish(leases[0]!, retryIn(60_000))
    await world.finish(leases[1]!, succeeded)
    const { schedules, pending, running, retrying } = await world.store.stats()
    assert.deepEqual(schedules, { active: 1, paused: 1, finished: 1, broken: 1 })
    assert.deepEqual([pending, running, retrying], [1, 1, 1])
  })

  promise('active schedules are counted by the time zone data of their next fire time', async (world) => {
    await world.schedule('old', { timing: { tzdata: '2025b' } })
    await world.schedule('new', { timing: { tzdata: '2026b' } })
    await world.schedule('paused', { state: 'paused', timing: { tzdata: '2024a' } })
    await world.schedule('unset', { fireTime: null })
    assert.deepEqual((await world.store.stats()).tzdata, { '2025b': 1, '2026b': 1 })
    await world.fire('old', { tzdata: '2026b' })
    assert.deepEqual((await world.store.stats()).tzdata, { '2026b': 2 })
  })

  promise('the most overdue active schedule is told', async (world) => {
    const now = await world.store.now()
    await world.schedule('later', { fireTime: now + 60_000 })
    assert.equal((await world.store.stats()).oldestDueAt, null)
    await world.schedule('paused', { fireTime: world.firstFire, state: 'paused' })
    await world.schedule('overdue', { fireTime: world.firstFire + 1000 })
    await world.schedule('more-overdue', { fireTime: world.firstFire + 400, dueAt: world.firstFire + 500 })
    assert.equal((await world.store.stats()).oldestDueAt, world.firstFire + 500)
  })

  promise('waiting runs whose task no live node knows are told, by task', async (world) => {
    const old = await world.node('old', { tasks: ['known', 'departed'] })
    await world.schedule('mystery', { task: 'mystery' })
    await world.commit('mystery', { runs: 2 })
    await world.waitingRun('known', { task: 'known' })
    await world.waitingRun('departed', { task: 'departed' })
    assert.deepEqual((await world.store.stats()).unclaimed, { mystery: 2 })

    await world.node('new', { tasks: ['known', 'mystery'] })
    assert.deepEqual((await world.store.stats()).unclaimed, {})
    await old.leave()
    assert.deepEqual((await world.store.stats()).unclaimed, { departed: 1 })
  })
}
