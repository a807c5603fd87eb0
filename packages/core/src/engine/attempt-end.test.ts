import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTask } from '../domain/define-task.js'
import { NonRetryableError } from '../domain/errors.js'
import type { TaskOptions } from '../domain/task.js'
import { Held, TestCluster } from '../testing/test-cluster.js'
import { ABORT_GRACE_MS } from './attempt.js'

let cluster: TestCluster

beforeEach(() => {
  cluster = new TestCluster()
})

const RETRY = { maxAttempts: 3, initialDelayMs: 1000, jitter: 0 }

describe('a handler that fails', () => {
  const failing = (retry: TaskOptions['retry'], error: () => unknown): TaskOptions<undefined> => ({
    name: 'failing',
    retry,
    run: () => Promise.reject(error()),
  })

  test('is tried again after growing delays, then has failed', async () => {
    const task = defineTask(failing(RETRY, () => new Error('again')))
    const node = await cluster.node({ tasks: [task] })
    await cluster.schedule(node, { task, maxFires: 1 })
    await cluster.advance(10_000)
    const { id } = await cluster.run(cluster.id(10_000))
    expect(await cluster.run(id)).toMatchObject({
      status: 'retrying',
      attempt: 1,
      dueAt: cluster.startedAt + 11_000,
    })
    await cluster.advance(1500)
    const second = await cluster.run(id)
    expect(second).toMatchObject({ status: 'retrying', attempt: 2 })
    expect(second.dueAt - second.startedAt!).toBe(2000)
    await cluster.advance(2500)
    const last = await cluster.run(id)
    expect(last).toMatchObject({ status: 'failed', attempt: 3, error: { message: 'again' } })
    expect(last.attempts.map(({ attempt, error }) => [attempt, error.message])).toEqual([
      [1, 'again'],
      [2, 'again'],
    ])
    expect(new Set([last.fence, second.fence])).toHaveLength(2)
    expect(node.events.map(({ type }) => type).filter((type) => type !== 'run.started')).toEqual([
      'run.retrying',
      'run.retrying',
      'run.failed',
    ])
  })

  test.each([
    ['NonRetryableError', () => new NonRetryableError('never')],
    [
      'a NonRetryableError of another copy of the package',
      () => Object.assign(new Error('never'), { name: 'NonRetryableError' }),
    ],
    ['an error that says it is not retryable', () => Object.assign(new Error('never'), { retryable: false })],
  ])('with %s is not tried again', async (_what, error) => {
    const task = defineTask(failing(RETRY, error))
    const node = await cluster.node({ tasks: [task] })
    await cluster.schedule(node, { task, maxFires: 1 })
    await cluster.advance(60_000)
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { message: 'never' },
    })
  })

  test('is tried as the schedule says, where it says something', async () => {
    const task = defineTask(failing(RETRY, () => new Error('again')))
    const node = await cluster.node({ tasks: [task] })
    await cluster.schedule(node, { id: 'never', task, maxFires: 1, retry: null })
    await cluster.schedule(node, {
      id: 'twice',
      task,
      maxFires: 1,
      retry: { maxAttempts: 2, initialDelayMs: 0 },
    })
    await cluster.advance(11_000)
    expect(await cluster.run(cluster.id(10_000, 'never'))).toMatchObject({ status: 'failed', attempt: 1 })
    expect(await cluster.run(cluster.id(10_000, 'twice'))).toMatchObject({ status: 'failed', attempt: 2 })
  })

  test('on an input that does not fit is not tried again, and names the field', async () => {
    const calls: unknown[] = []
    const task = defineTask({
      name: 'strict',
      input: z.object({ to: z.string() }),
      retry: RETRY,
      run: ({ input }) => calls.push(input),
    })
    const node = await cluster.node({ tasks: [task] })
    const other = await cluster.node({ start: false })
    await cluster.schedule(other, { task: 'strict', input: { to: 5 }, maxFires: 1 })
    await cluster.advance(20_000)
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'INVALID_INPUT', message: expect.stringContaining('input.to') },
    })
    expect(calls).toEqual([])
    expect(node.events.at(-1)?.type).toBe('run.failed')
  })
})

describe('a handler that runs too long', () => {
  test('is told by its signal, and the attempt ends as TIMEOUT whatever it throws', async () => {
    const held = new Held('held', { timeoutMs: 2000 })
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000 + 1999)
    expect(held.last.context.signal.aborted).toBe(false)
    await cluster.advance(1)
    expect(held.last.context.signal.reason).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('2000 ms'),
    })
    expect((await cluster.run(cluster.id(10_000))).status).toBe('running')
    held.last.fail(new Error('aborted'))
    await cluster.settle()
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({
      status: 'failed',
      error: { code: 'TIMEOUT' },
    })
  })

  test('and ignores its signal is given up after the abort grace, and its slot is free', async () => {
    const held = new Held('held', { timeoutMs: 2000 })
    const node = await cluster.node({ tasks: [held.task], node: { slots: 1 } })
    await cluster.schedule(node, { task: held.task, overlap: 'allow', maxFires: 2 })
    await cluster.advance(10_000 + 2000 + ABORT_GRACE_MS - 1)
    expect((await cluster.run(cluster.id(10_000))).status).toBe('running')
    await cluster.advance(1)
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({
      status: 'failed',
      error: { code: 'TIMEOUT' },
    })
    await cluster.advance(2000)
    expect(held.attempts).toHaveLength(2)
    // What it comes to after all changes nothing.
    held.attempts[0]!.succeed('late')
    await cluster.settle()
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({ status: 'failed', result: null })
  })

  test('is tried again where it may be', async () => {
    const held = new Held('held', { timeoutMs: 1000, retry: { initialDelayMs: 0 } })
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(11_000)
    held.last.fail(new Error('aborted'))
    await cluster.settle()
    expect(held.attempts).toHaveLength(2)
    held.last.succeed('at last')
    await cluster.settle()
    const run = await cluster.run(cluster.id(10_000))
    expect(run).toMatchObject({ status: 'succeeded', attempt: 2, attempts: [{ error: { code: 'TIMEOUT' } }] })
  })

  test('but succeeds after all, within the abort grace, has succeeded', async () => {
    const held = new Held('held', { timeoutMs: 1000 })
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(11_000)
    held.last.succeed('just so')
    await cluster.settle()
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({ status: 'succeeded', result: 'just so' })
  })

  test('has no limit where the schedule says so', async () => {
    const held = new Held('held', { timeoutMs: 1000 })
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1, timeoutMs: null })
    await cluster.advance(7_200_000)
    expect(held.last.context.signal.aborted).toBe(false)
  })
})

describe('cancelling a run', () => {
  test('reaches the handler at once, through the heartbeat', async () => {
    const held = new Held('held', { retry: {} })
    const node = await cluster.node({ tasks: [held.task] })
    const other = await cluster.node({ start: false })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000)
    const id = cluster.id(10_000)
    expect(await other.scheduler.runs.cancel(id)).toMatchObject({ status: 'running', cancelRequested: true })
    await cluster.settle()
    expect(held.last.context.signal.reason).toMatchObject({ code: 'CANCELLED' })
    held.last.fail(new Error('aborted'))
    await cluster.settle()
    expect(await cluster.run(id)).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' } })
    expect(node.events.at(-1)?.type).toBe('run.cancelled')
  })

  test('reaches a handler that ignores it by taking its slot away', async () => {
    const held = new Held('held')
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000)
    await node.scheduler.runs.cancel(cluster.id(10_000))
    await cluster.advance(ABORT_GRACE_MS)
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({ status: 'cancelled' })
    await cluster.advance(3000)
    expect((await node.scheduler.listNodes())[0]).toMatchObject({ slotsInUse: 0 })
  })

  test('while its input is still being checked keeps the handler from being called', async () => {
    let checked!: (ok: boolean) => void
    let called = false
    const slow = new Promise<boolean>((resolve) => (checked = resolve))
    const task = defineTask({
      name: 'slow',
      input: z.string().refine(() => slow),
      run: () => {
        called = true
      },
    })
    const node = await cluster.node({ tasks: [task] })
    const other = await cluster.node({ start: false })
    await cluster.schedule(other, { task: 'slow', input: 'x', maxFires: 1 })
    await cluster.advance(10_000)
    await node.scheduler.runs.cancel(cluster.id(10_000))
    await cluster.settle()
    checked(true)
    await cluster.settle()
    expect(called).toBe(false)
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({ status: 'cancelled' })
  })
})
