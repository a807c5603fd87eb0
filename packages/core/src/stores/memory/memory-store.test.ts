import { describe, expect, test } from 'vitest'
import type { PutSchedule } from '../../store/contract.js'
import { ManualClock } from '../../testing/manual-clock.js'
import { storeConformance, type StoreHarness } from '../../testing/store-conformance/index.js'
import { MemoryStore } from './memory-store.js'

const harness: StoreHarness = {
  name: 'memory',
  open() {
    const clock = new ManualClock()
    const store = new MemoryStore({ clock })
    return Promise.resolve({
      store,
      second: () => Promise.resolve(store),
      advance: (ms) => clock.advance(ms),
      close: () => store.close(),
    })
  },
}

storeConformance(harness, { describe, test })

const DAY_MS = 86_400_000

// What takes longer than a store with a real clock can be made to wait for.
describe('MemoryStore', () => {
  test('its clock stays where it was when the machine turns its clock back', async () => {
    const clock = new ManualClock(50_000)
    const store = new MemoryStore({ clock })
    expect(await store.now()).toBe(50_000)
    clock.set(20_000)
    expect(await store.now()).toBe(50_000)
    clock.set(50_001)
    expect(await store.now()).toBe(50_001)
  })

  test('a deleted schedule is remembered for a day, and no longer', async () => {
    const clock = new ManualClock()
    const store = new MemoryStore({ clock })
    for (const [waitMs, mark] of [
      [DAY_MS - 1, clock.now()],
      [DAY_MS, null],
    ] as const) {
      const id = `after-${waitMs}`
      await store.putSchedules([put(id, clock.now())])
      await store.commit([decision(id, clock.now())], null)
      const fired = clock.now()
      await store.deleteSchedule(id)
      await clock.advance(waitMs)
      await store.putSchedules([put(id, fired)])
      const [again] = await store.getSchedules([id])
      expect([again?.highWaterMark, again?.revision]).toEqual(mark === null ? [null, 1] : [fired, 2])
    }
  })

  test('pruning does not forget a deleted schedule before its day is over', async () => {
    const clock = new ManualClock()
    const store = new MemoryStore({ clock })
    const fireTime = clock.now()
    await store.putSchedules([put('deleted', fireTime)])
    await store.commit([decision('deleted', fireTime)], null)
    await store.deleteSchedule('deleted')
    await clock.advance(DAY_MS - 1)
    const history = { maxRuns: 0, maxAgeMs: 0, maxFailureAgeMs: 0, maxFailures: 1000, maxSkipped: 1000 }
    expect(await store.prune(history, 10)).toEqual({ deleted: 1, more: false })
    await store.putSchedules([put('deleted', fireTime)])
    expect((await store.getSchedules(['deleted']))[0]?.highWaterMark).toBe(fireTime)
  })

  test('a node that is gone is listed for a day', async () => {
    const clock = new ManualClock()
    const store = new MemoryStore({ clock })
    await store.heartbeat({
      session: 's',
      node: 'n',
      host: 'h',
      pid: 1,
      version: '1',
      tzdata: '2026a',
      groups: [],
      tasks: [],
      slots: 1,
      slotsInUse: 0,
      eventLoopDelayMs: 0,
      cpu: 0,
      memoryBytes: 0,
      latenessMs: 0,
      load: 0,
      leaseMs: 1000,
    })
    await clock.advance(DAY_MS + 999)
    expect(await store.listNodes()).toMatchObject([{ node: 'n', alive: false }])
    await clock.advance(1)
    expect(await store.listNodes()).toEqual([])
  })
})

function put(id: string, fireTime: number): PutSchedule {
  return {
    definition: { id, task: 'task', trigger: { kind: 'interval' } },
    state: 'active',
    stateReason: null,
    expect: 'absent',
    timing: { fireTime, dueAt: fireTime, tzdata: '2026a', calendars: null, afterRunMs: null },
  }
}

function decision(scheduleId: string, fireTime: number) {
  return {
    scheduleId,
    revision: 1,
    fireTime,
    runs: [{ fireTime, dueAt: fireTime }],
    missed: null,
    next: null,
    tzdata: '2026a',
    calendarsRevision: null,
    task: 'task',
    spec: null,
    overlap: 'allow',
    delivery: 'atLeastOnce',
    priority: 0,
    group: 'default',
  } as const
}
