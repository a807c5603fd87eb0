import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTask } from '../domain/define-task.js'
import type { SqlTransaction } from '../domain/sql-transaction.js'
import { TestCluster, type TestMember } from '../testing/test-cluster.js'

let cluster: TestCluster
let member: TestMember
let inputs: unknown[]
const mail = defineTask({
  name: 'mail',
  input: z.object({ to: z.string() }),
  run: ({ input }) => void inputs.push(input),
})

beforeEach(async () => {
  cluster = new TestCluster()
  inputs = []
  member = await cluster.node({ tasks: [mail] })
})

describe('enqueueing a task', () => {
  test('is one run of it, at once, without a schedule', async () => {
    const run = await member.scheduler.runs.enqueue(mail, { input: { to: 'anna' }, priority: 3 })
    expect(run).toMatchObject({
      scheduleId: 'task:mail',
      task: 'mail',
      kind: 'manual',
      status: 'pending',
      priority: 3,
      fireTime: cluster.startedAt,
    })
    await cluster.settle()
    expect(inputs).toEqual([{ to: 'anna' }])
    const { items } = await member.scheduler.runs.list({ scheduleId: 'task:mail' })
    expect(items).toMatchObject([{ id: run.id, status: 'succeeded' }])
  })

  test('twice with one request id is one run; with another input it is refused', async () => {
    const { runs } = member.scheduler
    const first = await runs.enqueue('mail', { input: { to: 'anna' }, requestId: 'order-5' })
    await cluster.advance(1000)
    const again = await runs.enqueue('mail', { input: { to: 'anna' }, requestId: 'order-5' })
    expect(again).toMatchObject({ id: first.id, status: 'succeeded' })
    await expect(runs.enqueue('mail', { input: { to: 'ben' }, requestId: 'order-5' })).rejects.toMatchObject({
      code: 'ILLEGAL_STATE',
    })
    expect(inputs).toHaveLength(1)
  })

  test.each([
    ['an input that does not fit', 'mail', { input: { to: 1 } }, 'INVALID_INPUT'],
    ['an input that is too large', 'mail', { input: { to: 'x'.repeat(70_000) } }, 'PAYLOAD_TOO_LARGE'],
    ['a task that nobody knows', 'male', { input: { to: 'anna' } }, 'UNKNOWN_TASK'],
    ['a priority that is none', 'mail', { input: { to: 'anna' }, priority: 0.5 }, 'INVALID_SCHEDULE'],
    ['a request id that is none', 'mail', { input: { to: 'anna' }, requestId: '' }, 'INVALID_QUERY'],
  ])('with %s is refused', async (_what, task, options, code) => {
    await expect(member.scheduler.runs.enqueue(task, options)).rejects.toMatchObject({ code })
    expect((await member.scheduler.runs.list()).items).toEqual([])
  })
})

test('a store that takes no part in transactions says so, and writes nothing', async () => {
  const { runs, schedules } = member.scheduler
  const tx: SqlTransaction = { query: () => Promise.resolve({ rows: [] }) }
  const trigger = { kind: 'interval', every: { hours: 1 } } as const
  const input = { to: 'anna' }
  const calls = [
    () => runs.enqueue(mail, { input, tx }),
    () => schedules.put({ id: 'job', task: mail, trigger, input }, { tx }),
    () => schedules.runNow('job', { tx }),
  ]
  for (const call of calls) {
    await expect(call()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('memory') as string,
    })
  }
  expect(member.scheduler.store.info.transactions).toBe(false)
  expect(await schedules.get('job')).toBeNull()
  expect((await runs.list()).items).toEqual([])
})
