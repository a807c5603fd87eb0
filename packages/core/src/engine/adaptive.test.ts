import { beforeEach, describe, expect, test } from 'vitest'
import type { Run } from '../domain/run.js'
import { defineTask } from '../domain/define-task.js'
import { Held, TestCluster, type TestMember } from '../testing/test-cluster.js'
import { SECOND_MS } from '../triggers/civil.js'

let cluster: TestCluster

beforeEach(() => {
  cluster = new TestCluster()
  cluster.load = 0
})

const quick = defineTask({ name: 'quick', run: () => {} })
const BUSY = 0.9
const ADAPTIVE = { maxIntervalMs: 60 * SECOND_MS } as const

async function started(schedule: object = {}): Promise<TestMember> {
  const node = await cluster.node({ tasks: [quick] })
  await cluster.schedule(node, { task: quick, adaptive: ADAPTIVE, ...schedule })
  return node
}

/** Sets the load, and lets every node learn of it without a fire in between. */
async function become(load: number): Promise<void> {
  cluster.load = load
  await cluster.advance(4 * SECOND_MS)
}

/** Lets so many seconds pass, one by one. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) await cluster.advance(SECOND_MS)
}

const seconds = (runs: readonly Run[]): number[] => runs.map((run) => cluster.since(run.fireTime) / SECOND_MS)
const stretches = (runs: readonly Run[]): (number | null)[] =>
  runs.map(({ stretchedMs }) => (stretchedMs === null ? null : stretchedMs / SECOND_MS))

const stored = async (node: TestMember) => (await node.scheduler.schedules.get('job'))!

describe('an adaptive schedule', () => {
  test('fires further and further apart while the load is high, and comes back when it falls', async () => {
    const node = await started()
    await pass(26)
    await become(BUSY)
    await pass(170)
    cluster.load = 0
    await pass(200)
    const runs = await cluster.runs()
    expect(seconds(runs).slice(0, 12)).toEqual([10, 20, 30, 50, 80, 130, 190, 250, 290, 320, 340, 350])
    expect(stretches(runs).slice(0, 12)).toEqual([null, null, null, 20, 30, 50, 60, 60, 40, 30, 20, null])
    expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(['succeeded']))
    expect(node.events.filter(({ type }) => type === 'run.missed')).toEqual([])
  })

  test('shows how far it is stretched, and what it would fire next, and keeps its definition', async () => {
    const node = await started()
    const before = await stored(node)
    expect(before.stretchedMs).toBeNull()
    await pass(6)
    await become(BUSY)
    const after = await stored(node)
    expect(after.stretchedMs).toBe(20 * SECOND_MS)
    expect(after.definition).toEqual(before.definition)
    expect(after.revision).toBe(before.revision)
    const upcoming = await node.scheduler.schedules.upcoming('job', { count: 3 })
    expect(upcoming.map((at) => cluster.since(at) / SECOND_MS)).toEqual([30, 50, 70])
  })

  test('stays as it is while the load is neither high nor low', async () => {
    const node = await started()
    await pass(6)
    await become(BUSY)
    await become(0.6)
    await pass(66)
    expect(seconds(await cluster.runs())).toEqual([10, 30, 50, 70])
    expect((await stored(node)).stretchedMs).toBe(20 * SECOND_MS)
  })

  test('that another node goes on with is stretched as far as it was', async () => {
    const first = await started()
    await pass(6)
    await become(BUSY)
    await pass(25)
    expect((await stored(first)).stretchedMs).toBe(30 * SECOND_MS)
    first.kill()
    cluster.load = 0.6
    const second = await cluster.node({ tasks: [quick] })
    await pass(65)
    expect(seconds(await cluster.runs())).toEqual([10, 30, 60, 90])
    expect(stretches(await cluster.runs())).toEqual([null, 20, 30, 30])
    expect((await stored(second)).stretchedMs).toBe(30 * SECOND_MS)
  })

  test('that nobody could fire for a while misses what was due, and not what was left out', async () => {
    const first = await started({ catchUp: 'all', misfireGraceMs: 0, catchUpLimit: 2, overlap: 'allow' })
    await pass(6)
    await become(BUSY)
    await cluster.pass(first.scheduler.stop())
    cluster.load = 0.6
    await cluster.advance(145 * SECOND_MS)
    await cluster.node({ tasks: [quick] })
    const runs = await cluster.runs()
    // 30, 50, … 150 were due; the newest two of them are caught up.
    const missed = runs.find(({ status }) => status === 'missed')!
    expect(missed.missed).toMatchObject({
      count: 5,
      exact: true,
      from: cluster.startedAt + 30_000,
      to: cluster.startedAt + 110_000,
    })
    const fired = runs.filter(({ status }) => status === 'succeeded')
    expect(seconds(fired)).toEqual([10, 130, 150])
    expect(stretches(fired)).toEqual([null, 20, 20])
  })

  test('that is late because of the load does not fire all the more', async () => {
    await started({ overlap: 'allow' })
    await pass(6)
    await become(BUSY)
    // 30 is due, and found 25 s late.
    cluster.clock.set(cluster.startedAt + 55_000)
    await pass(1)
    expect(seconds(await cluster.runs())).toEqual([10, 30])
    expect(stretches(await cluster.runs())).toEqual([null, 20])
  })

  test.each([
    [
      'pausing and resuming',
      async (node: TestMember) => {
        await node.scheduler.schedules.pause('job')
        await node.scheduler.schedules.resume('job')
      },
    ],
    [
      'an edit of something else',
      async (node: TestMember) => {
        await node.scheduler.schedules.patch('job', { description: 'other' })
      },
    ],
    [
      'an edit of the rule itself',
      async (node: TestMember) => {
        await node.scheduler.schedules.patch('job', { adaptive: { ...ADAPTIVE, above: 0.8 } })
      },
    ],
  ] as const)('does not move its next fire time by %s', async (_, edit) => {
    const node = await started()
    await pass(6)
    await become(BUSY)
    const before = await stored(node)
    await edit(node)
    const after = await stored(node)
    expect([after.nextFireTime, after.stretchedMs]).toEqual([before.nextFireTime, 20 * SECOND_MS])
    await pass(25)
    expect(stretches(await cluster.runs())).toEqual([null, 20])
  })

  test('that is adaptive no more fires at its next fire time, and then at its own interval', async () => {
    const node = await started()
    await pass(6)
    await become(BUSY)
    await node.scheduler.schedules.patch('job', { adaptive: null })
    await pass(41)
    expect(seconds(await cluster.runs())).toEqual([10, 30, 40, 50])
    expect(stretches(await cluster.runs())).toEqual([null, 20, null, null])
  })

  test('with another interval begins with that', async () => {
    const node = await started()
    await pass(6)
    await become(BUSY)
    await node.scheduler.schedules.patch('job', { trigger: { kind: 'interval', every: { seconds: 7 } } })
    expect((await stored(node)).stretchedMs).toBeNull()
  })

  test('leaves out what its calendar says, also when that changes while it is stretched', async () => {
    const day = (offset: number): string =>
      new Date(cluster.startedAt + offset * 86_400_000).toISOString().slice(0, 10)
    const node = await cluster.node({ tasks: [quick] })
    const { calendars } = node.scheduler
    await calendars.put({ name: 'holidays', dates: [day(9)] })
    const trigger = { kind: 'interval', every: { hours: 12 }, exclude: { calendar: 'holidays' } }
    await cluster.schedule(node, { task: quick, trigger, adaptive: { maxIntervalMs: 10 * 86_400_000 } })
    const first = (await stored(node)).nextFireTime!
    await become(BUSY)
    cluster.clock.set(first - 1000)
    await cluster.advance(2000)
    const spread = await stored(node)
    expect(spread.nextFireTime).toBe(first + 86_400_000)
    expect(spread.stretchedMs).toBe(86_400_000)

    await calendars.put({ name: 'holidays', dates: [day(9), day(10)] })
    expect(await stored(node)).toMatchObject({ nextFireTime: first + 86_400_000, stretchedMs: 86_400_000 })
    const excluded = new Date(first + 86_400_000).toISOString().slice(0, 10)
    await calendars.put({ name: 'holidays', dates: [excluded] })
    const moved = await stored(node)
    expect(moved.nextFireTime).toBe(Date.parse(`${excluded}T00:00:00Z`) + 86_400_000)
    expect(moved.stretchedMs).toBe(86_400_000)
  })

  test('passes over a date that a calendar has come to exclude as far stretched as it was', async () => {
    const node = await cluster.node({ tasks: [quick] })
    await node.scheduler.calendars.put({ name: 'holidays', dates: ['2001-01-01'] })
    const trigger = { kind: 'interval', every: { hours: 12 }, exclude: { calendar: 'holidays' } }
    await cluster.schedule(node, { task: quick, trigger, adaptive: { maxIntervalMs: 10 * 86_400_000 } })
    const first = (await stored(node)).nextFireTime!
    await become(BUSY)
    cluster.clock.set(first - 1000)
    await cluster.advance(2000)
    // Whoever edits the calendar dies before it comes to the schedule.
    const [calendar] = (await cluster.store.getCalendars(['holidays'])).calendars
    const excluded = new Date(first + 86_400_000).toISOString().slice(0, 10)
    const definition = { name: 'holidays', dates: [excluded] }
    await cluster.store.putCalendar({ definition, expect: calendar!.revision })
    cluster.load = 0.6
    cluster.clock.set(first + 86_400_000 - 1000)
    await cluster.advance(2000)
    const passed = await stored(node)
    expect(passed.nextFireTime).toBe(Date.parse(`${excluded}T00:00:00Z`) + 86_400_000)
    expect(passed.stretchedMs).toBe(86_400_000)
    expect(await cluster.runs()).toHaveLength(1)
  })

  test('is a schedule like any other while the load is not known', async () => {
    const node = await cluster.node({ tasks: [quick], start: false })
    node.faults.refuse('heartbeat', Infinity)
    await cluster.schedule(node, { task: quick, adaptive: ADAPTIVE, overlap: 'allow' })
    await node.scheduler.start()
    await pass(30)
    expect(seconds(await cluster.runs())).toEqual([10, 20, 30])
  })

  test('never fires further apart than it may', async () => {
    await started({ adaptive: { maxIntervalMs: 35 * SECOND_MS, factor: 10 } })
    await pass(6)
    await become(BUSY)
    await pass(71)
    expect(seconds(await cluster.runs())).toEqual([10, 40, 70])
  })

  test.each([
    [{ kind: 'cron', expression: '* * * * *' }],
    [{ kind: 'interval', after: 'completion', every: { seconds: 10 } }],
    [{ kind: 'any', triggers: [{ kind: 'interval', every: { seconds: 10 } }] }],
  ])('is refused with the trigger %j, naming the field', async (trigger) => {
    const node = await cluster.node({ tasks: [quick] })
    await expect(cluster.schedule(node, { task: quick, trigger, adaptive: ADAPTIVE })).rejects.toMatchObject({
      code: 'INVALID_SCHEDULE',
      problems: [
        { path: 'adaptive', rule: 'adaptive.interval', message: expect.stringContaining('interval') },
      ],
    })
  })
})

describe('the load of a cluster', () => {
  test('rises with the slots in use, and with it the interval', async () => {
    cluster.load = null
    const held = new Held('held')
    const node = await cluster.node({ tasks: [held.task, quick], node: { slots: 10 } })
    await cluster.schedule(node, {
      id: 'hog',
      task: held.task,
      overlap: 'allow',
      timeoutMs: null,
      trigger: { kind: 'interval', every: { seconds: 1 } },
    })
    await pass(30)
    expect(held.attempts).toHaveLength(10)
    const [record] = await node.scheduler.listNodes()
    expect(record!.slotsInUse).toBe(10)
    expect(record!.load).toBeGreaterThan(0.9)
    await cluster.schedule(node, { task: quick, adaptive: ADAPTIVE })
    await pass(21)
    expect((await stored(node)).stretchedMs).not.toBeNull()
  })

  test('rises with how late a node finds what is due', async () => {
    cluster.load = null
    const node = await started()
    await pass(9)
    const held = node.faults.hold('peek')
    await pass(3)
    held.release()
    await pass(4)
    expect(await cluster.runs()).toHaveLength(1)
    const [record] = await node.scheduler.listNodes()
    expect(record!.latenessMs).toBe(2 * SECOND_MS)
    expect(record!.load).toBeGreaterThanOrEqual(0.5)
  })

  test('does not rise with what fell due before a node was there', async () => {
    cluster.load = null
    const first = await started()
    await cluster.pass(first.scheduler.stop())
    await cluster.advance(3600 * SECOND_MS)
    const second = await cluster.node({ tasks: [quick] })
    await pass(4)
    const record = (await second.scheduler.listNodes()).find(({ alive }) => alive)
    expect(record!.latenessMs).toBe(0)
  })
})
