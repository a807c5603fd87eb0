import { beforeEach, describe, expect, test } from 'vitest'
import { Held, TestCluster } from '../testing/test-cluster.js'
import { ABORT_GRACE_MS } from './attempt.js'

let cluster: TestCluster
let held: Held

beforeEach(() => {
  cluster = new TestCluster()
  held = new Held('held')
})

describe('stopping a node', () => {
  test('waits for its handlers, and takes nothing new meanwhile', async () => {
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, overlap: 'allow' })
    await cluster.advance(10_000)
    let stopped = false
    const stopping = node.scheduler.stop().then(() => (stopped = true))
    await cluster.advance(25_000)
    expect(stopped).toBe(false)
    expect(held.last.context.signal.aborted).toBe(false)
    expect(held.attempts).toHaveLength(1)
    held.last.succeed('finished')
    await cluster.settle()
    await stopping
    expect(await cluster.runs()).toMatchObject([{ status: 'succeeded', result: 'finished' }])
  })

  test('aborts what is left after the grace, and another node takes it over at once', async () => {
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000)
    await cluster.node({ tasks: [held.task] })
    const stopping = node.scheduler.stop({ graceMs: 5000 })
    await cluster.advance(4999)
    expect(held.last.context.signal.aborted).toBe(false)
    await cluster.advance(1)
    expect(held.attempts[0]!.context.signal.reason).toMatchObject({
      code: 'STOPPING',
      message: expect.stringContaining('5000 ms'),
    })
    held.attempts[0]!.fail(new Error('aborted'))
    await cluster.settle()
    await stopping
    expect(held.attempts).toHaveLength(2)
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({
      status: 'running',
      node: 'node-2',
      attempt: 2,
    })
  })

  test('does not wait for ever for a handler that ignores its signal', async () => {
    const node = await cluster.node({ tasks: [held.task], stopGraceMs: 2000 })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000)
    const before = cluster.clock.now()
    await cluster.pass(node.scheduler.stop())
    expect(cluster.clock.now() - before).toBeLessThanOrEqual(2000 + ABORT_GRACE_MS + 200)
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({
      status: 'retrying',
      error: { code: 'STOPPING' },
    })
  })

  test('makes a run lost that may run only once and was under way', async () => {
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1, delivery: 'atMostOnce' })
    await cluster.advance(10_000)
    const stopping = node.scheduler.stop({ graceMs: 0 })
    await cluster.advance(1)
    held.last.fail(held.last.context.signal.reason)
    await cluster.pass(stopping)
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({
      status: 'lost',
      error: { code: 'STOPPING' },
    })
  })

  test('hands over what it had leased and not begun, as if it had never been', async () => {
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1, delivery: 'atMostOnce' })
    const commit = node.faults.hold('commit')
    await cluster.advance(10_000)
    await commit.arrived
    const stopping = node.scheduler.stop()
    commit.release()
    await cluster.settle()
    await stopping
    expect(held.attempts).toHaveLength(0)
    expect(await cluster.runs()).toMatchObject([{ status: 'pending', attempt: 0, startedAt: null }])
    await cluster.node({ tasks: [held.task] })
    await cluster.advance(500)
    expect(held.last.context.attempt).toBe(1)
  })

  test('leaves no session behind', async () => {
    const node = await cluster.node({ tasks: [held.task] })
    expect(await cluster.store.listNodes()).toMatchObject([{ alive: true }])
    await node.scheduler.stop()
    expect(await cluster.store.listNodes()).toMatchObject([{ alive: false }])
    expect((await node.scheduler.health()).ready).toBe(false)
  })

  test('twice, and before it has started, is harmless', async () => {
    const node = await cluster.node({ tasks: [held.task] })
    await Promise.all([node.scheduler.stop(), node.scheduler.stop()])
    await node.scheduler.stop()
    const never = await cluster.node({ start: false })
    await never.scheduler.stop()
    await expect(never.scheduler.start()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    await cluster.settle()
    expect(await cluster.store.listNodes()).toHaveLength(1)
  })

  test('is what the end of its scope does', async () => {
    const node = await cluster.node({ tasks: [held.task] })
    await node.scheduler[Symbol.asyncDispose]()
    expect(await cluster.store.listNodes()).toMatchObject([{ alive: false }])
  })

  test('ends also when the store does not take its outcomes, which are then recovered', async () => {
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000)
    node.faults.refuse('finish', Infinity)
    held.last.succeed()
    await cluster.settle()
    await cluster.pass(node.scheduler.stop())
    const other = await cluster.node({ tasks: [held.task] })
    await cluster.advance(1000)
    expect(other.events.map(({ type }) => type)).toContain('run.recovered')
    expect(held.attempts).toHaveLength(2)
  })

  test('ends also when its session cannot be ended, which then expires', async () => {
    const node = await cluster.node({ tasks: [held.task] })
    node.faults.refuse('leave', Infinity)
    await cluster.pass(node.scheduler.stop())
    expect(await cluster.store.listNodes()).toMatchObject([{ alive: true }])
    await cluster.advance(10_000)
    expect(await cluster.store.listNodes()).toMatchObject([{ alive: false }])
  })

  test('closes a store that it opened from a URL, and no other', async () => {
    const { createScheduler } = await import('../client/scheduler.js')
    const own = await createScheduler({ store: 'memory:', clock: cluster.clock })
    await own.start()
    await own.stop()
    await expect(own.store.now()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    const node = await cluster.node()
    await node.scheduler.stop()
    expect(await cluster.store.now()).toBe(cluster.clock.now())
  })
})

test('starting twice starts once', async () => {
  const node = await cluster.node({ tasks: [held.task] })
  await node.scheduler.start()
  await cluster.advance(5000)
  expect(await cluster.store.listNodes()).toHaveLength(1)
})
