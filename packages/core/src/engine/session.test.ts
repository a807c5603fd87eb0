import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.js'
import { Held, TestCluster, type TestMember } from '../testing/test-cluster.js'
import { Session } from './session.js'
import { Trust } from './trust.js'

let cluster: TestCluster
let held: Held

beforeEach(() => {
  cluster = new TestCluster()
  held = new Held('held')
})

const typesOf = (member: TestMember): string[] => member.events.map(({ type }) => type)

describe('a node whose heartbeats fail for longer than it may trust its lease', () => {
  async function cutOff(): Promise<TestMember> {
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000)
    node.faults.refuse('heartbeat', Infinity)
    return node
  }

  test('aborts its handlers with LEASE_LOST before the lease is over', async () => {
    const node = await cutOff()
    const { leaseUntil } = (await cluster.store.listNodes())[0]!
    await cluster.advance(leaseUntil - cluster.clock.now() - 1001)
    expect(held.last.context.signal.aborted).toBe(false)
    await cluster.advance(1)
    expect(held.last.context.signal.reason).toMatchObject({
      code: 'LEASE_LOST',
      runId: cluster.id(10_000),
      fence: held.last.context.fence,
    })
    expect(typesOf(node)).toEqual(['run.started', 'node.sessionLost'])
  })

  test('reports nothing of an attempt that ends because of it', async () => {
    const node = await cutOff()
    await cluster.advance(8000)
    held.last.fail(held.last.context.signal.reason)
    await cluster.settle()
    expect(typesOf(node)).toEqual(['run.started', 'node.sessionLost', 'run.leaseLost'])
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({ status: 'running', error: null })
  })

  test('has its late outcome refused, once another node has the run', async () => {
    const node = await cutOff()
    await cluster.node({ tasks: [held.task] })
    await cluster.advance(12_000)
    expect(held.attempts).toHaveLength(2)
    const [late, second] = held.attempts
    expect(second!.context.fence).toBeGreaterThan(late!.context.fence)
    expect(second!.context.attempt).toBe(2)
    late!.succeed('late')
    await cluster.settle()
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({ status: 'running', node: 'node-2' })
    expect(typesOf(node).at(-1)).toBe('run.leaseLost')
    second!.succeed('in time')
    await cluster.settle()
    expect(await cluster.run(cluster.id(10_000))).toMatchObject({ status: 'succeeded', result: 'in time' })
  })

  test('starts nothing while it has no session, and goes on under a new one', async () => {
    const node = await cutOff()
    await cluster.schedule(node, { id: 'second', task: held.task })
    await cluster.advance(15_000)
    expect(held.attempts).toHaveLength(1)
    expect(await cluster.runs('second')).toMatchObject([{ status: 'pending' }])
    expect((await node.scheduler.health()).problems).toContain('The node has no session with the store')
    node.faults.heal()
    await cluster.advance(6000)
    expect(held.attempts.map(({ context }) => context.run.scheduleId)).toEqual(
      expect.arrayContaining(['job', 'second']),
    )
    expect((await node.scheduler.health()).ready).toBe(true)
    const sessions = (await cluster.store.listNodes()).map(({ session, alive }) => [session, alive])
    expect(new Set(sessions.map(([session]) => session))).toHaveLength(2)
  })
})

test('trust is counted from when a heartbeat was sent, not from its answer', async () => {
  const node = await cluster.node({ tasks: [held.task] })
  const beat = node.faults.hold('heartbeat')
  await cluster.advance(3000)
  await beat.arrived
  await cluster.advance(4000)
  beat.release()
  await cluster.settle()
  node.faults.refuse('heartbeat', Infinity)
  await cluster.advance(3000 + 9000 - 7000 - 1)
  expect(typesOf(node)).toEqual([])
  await cluster.advance(1)
  expect(typesOf(node)).toEqual(['node.sessionLost'])
})

test('a session that was given up cannot be renewed, nor can its end be that of the next', () => {
  const clock = new ManualClock()
  let lost = 0
  const session = new Session(clock, () => lost++)
  const { id: old, trust } = session
  expect(session.isTrusted()).toBe(false)
  expect(trust.renew(9000)).toBe(true)
  expect(session.isTrusted()).toBe(true)
  session.lose(old)
  expect(trust.renew(9000)).toBe(false)
  expect(session.isTrusted()).toBe(false)
  session.trust.renew(9000)
  session.lose(old)
  expect([session.isTrusted(), lost]).toEqual([true, 1])
})

describe('the end of trust', () => {
  let clock: ManualClock
  let session: Session
  let lostAt: number[]

  beforeEach(() => {
    clock = new ManualClock()
    lostAt = []
    session = new Session(clock, () => lostAt.push(clock.monotonic()))
    session.trust.renew(9000)
    session.isTrusted()
  })

  test('is noticed when it comes, though nobody asks', async () => {
    await clock.advance(20_000)
    expect(lostAt).toEqual([9000])
  })

  test('comes later for a session that was renewed, by whichever thread', async () => {
    await clock.advance(3000)
    new Trust(session.trust.memory).renew(12_000)
    await clock.advance(20_000)
    expect(lostAt).toEqual([12_000])
  })

  test('comes at once when another thread gives the session up', async () => {
    const { id } = session
    new Trust(session.trust.memory).giveUp()
    expect(session.isTrusted()).toBe(false)
    expect(lostAt).toEqual([0])
    expect(session.id).not.toBe(id)
  })

  test('does not come to a session that was ended', async () => {
    session.end()
    await clock.advance(20_000)
    expect(session.isTrusted()).toBe(false)
    expect(lostAt).toEqual([])
  })
})

test('a heartbeat that is answered too late does not bring a session back', async () => {
  const node = await cluster.node({ tasks: [held.task] })
  await cluster.schedule(node, { task: held.task, maxFires: 1 })
  const beat = node.faults.hold('heartbeat')
  await cluster.advance(9000)
  await beat.arrived
  expect(typesOf(node)).toEqual(['node.sessionLost'])
  beat.release()
  await cluster.advance(1500)
  expect(held.attempts).toHaveLength(1)
  const sessions = new Set((await cluster.store.listNodes()).map(({ session }) => session))
  expect(sessions.size).toBe(2)
})

test('a node that stood still for longer than its lease aborts its handlers before it does anything else', async () => {
  const node = await cluster.node({ tasks: [held.task] })
  await cluster.schedule(node, { task: held.task, overlap: 'allow' })
  await cluster.advance(10_000)
  const { clock } = cluster
  // All at once, as after a stop signal: the clocks have gone on, and every timer is overdue.
  const monotonic = clock.monotonic.bind(clock)
  clock.monotonic = () => monotonic() + 11_000
  clock.set(clock.now() + 11_000)
  await cluster.advance(500)
  expect(held.attempts[0]!.context.signal.reason).toMatchObject({ code: 'LEASE_LOST' })
  const [first, ...later] = node.events.map((event) => event.type)
  expect([first, later[0]]).toEqual(['run.started', 'node.sessionLost'])
  expect(held.attempts.length).toBeGreaterThan(1)
})

test('a session that the store has forgotten is replaced, and its handlers learn of it', async () => {
  const node = await cluster.node({ tasks: [held.task] })
  await cluster.schedule(node, { task: held.task, maxFires: 1 })
  await cluster.advance(10_000)
  const { session } = (await cluster.store.listNodes())[0]!
  await cluster.store.leave(session)
  await cluster.advance(3000)
  expect(held.attempts[0]!.context.signal.reason).toMatchObject({ code: 'LEASE_LOST' })
  expect(typesOf(node)).toContain('node.sessionLost')
  await cluster.advance(2000)
  expect(held.attempts.length).toBe(2)
})

test('a session that expired before its first answer came is followed by a new one', async () => {
  const node = await cluster.node({ tasks: [held.task], start: false })
  node.faults.loseAnswer('heartbeat')
  await node.scheduler.start()
  await cluster.settle()
  node.faults.refuse('heartbeat', Infinity)
  await cluster.advance(12_000)
  node.faults.heal()
  await cluster.advance(1000)
  expect((await cluster.store.listNodes()).map(({ alive }) => alive)).toEqual([false, true])
  expect((await node.scheduler.health()).ready).toBe(true)
  expect(typesOf(node)).toEqual([])
})

test('an outage that ends while its lease can still be trusted costs no run its node', async () => {
  const node = await cluster.node({ tasks: [held.task] })
  await cluster.schedule(node, { task: held.task, maxFires: 1 })
  // Until just after a heartbeat: trust ends after nine seconds without one.
  await cluster.advance(12_001)
  for (const verb of ['heartbeat', 'peek', 'claim', 'recover', 'prune'] as const)
    node.faults.refuse(verb, Infinity)
  await cluster.advance(8400)
  node.faults.heal()
  await cluster.advance(30_000)
  expect(held.last.context.signal.aborted).toBe(false)
  expect(typesOf(node)).toEqual(['run.started'])
})
