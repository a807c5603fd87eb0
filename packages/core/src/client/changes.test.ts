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

describe('patch', () => {
  beforeEach(async () => {
    await schedules.put({
      ...daily,
      description: 'old',
      overlap: 'allow',
      retry: { maxAttempts: 2 },
      input: 1,
    })
  })

  test('changes what it names and leaves the rest', async () => {
    expect((await schedules.patch('daily', { description: 'new' })).definition).toEqual({
      ...daily,
      description: 'new',
      overlap: 'allow',
      retry: { maxAttempts: 2 },
      input: 1,
    })
  })

  test('goes back to the default by null, except where null is a value', async () => {
    const { definition } = await schedules.patch('daily', {
      description: null,
      overlap: null,
      retry: null,
      input: null,
    })
    expect(definition).toEqual({ ...daily, retry: null, input: null })
  })

  test('that changes nothing writes nothing', async () => {
    expect((await schedules.patch('daily', { description: 'old' })).revision).toBe(1)
    expect((await schedules.patch('daily', {})).revision).toBe(1)
  })

  test('keeps or moves the next fire time, as put does', async () => {
    await cluster.advance(130_000)
    await schedules.patch('daily', { input: 2 })
    expect(await next()).toBe(100_000)
    await schedules.patch('daily', { trigger: every(80) })
    expect(await next()).toBe(160_000)
  })

  test('is checked like a whole definition', async () => {
    await expect(schedules.patch('daily', { overlap: 'sometimes' as never })).rejects.toMatchObject({
      code: 'INVALID_SCHEDULE',
      problems: [{ path: 'overlap' }],
    })
    await expect(schedules.patch('daily', { task: strict })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(schedules.patch('daily', { colour: 1 } as never)).rejects.toMatchObject({
      problems: [{ path: 'colour' }],
    })
    await expect(schedules.patch('daily', { task: null })).rejects.toMatchObject({
      problems: [{ path: 'task' }],
    })
    await expect(schedules.patch('daily', { id: 'other' } as never)).rejects.toMatchObject({
      problems: [{ path: 'id', rule: 'id.fixed' }],
    })
    expect((await schedules.get('daily'))!.revision).toBe(1)
  })

  test('needs a schedule, and the revision where one is given', async () => {
    await expect(schedules.patch('none', {})).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' })
    await expect(schedules.patch('daily', { input: 2 }, { ifRevision: 7 })).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
    })
    await schedules.patch('daily', { input: 2 }, { ifRevision: 1 })
  })
})

describe('pausing', () => {
  beforeEach(async () => {
    await cluster.node({ tasks: [task] })
    await schedules.put({ ...daily, trigger: every(10), overlap: 'allow', catchUp: 'all' })
  })

  test('stops the fires, and resuming does not catch up on them', async () => {
    await cluster.advance(20_000)
    expect(await schedules.pause('daily', { reason: 'holiday' })).toMatchObject({
      state: 'paused',
      stateReason: 'holiday',
    })
    await cluster.advance(65_000)
    expect(await cluster.runs('daily')).toHaveLength(2)
    expect(await schedules.resume('daily')).toMatchObject({ state: 'active', stateReason: null })
    await cluster.advance(10_000)
    const times = (await cluster.runs('daily')).map(({ fireTime }) => cluster.since(fireTime))
    expect(times).toEqual([10_000, 20_000, 90_000])
  })

  test('for a moment loses no fire', async () => {
    await cluster.advance(15_000)
    await schedules.pause('daily')
    await cluster.advance(1000)
    await schedules.resume('daily')
    await cluster.advance(10_000)
    expect((await cluster.runs('daily')).map(({ fireTime }) => cluster.since(fireTime))).toEqual([
      10_000, 20_000,
    ])
  })

  test('twice is like once, and so is resuming', async () => {
    const paused = await schedules.pause('daily', { reason: 'first' })
    expect(await schedules.pause('daily', { reason: 'second' })).toEqual(paused)
    const active = await schedules.resume('daily')
    expect(await schedules.resume('daily')).toEqual(active)
  })

  test('beyond its last fire time finishes it when it is resumed', async () => {
    await schedules.put({ ...daily, id: 'single', trigger: { kind: 'once', at: iso(30_000) } })
    await schedules.pause('single')
    await cluster.advance(40_000)
    expect(await schedules.resume('single')).toMatchObject({ state: 'finished', nextFireTime: null })
    expect(await cluster.runs('single')).toEqual([])
  })

  test('is not for schedules that do not fire, and resuming not for those that have ended', async () => {
    await force('finished')
    await expect(schedules.pause('daily')).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    await expect(schedules.resume('daily')).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    await expect(schedules.pause('none')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' })
    await expect(schedules.resume('none')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' })
  })

  test('resuming a broken schedule mends it', async () => {
    await force('broken')
    expect(await schedules.resume('daily')).toMatchObject({ state: 'active', stateReason: null })
  })
})

describe('deleting', () => {
  test('answers whether there was one, and may depend on its revision', async () => {
    await schedules.put(daily)
    await expect(schedules.delete('daily', { ifRevision: 2 })).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
    })
    expect(await schedules.delete('daily', { ifRevision: 1 })).toBe(true)
    expect(await schedules.delete('daily')).toBe(false)
    expect(await schedules.get('daily')).toBeNull()
  })

  test('and creating again does not repeat a fire time', async () => {
    await cluster.node({ tasks: [task] })
    const single = { ...daily, trigger: { kind: 'once', at: iso(10_000) } }
    await schedules.put(single)
    await cluster.advance(10_000)
    await schedules.delete('daily')
    // Within the grace, so that it is not refused; but it has been.
    await schedules.put(single)
    await cluster.advance(5000)
    expect(await cluster.runs('daily')).toHaveLength(1)
    expect(await schedules.get('daily')).toMatchObject({ state: 'finished' })
  })
})
