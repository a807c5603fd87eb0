import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTask } from '../domain/define-task.js'
import { TestCluster, type TestMember } from '../testing/test-cluster.js'
import type { ScheduleClient } from './types.js'

let cluster: TestCluster
let member: TestMember
let schedules: ScheduleClient
let inputs: unknown[]

beforeEach(async () => {
  cluster = new TestCluster()
  inputs = []
  const task = defineTask({
    name: 'mail',
    input: z.object({ to: z.string() }),
    run: ({ input }) => void inputs.push(input),
  })
  member = await cluster.node({ tasks: [task] })
  schedules = member.scheduler.schedules
  await cluster.schedule(member, { task, input: { to: 'anna' }, priority: 3 })
})

describe('running a schedule now', () => {
  test('is one run besides the timetable, which stays', async () => {
    await cluster.advance(5000)
    const before = await schedules.get('job')
    const run = await schedules.runNow('job')
    expect(run).toMatchObject({
      kind: 'manual',
      scheduleId: 'job',
      priority: 3,
      fireTime: cluster.startedAt + 5000,
    })
    await cluster.settle()
    expect(await member.scheduler.runs.get(run.id)).toMatchObject({ status: 'succeeded' })
    expect(inputs).toEqual([{ to: 'anna' }])
    expect({ ...(await schedules.get('job')), lastRun: null }).toEqual({ ...before, lastRun: null })
  })

  test('twice is two runs, but with one request id it is one', async () => {
    await schedules.runNow('job')
    await schedules.runNow('job')
    const first = await schedules.runNow('job', { requestId: 'order-5' })
    await cluster.advance(1000)
    const again = await schedules.runNow('job', { requestId: 'order-5' })
    expect(again.id).toBe(first.id)
    expect(again).toMatchObject({ status: 'succeeded' })
    expect(inputs).toHaveLength(3)
  })

  test('with a used request id and another input is refused, and the run of that time stays', async () => {
    const input = { to: 'bert', cc: 'carl' }
    const first = await schedules.runNow('job', { requestId: 'order-5', input })
    const same = await schedules.runNow('job', { requestId: 'order-5', input: { cc: 'carl', to: 'bert' } })
    expect(same.id).toBe(first.id)
    for (const other of [{ input: { to: 'dora' } }, {}]) {
      await expect(schedules.runNow('job', { requestId: 'order-5', ...other })).rejects.toMatchObject({
        code: 'ILLEGAL_STATE',
        message: expect.stringContaining(first.id) as string,
        problems: [{ path: 'requestId', rule: 'requestId.sameInput' }],
      })
    }
    await cluster.settle()
    expect(inputs).toHaveLength(1)
  })

  test('with a used request id gives that run, also after an edit of anything but the input', async () => {
    const first = await schedules.runNow('job', { requestId: 'order-5' })
    await schedules.patch('job', { timeoutMs: 60_000, priority: 4 })
    expect((await schedules.runNow('job', { requestId: 'order-5' })).id).toBe(first.id)
  })

  test('takes an input of its own, checked like that of the schedule', async () => {
    await schedules.runNow('job', { input: { to: 'bert' } })
    await cluster.settle()
    expect(inputs).toEqual([{ to: 'bert' }])
    await expect(schedules.runNow('job', { input: { to: 5 } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      problems: [{ path: 'input.to' }],
    })
    await expect(schedules.runNow('job', { input: { to: new Date() } })).rejects.toMatchObject({
      problems: [{ path: 'input.to' }],
    })
    await expect(schedules.runNow('job', { input: { to: 'x'.repeat(70_000) } })).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    })
    expect((await schedules.get('job'))!.definition.input).toEqual({ to: 'anna' })
  })

  test('works while it is paused', async () => {
    await schedules.pause('job')
    await schedules.runNow('job')
    await cluster.settle()
    expect(inputs).toHaveLength(1)
  })

  test.each([[''], ['a b'], ['a.b'], ['x'.repeat(65)], [5]])(
    'with the request id %j is refused',
    async (requestId) => {
      await expect(schedules.runNow('job', { requestId: requestId as string })).rejects.toMatchObject({
        code: 'INVALID_QUERY',
        problems: [{ path: 'requestId' }],
      })
    },
  )

  test('needs a schedule', async () => {
    await expect(schedules.runNow('none')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' })
  })
})

describe('the upcoming fire times', () => {
  const upcoming = async (options = {}): Promise<number[]> =>
    (await schedules.upcoming('job', options)).map((at) => cluster.since(at) / 1000)

  test('are ten, or as many as are asked for', async () => {
    expect(await upcoming()).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    expect(await upcoming({ count: 2 })).toEqual([10, 20])
  })

  test('begin with one that is overdue', async () => {
    await member.scheduler.stop()
    await cluster.advance(25_000)
    expect(await upcoming({ count: 3 })).toEqual([10, 20, 30])
  })

  test('may be asked for after an instant', async () => {
    expect(await upcoming({ count: 2, after: cluster.startedAt + 1_000_000 })).toEqual([1010, 1020])
    expect(await upcoming({ count: 1, after: cluster.startedAt + 20_000 })).toEqual([30])
  })

  test('end with maxFires, of which those that have fired count', async () => {
    await schedules.patch('job', { maxFires: 4 })
    await cluster.advance(10_000)
    expect(await upcoming()).toEqual([20, 30, 40])
    expect(await upcoming({ after: cluster.startedAt + 25_000 })).toEqual([30, 40])
    expect(await upcoming({ after: cluster.startedAt + 40_000 })).toEqual([])
  })

  test('are found quickly also far beyond an enormous maxFires', async () => {
    await schedules.patch('job', {
      maxFires: 1_000_000_000_000,
      trigger: { kind: 'interval', every: { milliseconds: 1 } },
    })
    const after = cluster.startedAt + 500_000_000_000
    expect(await schedules.upcoming('job', { after, count: 2 })).toEqual([after + 1, after + 2])
    await schedules.patch('job', { maxFires: 1_000_000 })
    expect(await schedules.upcoming('job', { after, count: 2 })).toEqual([])
    await schedules.patch('job', {
      maxFires: 1_000_000_000,
      trigger: { kind: 'cron', expression: '* * * * * *' },
    })
    await expect(schedules.upcoming('job', { after })).rejects.toMatchObject({
      code: 'INVALID_QUERY',
      problems: [{ path: 'after' }],
    })
  })

  test('are none for a schedule that does not fire', async () => {
    await schedules.pause('job')
    expect(await upcoming()).toEqual([])
  })

  test.each([[0], [1001], [1.5], ['ten']])('are not counted by %j', async (count) => {
    await expect(schedules.upcoming('job', { count: count as number })).rejects.toMatchObject({
      code: 'INVALID_QUERY',
      problems: [{ path: 'count' }],
    })
  })

  test('need a schedule', async () => {
    await expect(schedules.upcoming('none')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' })
  })
})
