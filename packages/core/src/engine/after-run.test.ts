import { beforeEach, describe, expect, test } from 'vitest'
import { MINUTE_MS } from '../triggers/civil.js'
import { Held, TestCluster, type TestMember } from '../testing/test-cluster.js'

let cluster: TestCluster
let held: Held

beforeEach(() => {
  cluster = new TestCluster()
  held = new Held('held')
})

const EVERY_MINUTE = { kind: 'interval', after: 'completion', every: { minutes: 1 } } as const

async function started(schedule: object = {}): Promise<TestMember> {
  const node = await cluster.node({ tasks: [held.task] })
  await cluster.schedule(node, { task: held.task, trigger: EVERY_MINUTE, timeoutMs: null, ...schedule })
  return node
}

const starts = (): number[] =>
  held.attempts.map(({ context }) => cluster.since(context.fireTime.getTime()) / MINUTE_MS)

const next = async (node: TestMember): Promise<number | null> => {
  const at = (await node.scheduler.schedules.get('job'))!.nextFireTime
  return at === null ? null : cluster.since(at) / MINUTE_MS
}

/** The run that is under way ends well. */
async function end(): Promise<void> {
  held.last.succeed()
  await cluster.settle()
}

describe('an interval after completion', () => {
  test('fires one length after it was made, and then after the end of each run, however long that takes', async () => {
    const node = await started()
    expect(await next(node)).toBe(1)
    await cluster.advance(MINUTE_MS)
    expect(starts()).toEqual([1])
    await cluster.advance(10 * MINUTE_MS)
    expect(await next(node)).toBeNull()
    expect(await node.scheduler.schedules.upcoming('job')).toEqual([])
    await end()
    expect(await next(node)).toBe(12)
    expect(await node.scheduler.schedules.upcoming('job')).toEqual([cluster.startedAt + 12 * MINUTE_MS])
    await cluster.advance(MINUTE_MS)
    await end()
    await cluster.advance(MINUTE_MS)
    expect(starts()).toEqual([1, 12, 13])
  })

  test('begins at its start, where it has one', async () => {
    const start = new Date(cluster.startedAt + 5 * MINUTE_MS).toISOString()
    await started({ trigger: { ...EVERY_MINUTE, start } })
    await cluster.advance(5 * MINUTE_MS)
    await end()
    await cluster.advance(MINUTE_MS)
    expect(starts()).toEqual([5, 6])
  })

  test('counts from the end of a run that had to be taken over from a dead node', async () => {
    const first = await started()
    const second = await cluster.node({ tasks: [held.task] })
    await cluster.advance(MINUTE_MS)
    const doomed = held.last.context.run.id
    first.kill()
    await cluster.advance(MINUTE_MS)
    expect(held.attempts).toHaveLength(2)
    expect(held.last.context.run.id).toBe(doomed)
    expect(await next(second)).toBeNull()
    await end()
    expect(await next(second)).toBe(3)
  })

  test('survives that every node dies while its run is open', async () => {
    const first = await started()
    await cluster.advance(MINUTE_MS)
    first.kill()
    await cluster.advance(60 * MINUTE_MS)
    const second = await cluster.node({ tasks: [held.task] })
    await cluster.advance(MINUTE_MS)
    await end()
    expect(await next(second)).toBe(63)
    await cluster.advance(MINUTE_MS)
    expect(starts()).toEqual([1, 1, 63])
  })

  test('waits for a run that somebody asked for, and counts from its end', async () => {
    const node = await started()
    await node.scheduler.schedules.runNow('job')
    await cluster.settle()
    await cluster.advance(5 * MINUTE_MS)
    expect(held.attempts).toHaveLength(1)
    await end()
    expect(await next(node)).toBe(6)
  })

  test('that was not fired in time is caught up like any other, and one fire time is missed at most', async () => {
    const node = await started({ catchUp: 'none' })
    await cluster.pass(node.scheduler.stop())
    await cluster.advance(60 * MINUTE_MS)
    const later = await cluster.node({ tasks: [held.task] })
    await cluster.settle()
    const [missed, ...others] = await cluster.runs()
    expect(missed).toMatchObject({ status: 'missed', missed: { count: 1, exact: true } })
    expect(others).toEqual([])
    expect(await next(later)).toBe((cluster.since(missed!.endedAt!) + MINUTE_MS) / MINUTE_MS)
  })

  test('stops at maxFires, and at its end', async () => {
    const node = await started({ maxFires: 2 })
    await cluster.advance(MINUTE_MS)
    await end()
    await cluster.advance(MINUTE_MS)
    expect(await node.scheduler.schedules.get('job')).toMatchObject({ state: 'finished', nextFireTime: null })
    await end()
    await cluster.advance(5 * MINUTE_MS)
    expect(starts()).toEqual([1, 2])

    const end2 = new Date(cluster.clock.now() + 2.5 * MINUTE_MS).toISOString()
    await cluster.schedule(node, { id: 'ending', task: held.task, trigger: EVERY_MINUTE, end: end2 })
    await cluster.advance(MINUTE_MS)
    await cluster.advance(MINUTE_MS)
    await end()
    await cluster.advance(5 * MINUTE_MS)
    expect(await cluster.runs('ending')).toHaveLength(1)
    expect(await node.scheduler.schedules.get('ending')).toMatchObject({ state: 'finished', fires: 1 })
  })

  test('waits until the dates that it leaves out are over', async () => {
    const day = new Date(cluster.startedAt).toISOString().slice(0, 10)
    const midnight = Date.parse(`${day}T00:00:00Z`) + 24 * 60 * MINUTE_MS
    const node = await started({ trigger: { ...EVERY_MINUTE, exclude: { dates: [day] } } })
    expect(await next(node)).toBe(cluster.since(midnight) / MINUTE_MS)
    await node.scheduler.schedules.runNow('job')
    await cluster.settle()
    await end()
    await cluster.advance(2 * MINUTE_MS)
    expect(held.attempts).toHaveLength(1)
    cluster.clock.set(midnight - 5000)
    await cluster.advance(5001)
    expect(held.attempts).toHaveLength(2)
    expect((await cluster.runs()).filter(({ kind }) => kind === 'scheduled')).toHaveLength(1)
  })

  test('has no jitter: it would only lengthen the delay', async () => {
    const node = await started({ jitterMs: 30_000 })
    const schedule = await node.scheduler.schedules.get('job')
    expect(schedule!.dueAt).toBe(schedule!.nextFireTime)
    await cluster.advance(MINUTE_MS)
    await end()
    await cluster.advance(MINUTE_MS)
    expect(starts()).toEqual([1, 2])
  })

  test('resumed while its run is still open fires after that, and not before', async () => {
    const node = await started()
    await cluster.advance(MINUTE_MS)
    await node.scheduler.schedules.pause('job')
    await node.scheduler.schedules.resume('job')
    await cluster.advance(5 * MINUTE_MS)
    expect(held.attempts).toHaveLength(1)
    await end()
    expect(await next(node)).toBe(7)
  })

  test('edited goes on by its new length', async () => {
    const node = await started()
    await cluster.advance(MINUTE_MS)
    await node.scheduler.schedules.patch('job', { trigger: { ...EVERY_MINUTE, every: { minutes: 3 } } })
    await end()
    expect(await next(node)).toBe(4)
    await node.scheduler.schedules.patch('job', { trigger: { kind: 'interval', every: { minutes: 10 } } })
    await cluster.advance(20 * MINUTE_MS)
    expect(held.attempts.length).toBeGreaterThan(1)
  })
})
