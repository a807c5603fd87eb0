import assert from 'node:assert/strict'
import { elsewhere, exported, exportedSchedule, move } from './elsewhere.js'
import type { DeclarePromise } from './promise.js'
import { failed, fireAt, retryIn, STEP_MS, succeeded } from './world.js'

export function importPromises(promise: DeclarePromise): void {
  promise('a moved schedule fires next where it stood, and repeats nothing', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('moved')
    await there.commit('moved', { runs: 3 })
    await move(there.store, world.store, false)
    const stored = await world.stored('moved')
    assert.deepEqual(
      [stored.nextFireTime, stored.highWaterMark, stored.fires],
      [there.firstFire + 3 * STEP_MS, there.firstFire + 2 * STEP_MS, 3],
    )
    assert.deepEqual(
      (await world.store.peek(10)).due.map((due) => [due.id, due.fireTime, due.revision]),
      [['moved', stored.nextFireTime, stored.revision]],
    )
    const { waiting } = await world.commit('moved')
    // Three came with it, and one is new.
    assert.equal(waiting, 1)
    assert.equal((await world.runsOf('moved')).length, 4)
  })

  promise('a fire time at or below the mark that came along creates no run', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('marked')
    await there.commit('marked', { runs: 3 })
    const item = await exportedSchedule(there.store, 'marked')
    await world.store.import([{ ...item, open: [], nextFireTime: there.firstFire, dueAt: there.firstFire }])
    const result = await world.commit('marked', { runs: 5 })
    assert.deepEqual([result.committed, result.waiting], [[true], 2])
    assert.deepEqual(
      (await world.runsOf('marked')).map((run) => run.fireTime),
      [there.firstFire + 4 * STEP_MS, there.firstFire + 3 * STEP_MS],
    )
  })

  promise(
    'runs that waited go on: ready ones start, delayed ones later, blocked ones in their turn',
    async (world) => {
      const there = await elsewhere(world)
      await there.schedule('job')
      for (let i = 0; i < 2; i++) await there.fire('job', { overlap: 'bufferAll' })
      await there.schedule('later')
      await there.fire('later')
      const node = await there.node('a')
      const lease = (await node.claim()).find(({ scheduleId }) => scheduleId === 'later')!
      await there.finish(lease, retryIn(3_600_000))
      await move(there.store, world.store)
      const here = await world.node('here')
      const first = await here.claimOne()
      // It ran there, and so runs here for the second time.
      assert.deepEqual([first.runId, first.attempt], [`job@${there.firstFire}`, 2])
      assert.ok(first.fence > lease.fence)
      assert.deepEqual(await here.claim(), [])
      await world.finish(first, succeeded)
      assert.equal((await here.claimOne()).runId, `job@${there.firstFire + STEP_MS}`)
      const stats = await world.store.stats()
      assert.deepEqual([stats.pending, stats.running, stats.retrying], [0, 1, 1])
    },
  )

  promise('a schedule that fires after the end of its run waits for it here', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('after', { timing: { afterRunMs: 30_000 } })
    await there.fire('after', { next: 'afterRun' })
    await move(there.store, world.store)
    assert.equal((await world.stored('after')).nextFireTime, null)
    const node = await world.node('a')
    const { endedAt } = await world.finish(await node.claimOne(), succeeded)
    assert.equal((await world.stored('after')).nextFireTime, endedAt! + 30_000)
  })

  promise('failures in a row go on being counted', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('failing', { definition: { pauseAfterFailures: 2 } })
    const node = await there.node('a')
    await there.fire('failing')
    await there.finish(await node.claimOne(), failed)
    await move(there.store, world.store)
    const here = await world.node('here')
    await world.fire('failing')
    await world.finish(await here.claimOne(), failed)
    const { state, consecutiveFailures } = await world.stored('failing')
    assert.deepEqual([state, consecutiveFailures], ['paused', 2])
  })

  promise('moved again, it brings what has changed since', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('edited')
    await there.schedule('deleted')
    await there.fire('edited')
    await move(there.store, world.store, false)
    assert.equal((await world.stored('edited')).fires, 1)
    const node = await there.node('a')
    await there.finish(await node.claimOne(), succeeded)
    const current = await there.edit('edited', { definition: { description: 'new' } })
    await there.commit('edited', { runs: 2, next: fireAt(there.firstFire + 9 * STEP_MS) })
    await there.store.deleteSchedule('deleted')
    await move(there.store, world.store, false)
    const { lastRun: _theirs, ...theirs } = await there.stored('edited')
    const { lastRun: _ours, ...ours } = await world.stored('edited')
    assert.deepEqual(ours, theirs)
    assert.equal(ours.revision, current.revision)
    assert.deepEqual(await world.store.getSchedules(['deleted']), [null])
    // What ended there does not run here too.
    const here = await world.node('here')
    assert.deepEqual((await here.claimedIds()).toSorted(), [
      `edited@${there.firstFire + STEP_MS}`,
      `edited@${there.firstFire + 2 * STEP_MS}`,
    ])
    assert.equal((await world.run(`edited@${there.firstFire}`)).status, 'cancelled')
  })

  promise('history that is moved later takes the place of what stood for it', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('job')
    await there.fire('job')
    await move(there.store, world.store, false)
    const node = await there.node('a')
    const { id } = await there.finish(await node.claimOne(), { kind: 'succeeded', result: '{"done":1}' })
    await move(there.store, world.store)
    assert.deepEqual(await world.run(id), await there.run(id))
    assert.equal((await world.stored('job')).lastRun?.id, id)
    assert.deepEqual(await (await world.node('here')).claim(), [])
  })

  promise('a decision from before the import does nothing to the schedule that came', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('both', { definition: { description: 'theirs' } })
    const before = await world.schedule('both', { fireTime: there.firstFire })
    await move(there.store, world.store)
    const result = await world.store.commit([world.decide(before)], null)
    assert.deepEqual(result.committed, [false])
    assert.equal((await world.stored('both')).definition.description, 'theirs')
  })

  promise('an import does not take back what was fired here since', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('ahead')
    await there.fire('ahead')
    const items = await exported(there.store)
    await world.store.import(items)
    await world.commit('ahead', { runs: 3 })
    const before = await world.stored('ahead')
    await world.store.import(items)
    assert.deepEqual(await world.stored('ahead'), before)
    assert.equal((await (await world.node('a')).claim()).length, 4)
  })

  promise('an import and a fire at the same time leave the mark where it is highest', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('busy')
    const items = await exported(there.store)
    await world.store.import(items)
    let fires = 0
    for (let i = 0; i < 20; i++) {
      const before = await world.stored('busy')
      const works = [() => world.store.import(items), () => world.store.commit([world.decide(before)], null)]
      // Now the one is first, now the other.
      if (i % 2 === 1) works.reverse()
      const answers = await Promise.all(works.map((work) => work()))
      const result = answers.find((answer) => answer !== undefined)!
      // A store may let go of a decision about what is being written; it is due still.
      const fired = result.committed[0]!
      if (fired) fires++
      const { highWaterMark, nextFireTime } = await world.stored('busy')
      assert.equal(highWaterMark, fired ? before.nextFireTime : before.highWaterMark)
      assert.equal(nextFireTime, before.nextFireTime! + (fired ? STEP_MS : 0))
      assert.equal((await world.runsOf('busy')).length, fires)
    }
  })

  promise('what was fired and begun here at once stays in the history over an import', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('job')
    const items = await exported(there.store)
    await world.store.import(items)
    const node = await world.node('a')
    for (let i = 0; i < 3; i++) {
      const { claimed } = await world.commit('job', {}, node.dispatch())
      assert.equal(claimed.length, 1)
      if (i < 2) await world.finish(claimed[0]!, succeeded)
    }
    await world.store.import(items)
    const runs = await world.runsOf('job')
    assert.deepEqual(
      runs.map((run) => run.status),
      ['running', 'succeeded', 'succeeded'],
    )
    assert.equal((await world.stored('job')).lastRun?.id, runs[0]?.id)
  })

  promise('a schedule that was deleted here comes again above what is remembered of it', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('again')
    await there.fire('again')
    const items = await exported(there.store)
    await world.store.import(items)
    await world.commit('again', { runs: 3 })
    for (const description of ['one', 'two']) await world.edit('again', { definition: { description } })
    const { revision, highWaterMark } = await world.stored('again')
    await world.store.deleteSchedule('again')
    await world.store.import(items)
    const back = await world.stored('again')
    assert.ok(back.revision > revision)
    assert.equal(back.highWaterMark, highWaterMark)
    assert.ok((await exported(world.store)).every(({ kind }) => kind !== 'tombstone'))
  })

  promise('a schedule whose last run has ended here since is not left waiting for it', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('after', { timing: { afterRunMs: 30_000 } })
    await there.fire('after', { next: 'afterRun' })
    const items = await exported(there.store)
    await world.store.import(items)
    const node = await world.node('a')
    const { endedAt } = await world.finish(await node.claimOne(), succeeded)
    await world.store.import(items)
    assert.ok((await world.stored('after')).nextFireTime! >= endedAt! + 30_000)
  })

  promise('what a store exported does not disturb what runs in it', async (world) => {
    const node = await world.node('a')
    await world.waitingRun('job')
    const lease = await node.claimOne()
    await world.store.import(await exported(world.store))
    assert.deepEqual(await node.claim(), [])
    assert.equal((await world.finish(lease, succeeded)).status, 'succeeded')
  })

  promise('history that came is listed in the order of its creation', async (world) => {
    const there = await elsewhere(world)
    const node = await there.node('a')
    await there.schedule('one')
    await there.schedule('two')
    for (const id of ['two', 'one', 'two', 'one']) {
      await there.fire(id)
      await there.finish(await node.claimOne(), succeeded)
      await there.advance(5)
    }
    await move(there.store, world.store)
    const list = async (store: typeof world.store): Promise<string[]> =>
      (await store.listRuns({ limit: 10 })).items.map(({ id }) => id)
    assert.equal((await list(world.store)).length, 4)
    assert.deepEqual(await list(world.store), await list(there.store))
  })

  promise('what waits here above the mark that came was created here, and goes on', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('job')
    await there.commit('job', { runs: 2 })
    const items = await exported(there.store)
    await world.store.import(items)
    await world.commit('job', { runs: 2 })
    const item = await exportedSchedule(there.store, 'job')
    await world.store.import([{ ...item, open: [] }])
    assert.deepEqual(await world.statuses((await world.runsOf('job')).map(({ id }) => id)), [
      'pending',
      'pending',
      'cancelled',
      'cancelled',
    ])
  })

  promise('a run that is held here, or has ended here since, stays as it is', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('held')
    await there.schedule('ended')
    await there.fire('held')
    await there.fire('ended')
    const items = await exported(there.store)
    await world.store.import(items)
    const node = await world.node('a')
    const leases = await node.claim()
    const of = (id: string): (typeof leases)[number] => leases.find(({ scheduleId }) => scheduleId === id)!
    await world.finish(of('ended'), succeeded)
    await world.store.import(items)
    assert.equal((await world.run(of('ended').runId)).status, 'succeeded')
    assert.equal((await world.finish(of('held'), succeeded)).status, 'succeeded')
    assert.deepEqual(await node.claim(), [])
  })

  promise('a namesake of a schedule that was deleted elsewhere repeats no fire time here', async (world) => {
    const there = await elsewhere(world)
    const { revision } = await there.schedule('gone')
    await there.commit('gone', { runs: 3 })
    await there.store.deleteSchedule('gone')
    await move(there.store, world.store, false)
    const again = await world.schedule('gone', { fireTime: there.firstFire })
    assert.ok(again.revision > revision)
    const result = await world.commit('gone', { runs: 4 })
    assert.deepEqual([result.committed, result.waiting], [[true], 1])
  })

  promise('what was deleted elsewhere does not delete a schedule that is newer', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('newer')
    await there.store.deleteSchedule('newer')
    const items = await exported(there.store)
    await world.schedule('newer')
    await world.edit('newer', { definition: { description: 'newer' } })
    await world.store.import(items)
    assert.equal((await world.stored('newer')).definition.description, 'newer')
  })

  promise(
    'what was computed with the calendars that came is right, with those that were here it is not',
    async (world) => {
      const there = await elsewhere(world)
      for (const other of ['a', 'b', 'c'])
        await world.store.putCalendar({ definition: { name: other }, expect: 'absent' })
      const ours = (await world.store.getCalendars([])).revision
      await world.schedule('here', { timing: { calendars: { names: ['a'], revision: ours } } })
      await there.store.putCalendar({ definition: { name: 'holidays' }, expect: 'absent' })
      const { revision } = await there.store.getCalendars([])
      await there.schedule('there', { timing: { calendars: { names: ['holidays'], revision } } })
      await move(there.store, world.store)
      const after = (await world.store.getCalendars(['holidays'])).revision
      assert.ok(after > ours)
      const result = await world.commit('here', { calendarsRevision: ours })
      assert.deepEqual(result.committed, [false])
      await assert.rejects(world.store.deleteCalendar('holidays'), { code: 'ILLEGAL_STATE' })
    },
  )

  promise(
    'into an empty store come the calendars with the revision that schedules were computed with',
    async (world) => {
      const there = await elsewhere(world)
      await there.store.putCalendar({ definition: { name: 'gone' }, expect: 'absent' })
      await there.store.putCalendar({ definition: { name: 'holidays' }, expect: 'absent' })
      await there.store.deleteCalendar('gone')
      const { revision } = await there.store.getCalendars([])
      await there.schedule('job', { timing: { calendars: { names: ['holidays'], revision } } })
      await move(there.store, world.store)
      assert.equal((await world.store.getCalendars([])).revision, revision)
      const result = await world.commit('job', { calendarsRevision: revision })
      assert.deepEqual(result.committed, [true])
    },
  )

  promise('what is moved is listed and counted like what was created here', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('a', { task: 'other' })
    await there.schedule('b', { state: 'paused' })
    for (let i = 0; i < 3; i++) {
      await there.fire('a')
      await there.advance(5)
    }
    await there.store.addRuns([there.request('a', { requestId: 'once' })])
    await move(there.store, world.store)
    const [theirs, ours] = await Promise.all([there.store.stats(), world.store.stats()])
    assert.deepEqual(
      [ours.schedules, ours.pending, ours.tzdata, ours.oldestDueAt],
      [theirs.schedules, theirs.pending, theirs.tzdata, theirs.oldestDueAt],
    )
    const list = async (store: typeof world.store): Promise<string[]> =>
      (await store.listRuns({ limit: 10 })).items.map(({ id }) => id)
    assert.deepEqual(await list(world.store), await list(there.store))
    assert.deepEqual(
      (await world.store.listSchedules({ task: 'other', limit: 10 })).items.map(({ id }) => id),
      ['a'],
    )
    const [again] = await world.store.addRuns([world.request('a', { requestId: 'once' })])
    assert.equal((await world.runsOf('a')).length, 4)
    assert.equal(again?.requestId, 'once')
    await world.store.deleteSchedule('a')
    assert.equal((await world.store.stats()).pending, 0)
  })

  promise('what is created here afterwards is newer than what came', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('job')
    await there.fire('job')
    await move(there.store, world.store)
    await world.schedule('ours')
    const ours = await world.fire('ours')
    await there.advance(10)
    await there.fire('job')
    await move(there.store, world.store)
    await world.advance(20)
    const last = await world.fire('ours')
    const runs = (await world.store.listRuns({ limit: 10 })).items
    assert.equal(runs.length, 4)
    assert.equal(runs[0]?.id, last.id)
    assert.equal(runs.at(-1)?.id, `job@${there.firstFire}`)
    assert.ok(runs.some(({ id }) => id === ours.id))
  })

  promise('a run that waits although its schedule is no more goes on', async (world) => {
    const there = await elsewhere(world)
    const [run] = await there.store.addRuns([there.request('nowhere')])
    await move(there.store, world.store, false)
    const node = await world.node('a')
    assert.deepEqual(await node.claimedIds(), [run!.id])
    assert.deepEqual(
      (await exported(world.store, false)).map((item) => item.kind === 'run' && item.run.status),
      ['retrying'],
    )
  })

  promise('what is due here now is told', async (world) => {
    const there = await elsewhere(world)
    await there.schedule('job')
    const items = await exported(there.store)
    let unwatch = (): void => {}
    const told = new Promise<void>((resolve) => {
      unwatch = world.store.watch((hint) => hint === 'due' && resolve())
    })
    await world.store.import(items)
    await told
    unwatch()
  })
}
