import { beforeEach, describe, expect, test } from 'vitest'
import type { Fence, Lease } from '../domain/lease.js'
import { silentLogger } from '../domain/logger.js'
import type { AttemptOutcome, Dispatch, Store } from '../store/contract.js'
import { MemoryStore } from '../stores/memory/index.js'
import { FaultyStore } from '../testing/faulty-store.js'
import { ManualClock } from '../testing/manual-clock.js'
import { Reporter } from './reporter.js'

let clock: ManualClock
let store: Store
let faults: FaultyStore
let reporter: Reporter

beforeEach(() => {
  clock = new ManualClock()
  store = new MemoryStore({ clock })
  faults = new FaultyStore(store)
  reporter = new Reporter({
    store: faults.store,
    clock,
    random: () => 0.5,
    log: silentLogger,
    refused: () => {},
  })
})

const success: AttemptOutcome = { kind: 'succeeded', result: '"done"' }

/** Leases `count` runs of a schedule. */
async function leases(count = 1): Promise<Lease[]> {
  const session = 'session'
  await store.heartbeat({
    session,
    node: 'a',
    host: 'h',
    pid: 1,
    version: '1',
    tzdata: '2026a',
    groups: ['default'],
    tasks: ['task'],
    slots: 1000,
    slotsInUse: 0,
    eventLoopDelayMs: 0,
    cpu: 0,
    memoryBytes: 0,
    latenessMs: 0,
    load: 0,
    leaseMs: 10_000_000,
  })
  const request = { scheduleId: 'daily', kind: 'manual', fireTime: null, task: 'task', spec: null } as const
  const rest = { delivery: 'atLeastOnce', priority: 0, group: 'default' } as const
  await store.addRuns(Array.from({ length: count }, (_, i) => ({ ...request, ...rest, requestId: `r${i}` })))
  const tasks: Dispatch['tasks'] = new Map([['task', { slots: 1000, clusterLimit: null }]])
  const whose = { session, leaseMs: 10_000_000, node: 'a' }
  return store.claim({ ...whose, requestId: 'claim', slots: 1000, groups: ['default'], tasks })
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

describe('an outcome', () => {
  test('is written, and its attempt told', async () => {
    const [lease] = await leases()
    let written: AttemptOutcome | null | undefined
    reporter.outcome(lease!, success, (answer) => (written = answer))
    await reporter.drained()
    expect(written).toEqual(success)
    expect(await store.getRun(lease!.runId)).toMatchObject({ status: 'succeeded', result: 'done' })
  })

  test('is repeated until the store answers', async () => {
    const [lease] = await leases()
    faults.refuse('finish', 5)
    let written: AttemptOutcome | null | undefined
    reporter.outcome(lease!, success, (answer) => (written = answer))
    await settle()
    expect(written).toBeUndefined()
    for (let i = 0; i < 20; i++) await clock.advance(100)
    expect(written).toEqual(success)
  })

  test.each<[string, AttemptOutcome]>([
    ['success', success],
    ['failure', { kind: 'failed', error: { code: 'HANDLER_FAILED', message: 'no' } }],
    ['retry', { kind: 'retry', error: { code: 'HANDLER_FAILED', message: 'no' }, delayMs: 1000 }],
    ['cancellation', { kind: 'cancelled', error: { code: 'CANCELLED', message: 'no' } }],
  ])('of %s whose answer was lost counts as accepted, for it was written', async (_what, outcome) => {
    const [lease] = await leases()
    faults.loseAnswer('finish')
    let written: AttemptOutcome | null | undefined
    reporter.outcome(lease!, outcome, (answer) => (written = answer))
    await settle()
    await clock.advance(1000)
    await reporter.drained()
    expect(written).toEqual(outcome)
  })

  test('under an older fence is refused, also when it is repeated', async () => {
    const [lease] = await leases()
    const old: Lease = { runId: lease!.runId, fence: (lease!.fence - 1) as Fence }
    const answers: (AttemptOutcome | null)[] = []
    reporter.outcome(old, success, (written) => answers.push(written))
    await reporter.drained()
    faults.loseAnswer('finish')
    reporter.outcome(old, success, (written) => answers.push(written))
    await settle()
    await clock.advance(1000)
    await reporter.drained()
    expect(answers).toEqual([null, null])
    expect(await store.getRun(old.runId)).toMatchObject({ status: 'running' })
  })

  test('of many attempts is written in few calls', async () => {
    const all = await leases(800)
    let calls = 0
    const counting = new Proxy(store, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target) as (...args: unknown[]) => unknown
        if (name === 'finish') calls++
        return member.bind(target)
      },
    })
    const batching = new Reporter({
      store: counting,
      clock,
      random: Math.random,
      log: silentLogger,
      refused: () => {},
    })
    let answered = 0
    for (const lease of all) batching.outcome(lease, success, () => answered++)
    await batching.drained()
    expect([answered, calls]).toEqual([800, 2])
  })

  test('comes after the log lines that were written before it', async () => {
    const [lease] = await leases()
    for (let i = 0; i < 1200; i++) {
      reporter.update({ ...lease!, log: [{ level: 'info', message: `line ${i}` }], progress: null })
    }
    reporter.outcome(lease!, success, () => {})
    await reporter.drained()
    expect((await store.readLog(lease!.runId, { limit: 5000 })).lines).toHaveLength(1200)
  })

  test('that the store cannot decide yet is asked for again, and holds back no other', async () => {
    const [busy, free] = await leases(2)
    let isBusy = true
    const undecided: Store['finish'] = async (reports) => {
      const ready = reports.filter(({ runId }) => !isBusy || runId !== busy!.runId)
      const answers = await store.finish(ready)
      return reports.map((report) => answers[ready.indexOf(report)] ?? null)
    }
    const patient = new Reporter({
      store: new Proxy(store, {
        get: (target, name) => (name === 'finish' ? undecided : Reflect.get(target, name, target)),
      }),
      clock,
      random: () => 0.5,
      log: silentLogger,
      refused: () => {},
    })
    const written: [string, AttemptOutcome | null][] = []
    for (const lease of [busy!, free!])
      patient.outcome(lease, success, (answer) => written.push([lease.runId, answer]))
    await settle()
    await clock.advance(5000)
    expect(written).toEqual([[free!.runId, success]])
    isBusy = false
    const drained = patient.drained()
    await clock.advance(1000)
    await drained
    expect(written).toEqual([
      [free!.runId, success],
      [busy!.runId, success],
    ])
  })

  test('is given up with the node: its attempt is told that it was not accepted', async () => {
    const [lease] = await leases()
    faults.refuse('finish', Infinity)
    let written: AttemptOutcome | null | undefined
    reporter.outcome(lease!, success, (answer) => (written = answer))
    await settle()
    reporter.giveUp()
    await clock.advance(1000)
    await reporter.drained()
    expect(written).toBeNull()
  })
})

describe('what attempts write', () => {
  test('holds back no outcome of another, however much one of them writes', async () => {
    const [chatty, quiet] = await leases(2)
    let answered = false
    let writing = true
    const write = (): void => {
      if (!writing) return
      for (let i = 0; i < 2000; i++)
        reporter.update({ ...chatty!, log: [], progress: { fraction: i / 2000, message: null } })
      setImmediate(write)
    }
    write()
    reporter.outcome(quiet!, success, () => (answered = true))
    await settle()
    expect(answered).toBe(true)
    writing = false
    await reporter.drained()
    expect(await store.getRun(chatty!.runId)).toMatchObject({ progress: { fraction: 1999 / 2000 } })
  })

  test('is written before its own outcome, however many others wait to write', async () => {
    const all = await leases(700)
    for (const lease of all)
      reporter.update({ ...lease, log: [{ level: 'info', message: 'x' }], progress: null })
    const last = all.at(-1)!
    reporter.outcome(last, success, () => {})
    await reporter.drained()
    expect((await store.readLog(last.runId, { limit: 10 })).lines).toHaveLength(1)
  })

  test('under a lease that is lost tells its attempt', async () => {
    const [lease] = await leases()
    const refused: Lease[] = []
    const telling = new Reporter({
      store,
      clock,
      random: () => 0.5,
      log: silentLogger,
      refused: (one) => refused.push(one),
    })
    const older = { ...lease!, fence: (lease!.fence - 1) as Fence }
    telling.update({ ...older, log: [{ level: 'info', message: 'late' }], progress: null })
    await telling.drained()
    expect(refused).toMatchObject([{ runId: lease!.runId, fence: older.fence }])
  })
})

test('log lines that cannot be written are not written twice, and hold up nothing', async () => {
  const [lease] = await leases()
  faults.loseAnswer('report')
  reporter.update({ ...lease!, log: [{ level: 'info', message: 'once' }], progress: null })
  reporter.outcome(lease!, success, () => {})
  await reporter.drained()
  expect((await store.readLog(lease!.runId, { limit: 10 })).lines.map(({ message }) => message)).toEqual([
    'once',
  ])
  expect(await store.getRun(lease!.runId)).toMatchObject({ status: 'succeeded' })
})
