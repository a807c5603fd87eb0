import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Clock } from '../domain/clock.js'
import { defineTask } from '../domain/define-task.js'
import type { ScheduleDefinition } from '../domain/schedule.js'
import type { TaskContext } from '../domain/task.js'
import type { HeldCall } from '../testing/faulty-store.js'
import { Held, TestCluster, type TestMember } from '../testing/test-cluster.js'

let cluster: TestCluster
let fired: number[]
const note = defineTask({
  name: 'note',
  run: ({ fireTime }: TaskContext) => void fired.push(fireTime.getTime()),
})

beforeEach(() => {
  cluster = new TestCluster()
  fired = []
})

const iso = (afterMs: number): string => new Date(cluster.startedAt + afterMs).toISOString()
const firedAfter = (): number[] => fired.map((at) => cluster.since(at))

/** Writes a definition as another release, or another hand, might have. */
async function store(definition: Partial<ScheduleDefinition>, dueInMs = 1000): Promise<void> {
  const at = cluster.clock.now() + dueInMs
  await cluster.store.putSchedules([
    {
      definition: { id: 'strange', task: 'note', trigger: { kind: 'once' }, ...definition },
      state: 'active',
      stateReason: null,
      expect: 'absent',
      timing: { fireTime: at, dueAt: at, tzdata: '2026a', calendars: null, afterRunMs: null },
    },
  ])
  await cluster.settle()
}

describe('fires', () => {
  test('happen at their time, to the millisecond', async () => {
    const node = await cluster.node({ tasks: [note] })
    await cluster.schedule(node, { task: note, trigger: { kind: 'interval', every: { milliseconds: 777 } } })
    await cluster.advance(10_000)
    const runs = await cluster.runs()
    expect(runs.length).toBeGreaterThan(10)
    for (const run of runs) {
      expect(run).toMatchObject({ status: 'succeeded', attempt: 1, node: 'node-1' })
      expect(run.startedAt! - run.fireTime).toBe(0)
    }
    expect(fired).toEqual(runs.map(({ fireTime }) => fireTime))
  })

  test('wake a node from its sleep when another one writes an earlier schedule', async () => {
    await cluster.node({ tasks: [note] })
    const other = await cluster.node({ start: false })
    await cluster.schedule(other, { task: note, trigger: { kind: 'interval', every: { milliseconds: 50 } } })
    await cluster.advance(50)
    expect(firedAfter()).toEqual([50])
  })

  test('happen when due, which jitter moves, and are known by their fire time', async () => {
    const node = await cluster.node({ tasks: [note] })
    await cluster.schedule(node, { task: note, jitterMs: 5000 })
    const schedule = (await node.scheduler.schedules.get('job'))!
    expect(schedule.dueAt! - schedule.nextFireTime!).toBeGreaterThan(0)
    await cluster.advance(schedule.dueAt! - cluster.clock.now() - 1)
    expect(fired).toEqual([])
    await cluster.advance(1)
    expect(firedAfter()).toEqual([10_000])
    expect((await cluster.run(cluster.id(10_000))).startedAt).toBe(schedule.dueAt)
  })

  test('stop at maxFires, and the schedule is finished', async () => {
    const node = await cluster.node({ tasks: [note] })
    await cluster.schedule(node, { task: note, maxFires: 3 })
    await cluster.advance(100_000)
    expect(firedAfter()).toEqual([10_000, 20_000, 30_000])
    expect(await node.scheduler.schedules.get('job')).toMatchObject({ state: 'finished', nextFireTime: null })
  })

  test('happen at their time on nodes whose clocks are minutes apart', async () => {
    const skewed = (ms: number): Clock => ({
      now: () => cluster.clock.now() + ms,
      monotonic: () => cluster.clock.monotonic(),
      setTimer: (wake, delayMs) => cluster.clock.setTimer(wake, delayMs),
    })
    const ahead = await cluster.node({ tasks: [note], clock: skewed(300_000) })
    await cluster.node({ tasks: [note], clock: skewed(-300_000) })
    await cluster.schedule(ahead, { task: note })
    await ahead.scheduler.schedules.put({
      id: 'single',
      task: note,
      trigger: { kind: 'once', at: iso(25_000) },
    })
    await cluster.advance(20_000)
    await ahead.scheduler.stop()
    await cluster.advance(10_000)
    expect(firedAfter()).toEqual([10_000, 20_000, 25_000, 30_000])
    for (const run of await cluster.runs()) expect(run.startedAt).toBe(run.fireTime)
  })

  test('of thousands of schedules at one instant all happen, once', async () => {
    const node = await cluster.node({ tasks: [note] })
    const schedules = Array.from({ length: 2000 }, (_, i) => ({
      id: `job-${i}`,
      task: note,
      trigger: { kind: 'interval', every: { minutes: 1 } },
    }))
    await node.scheduler.schedules.putAll(schedules)
    await cluster.advance(60_000)
    await cluster.pass(until(() => fired.length >= 2000))
    expect(fired).toHaveLength(2000)
  })

  describe('are looked for while others are being committed', () => {
    let node: TestMember
    let commit: HeldCall
    let looks: number

    beforeEach(async () => {
      node = await cluster.node({ tasks: [note], node: { slots: 2000 } })
      const schedules = Array.from({ length: 1200 }, (_, i) => ({
        id: `job-${i}`,
        task: note,
        trigger: { kind: 'interval', every: { minutes: 1 } },
      }))
      await node.scheduler.schedules.putAll(schedules)
      looks = 0
      const peek = cluster.store.peek.bind(cluster.store)
      vi.spyOn(cluster.store, 'peek').mockImplementation(async (limit, shards) => {
        const answer = await peek(limit, shards)
        if (answer.due.length > 0) looks++
        return answer
      })
      commit = node.faults.hold('commit')
    })

    async function allFire(): Promise<void> {
      commit.release()
      await cluster.pass(until(() => fired.length >= 1200))
      await cluster.settle()
      expect(fired).toHaveLength(1200)
    }

    test('and what is seen twice by that fires once', async () => {
      await cluster.advance(60_000)
      await commit.arrived
      expect(looks).toBe(2)
      await allFire()
    })

    test('and a look that fails is repeated', async () => {
      const look = node.faults.hold('peek')
      node.faults.refuse('peek')
      await cluster.advance(60_000)
      look.release()
      await commit.arrived
      await allFire()
    })
  })

  test('go on while a clock of the machine jumps about', async () => {
    const node = await cluster.node({ tasks: [note] })
    await cluster.schedule(node, { task: note, id: 'first' })
    await cluster.advance(10_000)
    cluster.clock.set(cluster.clock.now() - 3_600_000)
    await cluster.advance(5000)
    cluster.clock.set(cluster.startedAt + 15_000)
    await cluster.advance(15_000)
    expect(firedAfter()).toEqual([10_000, 20_000, 30_000])
  })
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => void setImmediate(resolve))
}

describe('a schedule that cannot be computed', () => {
  test('becomes broken, says why, and disturbs no other', async () => {
    const node = await cluster.node({ tasks: [note] })
    await cluster.schedule(node, { task: note })
    await store({ id: 'strange', trigger: { kind: 'cron', expression: 'once in a blue moon' } })
    await cluster.advance(10_000)
    expect(firedAfter()).toEqual([10_000])
    const strange = await node.scheduler.schedules.get('strange')
    expect(strange).toMatchObject({
      state: 'broken',
      stateReason: expect.stringMatching(/^INVALID_TRIGGER: /),
    })
    expect(node.events).toContainEqual({
      type: 'schedule.broken',
      scheduleId: 'strange',
      error: expect.objectContaining({ code: 'INVALID_TRIGGER' }),
    })
    expect(await cluster.runs('strange')).toEqual([])
  })

  test('by a kind of trigger that is unknown is left as it is, for a newer release to fire', async () => {
    const node = await cluster.node({ tasks: [note] })
    await store({ id: 'strange', trigger: { kind: 'lunar', phase: 'full' } })
    await cluster.advance(10_000)
    expect(await node.scheduler.schedules.get('strange')).toMatchObject({
      state: 'active',
      revision: 1,
      definition: { trigger: { kind: 'lunar', phase: 'full' } },
    })
    expect(node.events).toEqual([])
  })

  test('does not make the node unready, however long it has been due', async () => {
    const node = await cluster.node({ tasks: [note] })
    await store({ id: 'strange', trigger: { kind: 'lunar', phase: 'full' } })
    await cluster.advance(600_000)
    expect(await node.scheduler.health()).toMatchObject({ ready: true, overdueMs: 0 })
  })

  test('whose stored due time is earlier than its jitter says is left until then, without a busy loop', async () => {
    const trigger = { kind: 'interval', every: { days: 1 } }
    await store({ id: 'spread', trigger, jitterMs: 3_600_000, misfireGraceMs: 3_600_000 })
    const peek = vi.spyOn(cluster.store, 'peek')
    await cluster.node({ tasks: [note] })
    await cluster.advance(10_000)
    expect(fired).toEqual([])
    // Every 500 ms, and a few more when it is first met.
    expect(peek.mock.calls.length).toBeLessThan(40)
    await cluster.advance(3_600_000)
    expect(firedAfter()).toEqual([1000])
  })

  test('does not delay the others, however many are left to a newer release', async () => {
    const node = await cluster.node({ tasks: [note], node: { slots: 60 } })
    for (let i = 0; i < 400; i++) await store({ id: `strange-${i}`, trigger: { kind: 'lunar' } })
    await cluster.advance(5000)
    await cluster.schedule(node, { task: note, trigger: { kind: 'interval', every: { milliseconds: 1234 } } })
    await cluster.advance(10_000)
    for (const run of await cluster.runs()) expect(run.startedAt! - run.fireTime).toBe(0)
    expect(fired.length).toBeGreaterThan(6)
  })

  test('does not keep the others from being caught up, however many are left to a newer release', async () => {
    const writer = await cluster.node({ start: false })
    for (let i = 0; i < 400; i++) await store({ id: `strange-${i}`, trigger: { kind: 'lunar' } })
    await cluster.schedule(writer, { task: note })
    await cluster.advance(15_000)
    await cluster.node({ tasks: [note], node: { slots: 60 } })
    await cluster.advance(2000)
    expect(firedAfter()).toEqual([10_000])
  })
})

describe('runs of a task that no node here knows', () => {
  test('wait, untouched, until a node comes that does', async () => {
    const node = await cluster.node({ tasks: [] })
    await cluster.schedule(node, { task: 'note', overlap: 'allow' })
    await cluster.advance(20_000)
    expect((await cluster.runs()).map(({ status, attempt }) => [status, attempt])).toEqual([
      ['pending', 0],
      ['pending', 0],
    ])
    await cluster.node({ tasks: [note] })
    await cluster.advance(500)
    expect(firedAfter()).toEqual([10_000, 20_000])
  })
})

describe('after ten minutes of downtime', () => {
  const MINUTE = 60_000

  /** Fires every minute; away from 1:30 to 11:30, with a grace of a minute. */
  async function downtime(catchUp: ScheduleDefinition['catchUp']): Promise<[string, number, unknown][]> {
    const first = await cluster.node({ tasks: [note] })
    await cluster.schedule(first, {
      task: note,
      catchUp,
      overlap: 'allow',
      trigger: { kind: 'interval', every: { minutes: 1 } },
    })
    await cluster.advance(1.5 * MINUTE)
    await cluster.pass(first.scheduler.stop())
    await cluster.advance(11.5 * MINUTE - cluster.since(cluster.clock.now()))
    await cluster.node({ tasks: [note] })
    await cluster.advance(MINUTE)
    const runs = await cluster.runs()
    return runs.map(({ status, fireTime, missed }) => [
      status,
      cluster.since(fireTime) / MINUTE,
      missed === null
        ? null
        : [missed.count, cluster.since(missed.from) / MINUTE, cluster.since(missed.to) / MINUTE],
    ])
  }

  const succeeded = (...minutes: number[]): [string, number, null][] =>
    minutes.map((minute) => ['succeeded', minute, null])

  test('none runs only what is within the grace', async () => {
    expect(await downtime('none')).toEqual([
      ...succeeded(1),
      ['missed', 10, [9, 2, 10]],
      ...succeeded(11, 12),
    ])
  })

  test('latest runs the newest that was missed as well', async () => {
    expect(await downtime('latest')).toEqual([
      ...succeeded(1),
      ['missed', 9, [8, 2, 9]],
      ...succeeded(10, 11, 12),
    ])
  })

  test('earliest runs the oldest that was missed as well', async () => {
    expect(await downtime('earliest')).toEqual([
      ...succeeded(1, 2),
      ['missed', 10, [8, 3, 10]],
      ...succeeded(11, 12),
    ])
  })

  test('all runs everything', async () => {
    expect(await downtime('all')).toEqual(succeeded(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
  })
})

describe('while the last run is still going', () => {
  test('skip leaves a record that says why', async () => {
    const held = new Held('held')
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task })
    await cluster.advance(20_000)
    expect(await cluster.run(cluster.id(20_000))).toMatchObject({
      status: 'skipped',
      error: { code: 'OVERLAP' },
    })
    expect(node.events).toContainEqual({ type: 'run.skipped', runId: cluster.id(20_000), scheduleId: 'job' })
    held.last.succeed()
    await cluster.advance(10_000)
    expect(held.attempts.map((attempt) => attempt.context.run.id)).toEqual([
      cluster.id(10_000),
      cluster.id(30_000),
    ])
  })

  test('cancelOther aborts it, and the new one starts when it has ended', async () => {
    const held = new Held('held')
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, overlap: 'cancelOther' })
    await cluster.advance(20_000)
    const first = held.attempts[0]!
    expect(first.context.signal.reason).toMatchObject({ code: 'CANCELLED' })
    expect(held.attempts).toHaveLength(1)
    first.fail(first.context.signal.reason)
    await cluster.settle()
    expect(held.last.context.run.id).toBe(cluster.id(20_000))
    held.last.succeed('done')
    await cluster.settle()
    expect((await cluster.runs()).map(({ status }) => status)).toEqual(['cancelled', 'succeeded'])
  })

  test('bufferAll lets all of them wait, and runs them one by one in order', async () => {
    const held = new Held('held')
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, overlap: 'bufferAll', maxFires: 4 })
    await cluster.advance(60_000)
    for (let n = 1; n <= 4; n++) {
      expect(held.attempts).toHaveLength(n)
      expect(held.last.context.run.id).toBe(cluster.id(n * 10_000))
      held.last.succeed()
      await cluster.settle()
    }
    expect((await cluster.runs()).map(({ status }) => status)).toEqual(Array(4).fill('succeeded'))
  })
})

test('a schedule whose runs fail again and again is paused, and says so', async () => {
  const failing = defineTask({
    name: 'failing',
    run() {
      throw new Error('no')
    },
  })
  const node = await cluster.node({ tasks: [failing] })
  await cluster.schedule(node, { task: failing, pauseAfterFailures: 3 })
  await cluster.advance(60_000)
  expect((await cluster.runs()).map(({ status }) => status)).toEqual(['failed', 'failed', 'failed'])
  expect(await node.scheduler.schedules.get('job')).toMatchObject({
    state: 'paused',
    consecutiveFailures: 3,
    stateReason: expect.stringContaining('3'),
  })
})
