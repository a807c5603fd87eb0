import assert from 'node:assert/strict'
import { ExportDigest } from '../../moving/export-digest.js'
import type { Store } from '../../store/contract.js'
import type { StoreExport } from '../../store/exports.js'
import { elsewhere, exported, exportedSchedule, move } from './elsewhere.js'
import type { DeclarePromise } from './promise.js'
import { failed, fireAt, retryIn, STEP_MS, succeeded, type World } from './world.js'

export function exportPromises(promise: DeclarePromise): void {
  promise('every schedule is exported once, however small the pages', async (world) => {
    const ids = ['e', 'b', 'd', 'a', 'c']
    for (const id of ids) await world.schedule(id)
    const found: string[] = []
    let cursor: string | null = null
    do {
      const page = await world.store.exportSchedules({ limit: 2, ...(cursor === null ? {} : { cursor }) })
      assert.ok(page.items.length <= 2)
      found.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)
    assert.deepEqual(found.toSorted(), ids.toSorted())
  })

  promise('a schedule is exported with its state, its marks and when it fires next', async (world) => {
    await world.schedule('whole', { definition: { description: 'ünïcode ✓', input: { a: [null] } } })
    await world.fire('whole')
    await world.edit('whole', { state: 'paused' })
    const { lastRun: _lastRun, ...stored } = await world.stored('whole')
    const { kind, calendars, calendarsRevision, afterRunMs, open, ...schedule } = await exportedSchedule(
      world.store,
      'whole',
    )
    assert.deepEqual(schedule, stored)
    assert.deepEqual([kind, calendars, calendarsRevision, afterRunMs], ['schedule', [], null, null])
    assert.deepEqual(open, [{ ...(await world.run(`whole@${world.firstFire}`)), blocked: false }])
  })

  promise(
    'what waits travels with its schedule, in its turn; what has ended with the history',
    async (world) => {
      const node = await world.node('a')
      await world.schedule('job')
      await world.fire('job', { overlap: 'bufferAll' })
      await world.finish(await node.claimOne(), succeeded)
      for (let i = 0; i < 3; i++) await world.fire('job', { overlap: 'bufferAll' })
      const { open } = await exportedSchedule(world.store, 'job')
      assert.deepEqual(
        open.map((run) => [run.fireTime, run.status, run.blocked]),
        [1, 2, 3].map((step) => [world.firstFire + step * STEP_MS, 'pending', step > 1]),
      )
      const runs = (await exported(world.store)).filter((item) => item.kind === 'run')
      assert.deepEqual(
        runs.map(({ run }) => run),
        [await world.run(`job@${world.firstFire}`)],
      )
      assert.ok((await exported(world.store, false)).every(({ kind }) => kind !== 'run'))
    },
  )

  promise('what was fired and begun at once is exported like what waited before', async (world) => {
    const node = await world.node('a')
    await world.schedule('job')
    for (let i = 0; i < 3; i++) {
      const { claimed } = await world.commit('job', {}, node.dispatch())
      if (i < 2) await world.finish(claimed[0]!, succeeded)
    }
    assert.deepEqual(
      (await exportedSchedule(world.store, 'job')).open.map((run) => run.fireTime),
      [world.firstFire + 2 * STEP_MS],
    )
    assert.equal((await exported(world.store)).filter(({ kind }) => kind === 'run').length, 2)
  })

  promise(
    'what runs travels as what would become of it if its node died, and goes on here',
    async (world) => {
      const node = await world.node('a')
      await world.waitingRun('again')
      await world.waitingRun('once', { delivery: 'atMostOnce' })
      const leases = await node.claim()
      assert.equal(leases.length, 2)
      const { open } = await exportedSchedule(world.store, 'again')
      assert.deepEqual(
        open.map((run) => [run.status, run.attempt, run.error?.code]),
        [['retrying', 1, 'ABANDONED']],
      )
      assert.deepEqual((await exportedSchedule(world.store, 'once')).open, [])
      const runs = (await exported(world.store)).filter((item) => item.kind === 'run')
      assert.deepEqual(
        runs.map(({ run }) => [run.scheduleId, run.status, run.error?.code]),
        [['once', 'lost', 'ABANDONED']],
      )
      for (const lease of leases) assert.equal((await world.finish(lease, succeeded)).status, 'succeeded')
    },
  )

  promise(
    'where what runs stays behind, what waits for it has its turn, and what fires after it fires',
    async (world) => {
      const node = await world.node('a')
      await world.schedule('turn')
      for (let i = 0; i < 2; i++) await world.fire('turn', { overlap: 'bufferAll', delivery: 'atMostOnce' })
      await world.schedule('after', { timing: { afterRunMs: 30_000 } })
      await world.fire('after', { next: 'afterRun', delivery: 'atMostOnce' })
      assert.equal((await node.claim()).length, 2)
      const turn = await exportedSchedule(world.store, 'turn')
      assert.deepEqual(
        turn.open.map((run) => [run.fireTime, run.blocked]),
        [[world.firstFire + STEP_MS, false]],
      )
      const { startedAt } = await world.run(`after@${world.firstFire}`)
      assert.equal((await exportedSchedule(world.store, 'after')).nextFireTime, startedAt! + 30_000)
    },
  )

  promise('a deleted schedule is exported as what a namesake must not repeat', async (world) => {
    await world.schedule('gone')
    await world.fire('gone')
    const { revision } = await world.stored('gone')
    await world.store.deleteSchedule('gone')
    const tombstones = (await exported(world.store)).filter((item) => item.kind === 'tombstone')
    assert.deepEqual(
      tombstones.map(({ expiresAt: _expiresAt, ...tombstone }) => tombstone),
      [{ kind: 'tombstone', id: 'gone', revision, highWaterMark: world.firstFire }],
    )
    assert.ok(tombstones[0]!.expiresAt > (await world.store.now()))
    await world.schedule('gone')
    assert.ok((await exported(world.store)).every(({ kind }) => kind !== 'tombstone'))
  })

  promise('what was moved here is exported as it was, and as often as it is moved', async (world) => {
    const there = await elsewhere(world)
    await fill(there)
    await move(there.store, world.store)
    const before = await exported(there.store)
    assert.deepEqual(inOrder(await exported(world.store)), inOrder(before))
    await move(there.store, world.store)
    assert.deepEqual(inOrder(await exported(world.store)), inOrder(before))
    assert.equal(await digestOf(world.store), await digestOf(there.store))
  })

  promise('what this store holds is in another as it is here', async (world) => {
    await fill(world)
    const there = await elsewhere(world)
    await move(world.store, there.store)
    assert.deepEqual(inOrder(await exported(there.store)), inOrder(await exported(world.store)))
  })
}

/** Some of everything. */
async function fill(world: World): Promise<void> {
  const { store } = world
  const node = await world.node('näme|with a bar', { tasks: ['task', 'other'] })
  for (const name of ['holidays', 'works'])
    await store.putCalendar({ definition: { name, dates: ['2026-12-25'] }, expect: 'absent' })
  const { revision } = await store.getCalendars([])
  await world.schedule('calendars', { timing: { calendars: { names: ['holidays', 'works'], revision } } })
  await world.schedule('paused', { state: 'paused' })
  await world.schedule('finished')
  await world.commit('finished', { next: null })
  await world.schedule('ends', { definition: { pauseAfterFailures: 5, history: { maxRuns: 7 } } })
  for (const outcome of [succeeded, failed, retryIn(60_000)]) {
    await world.fire('ends', { spec: '{"input":{"b":1,"a":"x"}}', priority: 3, delivery: 'atLeastOnce' })
    for (const lease of await node.claim()) {
      await store.report([
        {
          runId: lease.runId,
          fence: lease.fence,
          log: [
            { level: 'info', message: `a "line"\nof ${lease.runId}` },
            { level: 'warn', message: 'ünïcode ✓' },
          ],
          progress: { fraction: 0.5, message: 'half' },
        },
      ])
      await world.finish(
        lease,
        outcome.kind === 'succeeded' ? { ...outcome, result: '{"z":[1.5,null],"a":""}' } : outcome,
      )
    }
  }
  await world.commit('ends', {
    runs: 1,
    missed: {
      count: 3,
      exact: true,
      from: world.firstFire + 3 * STEP_MS,
      to: world.firstFire + 5 * STEP_MS,
    },
    next: fireAt(world.firstFire + 9 * STEP_MS),
  })
  await world.fire('ends', {
    overlap: 'skip',
    next: { ...fireAt(world.firstFire + 12 * STEP_MS), stretchedMs: 3000 },
  })
  await world.schedule('waits')
  for (let i = 0; i < 3; i++) await world.fire('waits', { overlap: 'bufferAll', group: 'elsewhere' })
  await store.addRuns([
    world.request('waits', { requestId: 'by-hand', group: 'elsewhere', spec: '{"timeoutMs":null}' }),
  ])
  await world.schedule('after', { timing: { afterRunMs: 30_000 } })
  await world.fire('after', { next: 'afterRun', group: 'elsewhere' })
  await world.schedule('deleted', { task: 'other' })
  await world.fire('deleted', { task: 'other' })
  await store.deleteSchedule('deleted')
}

/** When a tombstone goes is counted by each store's own clock. */
function inOrder(items: readonly StoreExport[]): StoreExport[] {
  const key = (item: StoreExport): string =>
    item.kind === 'calendar' ? item.name : item.kind === 'run' ? item.run.id : item.id
  return items
    .map((item) => (item.kind === 'tombstone' ? { ...item, expiresAt: 0 } : item))
    .toSorted((a, b) => (`${a.kind} ${key(a)}` < `${b.kind} ${key(b)}` ? -1 : 1))
}

async function digestOf(store: Store): Promise<string> {
  const digest = new ExportDigest()
  for (const item of await exported(store)) digest.add(item)
  return digest.value
}
