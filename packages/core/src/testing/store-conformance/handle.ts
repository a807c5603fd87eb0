import assert from 'node:assert/strict'
import type { Store, StoreHint } from '../../store/contract.js'
import { hinted } from './hinted.js'
import { needsNotification, needsSharing, type DeclarePromise } from './promise.js'
import { definitionOf, fireAt, retryIn, succeeded } from './world.js'

export function handlePromises(promise: DeclarePromise): void {
  promise("the store's clock goes on, and never back", async (world) => {
    const times: number[] = []
    const second = await world.second()
    for (let i = 0; i < 20; i++) times.push(await (i % 2 === 0 ? world.store : second).now())
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    assert.ok(times.every(Number.isInteger))
    await world.advance(20)
    assert.ok((await world.store.now()) >= times.at(-1)! + 20)
  })

  promise('those who watch are told of what becomes due, ready, and cancelled', async (world) => {
    const node = await world.node('a')
    await hinted(world.store, 'due', () => world.schedule('watched'))
    await hinted(world.store, 'ready', () => world.fire('watched'))
    const lease = await node.claimOne()
    await hinted(world.store, 'cancel', () => world.store.cancelRun(lease.runId))
    await world.finish(lease, succeeded)
    await hinted(world.store, 'ready', () => world.store.addRuns([world.request('watched')]))
    const again = await node.claimOne()
    await hinted(world.store, 'ready', () => world.finish(again, retryIn(0)))
    await node.claimOne()
    await node.leave()
    await hinted(world.store, 'ready', () => world.store.recover(10))
    await world.finish(await (await world.node('b')).claimOne(), {
      kind: 'failed',
      error: { code: 'X', message: 'x' },
    })
    await hinted(world.store, 'ready', () => world.store.retryRun(again.runId))
  })

  promise('an edit that brings the due time forward is told as well', async (world) => {
    await world.schedule('moved', { fireTime: (await world.store.now()) + 60_000 })
    await hinted(world.store, 'due', () => world.edit('moved', { timing: fireAt(world.firstFire) }))
  })

  promise(
    'those who watch through another handle are told',
    async (world) => {
      const second = await world.second()
      await hinted(second, 'due', () => world.schedule('watched'))
      await hinted(second, 'ready', () => world.fire('watched'))
    },
    needsNotification,
  )

  promise('who has stopped watching is not told any more', async (world) => {
    const seen: StoreHint[] = []
    const unwatch = world.store.watch((hint) => seen.push(hint))
    unwatch()
    unwatch()
    // The other watcher's hint shows that this one's would have come.
    await hinted(world.store, 'due', () => world.schedule('unwatched'))
    assert.deepEqual(seen, [])
  })

  promise(
    'what one handle wrote, another one reads, and goes on reading when the first is closed',
    async (world) => {
      const second = await world.second()
      const { id } = await world.waitingRun('kept')
      await world.store.close()
      assert.equal((await second.getRun(id))?.status, 'pending')
      assert.equal((await second.getSchedules(['kept']))[0]?.fires, 1)
    },
    needsSharing,
  )

  promise(
    'closing twice is harmless, and every verb afterwards says that the store is closed',
    async (world) => {
      const node = await world.node('a')
      const { id } = await world.waitingRun('closed')
      const decision = world.decide(await world.stored('closed'))
      const { store } = world
      await store.close()
      await store.close()
      const history = { maxRuns: 1, maxAgeMs: 1, maxFailureAgeMs: 1, maxFailures: 1000, maxSkipped: 1000 }
      const verbs: Readonly<
        Record<Exclude<keyof Store, 'info' | 'close' | 'watch' | 'within'>, () => Promise<unknown>>
      > = {
        now: () => store.now(),
        putSchedules: () =>
          store.putSchedules([
            {
              definition: definitionOf('x'),
              state: 'active',
              stateReason: null,
              expect: 'absent',
              timing: null,
            },
          ]),
        getSchedules: () => store.getSchedules(['closed']),
        listSchedules: () => store.listSchedules({ limit: 1 }),
        deleteSchedule: () => store.deleteSchedule('closed'),
        putCalendar: () => store.putCalendar({ definition: { name: 'x' }, expect: 'absent' }),
        getCalendars: () => store.getCalendars(['x']),
        listCalendars: () => store.listCalendars({ limit: 1 }),
        deleteCalendar: () => store.deleteCalendar('x'),
        peek: () => store.peek(1),
        commit: () => store.commit([decision], null),
        addRuns: () => store.addRuns([world.request('closed')]),
        claim: () => node.claim(),
        finish: () => store.finish([{ runId: id, fence: 1 as never, outcome: succeeded }]),
        report: () => store.report([{ runId: id, fence: 1 as never, log: [], progress: null }]),
        cancelRun: () => store.cancelRun(id),
        retryRun: () => store.retryRun(id),
        getRun: () => store.getRun(id),
        listRuns: () => store.listRuns({ limit: 1 }),
        readLog: () => store.readLog(id, { limit: 1 }),
        heartbeat: () => node.beat(),
        listNodes: () => store.listNodes(),
        leave: () => node.leave(),
        recover: () => store.recover(1),
        acquireLock: () => store.acquireLock({ name: 'x', owner: 'o', holder: 'h', ttlMs: 1000, queueMs: 0 }),
        renewLock: () => store.renewLock({ name: 'x', owner: 'o', fence: 1 as never, ttlMs: 1000 }),
        releaseLock: () => store.releaseLock({ name: 'x', owner: 'o' }),
        listLocks: () => store.listLocks({ limit: 1 }),
        prune: () => store.prune(history, 1),
        stats: () => store.stats(),
        exportSchedules: () => store.exportSchedules({ limit: 1 }),
        exportTombstones: () => store.exportTombstones({ limit: 1 }),
        import: () => store.import([]),
      }
      for (const [verb, call] of Object.entries(verbs)) {
        // Refused by a rejection, not by a throw that a caller's `.catch` would miss.
        await assert.rejects(call(), { code: 'STORE_CLOSED' }, verb)
      }
    },
  )
}
