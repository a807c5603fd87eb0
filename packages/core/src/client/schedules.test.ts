import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTask } from '../domain/define-task.js'
import { TestCluster, type TestMember } from '../testing/test-cluster.js'
import type { ScheduleClient } from './types.js'

const task = defineTask({ name: 'report', run: () => {} })
const strict = defineTask({ name: 'mail', input: z.object({ to: z.string() }), run: () => {} })
const every = (seconds: number): { kind: string; every: { seconds: number } } => ({
  kind: 'interval',
  every: { seconds },
})
const daily = { id: 'daily', task: 'report', trigger: every(100) }

let cluster: TestCluster
let member: TestMember
let schedules: ScheduleClient

beforeEach(async () => {
  cluster = new TestCluster()
  member = await cluster.node({ tasks: [task, strict], start: false })
  schedules = member.scheduler.schedules
})

const iso = (afterMs: number): string => new Date(cluster.startedAt + afterMs).toISOString()
const next = async (id = 'daily'): Promise<number | null> => {
  const at = (await schedules.get(id))!.nextFireTime
  return at === null ? null : cluster.since(at)
}

/** Writes a state that only firing would bring about. */
async function force(state: 'finished' | 'broken'): Promise<void> {
  const existing = (await schedules.get('daily'))!
  const [answer] = await cluster.store.putSchedules([
    {
      definition: existing.definition,
      state,
      stateReason: 'forced',
      expect: existing.revision,
      timing: state === 'finished' ? null : 'keep',
    },
  ])
  expect(answer!.outcome).toBe('updated')
}

describe('put', () => {
  test('creates a schedule that fires at its first fire time after now', async () => {
    await cluster.advance(30_000)
    expect(await schedules.put({ ...daily, task })).toMatchObject({
      id: 'daily',
      state: 'active',
      revision: 1,
      definition: daily,
      nextFireTime: cluster.startedAt + 100_000,
      fires: 0,
      lastRun: null,
    })
  })

  test('of the same again writes nothing, and the next fire time stays, also while time passes', async () => {
    const first = await schedules.put({ ...daily, trigger: every(7), jitterMs: 500 })
    await cluster.advance(20_000)
    expect(await schedules.put({ ...daily, trigger: every(7), jitterMs: 500 })).toEqual(first)
    expect(
      await schedules.put({
        trigger: { every: { seconds: 7 }, kind: 'interval' },
        jitterMs: 500,
        task: 'report',
        id: 'daily',
      }),
    ).toEqual(first)
  })

  test.each([
    ['input', { input: { a: 1 } }],
    ['description', { description: 'Daily report' }],
    ['overlap', { overlap: 'allow' as const }],
    ['maxFires', { maxFires: 5 }],
    ['retry', { retry: { maxAttempts: 2 } }],
    ['priority', { priority: 5 }],
  ])('with another %s keeps the next fire time, also one that is overdue', async (_field, changes) => {
    await schedules.put(daily)
    await cluster.advance(130_000)
    expect(await schedules.put({ ...daily, ...changes })).toMatchObject({ revision: 2, state: 'active' })
    expect(await next()).toBe(100_000)
  })

  test.each([
    ['trigger', { trigger: every(80) }, 160_000],
    ['start', { start: iso0(500_000) }, 500_000],
    ['jitter', { jitterMs: 10 }, 200_000],
  ])('with another %s goes on at the first fire time after now', async (_field, changes, at) => {
    await schedules.put(daily)
    await cluster.advance(130_000)
    await schedules.put({ ...daily, ...changes })
    expect(await next()).toBe(at)
  })

  test('may keep what is there, or refuse to touch it', async () => {
    const first = await schedules.put(daily)
    expect(await schedules.put({ ...daily, trigger: every(5) }, { ifExists: 'keep' })).toEqual(first)
    await expect(schedules.put(daily, { ifExists: 'error' })).rejects.toMatchObject({
      code: 'SCHEDULE_EXISTS',
    })
    expect(await schedules.put({ ...daily, id: 'new' }, { ifExists: 'error' })).toMatchObject({ revision: 1 })
  })

  test('may depend on the revision that the caller saw', async () => {
    await schedules.put(daily)
    await schedules.put({ ...daily, description: 'two' }, { ifRevision: 1 })
    await expect(schedules.put({ ...daily, description: 'three' }, { ifRevision: 1 })).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
      message: expect.stringContaining('revision 2, not 1'),
    })
    await expect(schedules.put({ ...daily, id: 'none' }, { ifRevision: 1 })).rejects.toMatchObject({
      code: 'SCHEDULE_NOT_FOUND',
    })
    expect((await schedules.get('daily'))!.definition.description).toBe('two')
  })

  test('over a paused schedule leaves it paused, with its reason', async () => {
    await schedules.put(daily)
    await schedules.pause('daily', { reason: 'holiday' })
    expect(await schedules.put({ ...daily, trigger: every(5) })).toMatchObject({
      state: 'paused',
      stateReason: 'holiday',
    })
    expect(await schedules.put({ ...daily, trigger: every(5), description: 'x' })).toMatchObject({
      state: 'paused',
    })
  })

  test('may write it as paused, whatever was there', async () => {
    expect(await schedules.put(daily, { paused: true })).toMatchObject({ state: 'paused' })
    await schedules.put({ ...daily, id: 'active' })
    expect(await schedules.put({ ...daily, id: 'active' }, { paused: true })).toMatchObject({
      state: 'paused',
    })
    for (const state of ['finished', 'broken'] as const) {
      await schedules.delete('daily')
      await schedules.put(daily)
      await force(state)
      expect(await schedules.put({ ...daily, trigger: every(5) }, { paused: true }), state).toMatchObject({
        state: 'paused',
      })
    }
  })

  test('over a finished schedule revives it with a new trigger, and only with that', async () => {
    await schedules.put({ ...daily, trigger: { kind: 'once', at: iso(1000) } })
    await cluster.advance(100_000)
    await force('finished')
    const again = { ...daily, trigger: { kind: 'once', at: iso(1000) } }
    expect(await schedules.put(again)).toMatchObject({ state: 'finished' })
    expect(await schedules.put({ ...again, description: 'x' })).toMatchObject({
      state: 'finished',
      nextFireTime: null,
    })
    expect(await schedules.put({ ...again, trigger: { kind: 'once', at: iso(200_000) } })).toMatchObject({
      state: 'active',
    })
    expect(await next()).toBe(200_000)
  })

  test('over one that has used up its maxFires says so instead of never firing', async () => {
    const runner = await cluster.node({ tasks: [task] })
    await schedules.put({ ...daily, maxFires: 1 })
    await cluster.advance(100_000)
    expect(await schedules.get('daily')).toMatchObject({ state: 'finished', fires: 1 })
    await runner.scheduler.stop()
    expect(await schedules.put({ ...daily, maxFires: 1, description: 'x' })).toMatchObject({
      state: 'finished',
    })
    await expect(schedules.put({ ...daily, maxFires: 1, trigger: every(5) })).rejects.toMatchObject({
      code: 'NEVER_FIRES',
      problems: [{ path: 'maxFires' }],
    })
    expect(await schedules.put({ ...daily, maxFires: 2 })).toMatchObject({ state: 'active' })
  })

  test('over a broken schedule mends it, also when nothing was changed', async () => {
    await schedules.put(daily)
    await force('broken')
    expect(await schedules.put(daily)).toMatchObject({ state: 'active', stateReason: null })
  })

  test('does not change what it was given', async () => {
    const input = Object.freeze({
      ...daily,
      task,
      start: new Date(cluster.startedAt),
      input: Object.freeze({ a: 1 }),
    })
    await schedules.put(input)
    expect(input.task).toBe(task)
  })
})

/** An instant after the clock of a fresh cluster, for tables. */
function iso0(afterMs: number): string {
  return new Date(new TestCluster().startedAt + afterMs).toISOString()
}

describe('put refuses', () => {
  const refused = async (schedule: object, options = {}): Promise<unknown> =>
    schedules.put({ ...daily, ...schedule }, options).then(
      () => 'accepted',
      (error: unknown) => error,
    )

  test('a task that nobody knows, with the one that was meant', async () => {
    expect(await refused({ task: 'reprot' })).toMatchObject({
      code: 'UNKNOWN_TASK',
      problems: [{ path: 'task', message: 'task "reprot" is not known to any node; did you mean report?' }],
    })
    expect(await refused({ task: 'completely-different' })).toMatchObject({
      message: expect.stringContaining('known are: mail, report'),
    })
    expect(await refused({ task: 'reprot' }, { allowUnknownTask: true })).toBe('accepted')
  })

  test('but not one that another live node knows', async () => {
    await cluster.node({ tasks: [defineTask({ name: 'elsewhere', run: () => {} })] })
    expect(await refused({ task: 'elsewhere' })).toBe('accepted')
  })

  test('an input that does not fit its task, naming the field', async () => {
    expect(await refused({ task: strict, input: { to: 5 } })).toMatchObject({
      code: 'INVALID_INPUT',
      problems: [{ path: 'input.to', message: expect.stringContaining('(it is 5)') }],
    })
    expect(await refused({ task: strict })).toMatchObject({ code: 'INVALID_INPUT' })
    expect(await refused({ task: strict, input: { to: 'anna' } })).toBe('accepted')
  })

  test('a trigger that cannot be understood, by its path', async () => {
    expect(await refused({ trigger: { kind: 'interval', every: { seconds: -1 } } })).toMatchObject({
      code: 'INVALID_TRIGGER',
      problems: [{ path: 'trigger.every.seconds' }],
    })
  })

  test('a time that has passed by more than the grace, and no other', async () => {
    await cluster.advance(100_000)
    const at = (ms: number): object => ({ id: `at-${ms}`, trigger: { kind: 'once', at: iso(ms) } })
    expect(await refused(at(39_999))).toMatchObject({ code: 'NEVER_FIRES', problems: [{ path: 'trigger' }] })
    expect(await refused(at(40_000))).toMatchObject({ code: 'NEVER_FIRES' })
    expect(await refused(at(40_001))).toBe('accepted')
    expect(await refused(at(100_000))).toBe('accepted')
    expect(await refused({ ...at(50_000), misfireGraceMs: 1000 })).toMatchObject({ code: 'NEVER_FIRES' })
    expect(await refused({ id: 'ended', end: iso(10_000) })).toMatchObject({
      code: 'NEVER_FIRES',
      message: expect.stringContaining(iso(10_000)),
    })
  })
})

test('a time that has only just passed still fires', async () => {
  await cluster.advance(100_000)
  await schedules.put({ ...daily, trigger: { kind: 'once', at: iso(70_000) } })
  await cluster.node({ tasks: [task] })
  await cluster.advance(1000)
  expect(await cluster.runs('daily')).toMatchObject([
    { status: 'succeeded', fireTime: cluster.startedAt + 70_000 },
  ])
})

describe('putting many', () => {
  test('answers in their order', async () => {
    const ids = Array.from({ length: 1200 }, (_, i) => `job-${(i * 7) % 1200}`)
    const answers = await schedules.putAll(ids.map((id) => ({ ...daily, id })))
    expect(answers.map(({ id }) => id)).toEqual(ids)
  })

  test.each([
    ['is no definition', { task: 'report', trigger: every(-1) }, 'INVALID_TRIGGER'],
    ['has an unknown task', { ...daily, task: 'nobody' }, 'UNKNOWN_TASK'],
    ['has a wrong input', { ...daily, task: strict, input: 5 }, 'INVALID_INPUT'],
    ['never fires', { ...daily, trigger: { kind: 'once', at: '2020-01-01T00:00:00Z' } }, 'NEVER_FIRES'],
  ])('writes nothing when the last one %s', async (_what, wrong, code) => {
    const good = Array.from({ length: 700 }, (_, i) => ({ ...daily, id: `job-${i}` }))
    await expect(schedules.putAll([...good, { ...wrong, id: 'last' }])).rejects.toMatchObject({ code })
    expect((await schedules.list()).items).toEqual([])
  })

  test('writes nothing when one exists and that is refused', async () => {
    await schedules.put({ ...daily, id: 'job-600' })
    const all = Array.from({ length: 700 }, (_, i) => ({ ...daily, id: `job-${i}` }))
    await expect(schedules.putAll(all, { ifExists: 'error' })).rejects.toMatchObject({
      code: 'SCHEDULE_EXISTS',
    })
    expect((await schedules.list()).items).toHaveLength(1)
  })

  test('refuses an id that is given twice, before anything is written', async () => {
    await expect(schedules.putAll([daily, daily])).rejects.toMatchObject({
      problems: [{ path: 'id', rule: 'id.once' }],
    })
    expect(await schedules.get('daily')).toBeNull()
  })

  test('of nothing is nothing', async () => {
    expect(await schedules.putAll([])).toEqual([])
  })
})
