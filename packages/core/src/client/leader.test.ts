import { beforeEach, expect, test } from 'vitest'
import { TestCluster, type TestMember } from '../testing/test-cluster.js'
import type { LeaderTerm } from './lock-types.js'

let cluster: TestCluster

beforeEach(() => {
  cluster = new TestCluster()
})

const LEASE_MS = 10_000

/** A duty that goes on until it is told to end, and keeps count. */
class Watched {
  readonly terms: LeaderTerm[] = []
  ended = 0
  /** How long it takes to end. */
  #lingerMs: number

  constructor({ lingerMs = 0 } = {}) {
    this.#lingerMs = lingerMs
  }

  readonly run = async (term: LeaderTerm): Promise<void> => {
    this.terms.push(term)
    await new Promise<void>((resolve) => {
      term.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    if (this.#lingerMs > 0)
      await new Promise<void>((resolve) => void cluster.clock.setTimer(resolve, this.#lingerMs))
    this.ended++
  }

  get running(): boolean {
    return this.terms.length > this.ended
  }
}

function leaders(nodes: readonly TestMember[]): string[] {
  return nodes.filter(({ scheduler }) => scheduler.leader.isLeader).map(({ scheduler }) => scheduler.node)
}

test('of many nodes one is leader, and runs the duty', async () => {
  const nodes = [await cluster.node(), await cluster.node(), await cluster.node()]
  const duties = nodes.map(({ scheduler }) => {
    const duty = new Watched()
    scheduler.leader.runOnLeader(duty.run)
    return duty
  })
  await cluster.advance(5 * LEASE_MS)
  expect(leaders(nodes)).toEqual(['node-1'])
  expect(duties.map(({ terms }) => terms.length)).toEqual([1, 0, 0])
})

test('a node that stops resigns at once: its duty ends first, then another node is leader, without any time passing', async () => {
  const [a, b] = [await cluster.node(), await cluster.node()]
  const told: string[] = []
  for (const { scheduler } of [a, b]) {
    scheduler.leader.on('elected', ({ node, fence }) => told.push(`${node} ${fence > 0 && 'elected'}`))
    scheduler.leader.on('resigned', ({ node }) => told.push(`${node} resigned`))
  }
  const duty = new Watched()
  a.scheduler.leader.runOnLeader(duty.run)
  const next = new Watched()
  b.scheduler.leader.runOnLeader(next.run)
  await cluster.settle()
  expect([duty.running, next.running]).toEqual([true, false])
  await a.scheduler.stop()
  await cluster.settle()
  expect(duty.terms[0]!.signal.reason).toMatchObject({ code: 'STOPPING' })
  expect([duty.running, next.running]).toEqual([false, true])
  expect(next.terms[0]!.fence).toBeGreaterThan(duty.terms[0]!.fence)
  expect(told).toEqual(['node-1 elected', 'node-1 resigned', 'node-2 elected'])
  expect(cluster.since(cluster.clock.now())).toBe(0)
})

test('a duty that needs time to end is waited for, and no other node is leader before', async () => {
  const [a, b] = [await cluster.node(), await cluster.node()]
  const duty = new Watched({ lingerMs: 3000 })
  a.scheduler.leader.runOnLeader(duty.run)
  await cluster.settle()
  b.scheduler.leader.on('elected', () => expect(duty.running).toBe(false))
  const stopped = a.scheduler.stop()
  await cluster.advance(2999)
  expect(leaders([a, b])).toEqual([])
  await cluster.advance(1)
  await stopped
  expect(leaders([a, b])).toEqual(['node-2'])
})

test('a duty that does not end is given up when the grace is over', async () => {
  const [a, b] = [await cluster.node(), await cluster.node()]
  a.scheduler.leader.runOnLeader(() => new Promise(() => {}))
  await cluster.settle()
  expect(leaders([b])).toEqual([])
  await cluster.pass(a.scheduler.stop({ graceMs: 2000 }))
  await cluster.settle()
  expect(leaders([a, b])).toEqual(['node-2'])
})

test('a leader that dies is succeeded when its lease is over', async () => {
  const [a, b] = [await cluster.node(), await cluster.node()]
  const duties = [new Watched(), new Watched()]
  for (const [i, { scheduler }] of [a, b].entries()) scheduler.leader.runOnLeader(duties[i]!.run)
  await cluster.settle()
  a.kill()
  await cluster.advance(LEASE_MS - 1)
  expect(b.scheduler.leader.isLeader).toBe(false)
  await cluster.advance(1)
  expect(b.scheduler.leader.isLeader).toBe(true)
  // The dead one has long given up, if only its line was dead.
  expect(a.scheduler.leader.isLeader).toBe(false)
  expect(duties[0]!.terms[0]!.signal.reason).toMatchObject({ code: 'LEASE_LOST' })
  expect(duties.map(({ running }) => running)).toEqual([false, true])
})

test('a leader that was cut off and comes back stands again, under a higher fence', async () => {
  const a = await cluster.node()
  const duty = new Watched()
  a.scheduler.leader.runOnLeader(duty.run)
  await cluster.settle()
  a.faults.refuse('renewLock', Infinity)
  await cluster.advance(LEASE_MS)
  a.faults.heal()
  await cluster.advance(2 * LEASE_MS)
  expect(a.scheduler.leader.isLeader).toBe(true)
  expect(duty.terms).toHaveLength(2)
  expect(duty.terms[1]!.fence).toBeGreaterThan(duty.terms[0]!.fence)
  expect(duty.ended).toBe(1)
})

test('a duty that fails is run again after a pause, one that is done is not, and one may be ended', async () => {
  const a = await cluster.node()
  let failures = 0
  let done = 0
  const watched = new Watched()
  const { leader } = a.scheduler
  leader.runOnLeader(() => {
    if (++failures < 3) throw new Error('not yet')
  })
  leader.runOnLeader(() => void done++)
  const end = leader.runOnLeader(watched.run)
  await cluster.advance(LEASE_MS)
  expect([failures, done, watched.running]).toEqual([3, 1, true])
  await end()
  expect(watched.ended).toBe(1)
  expect(leader.isLeader).toBe(true)
  // One that comes later begins in the term that is.
  const late = new Watched()
  leader.runOnLeader(late.run)
  expect(late.running).toBe(true)
})

test('a listener that adds a duty starts it once', async () => {
  const a = await cluster.node()
  const duty = new Watched()
  a.scheduler.leader.on('elected', () => void a.scheduler.leader.runOnLeader(duty.run))
  await cluster.settle()
  expect(duty.terms).toHaveLength(1)
})

test('who does not use the leader takes no part, and neither does who is not started', async () => {
  const [idle, early] = [await cluster.node(), await cluster.node({ start: false })]
  expect(early.scheduler.leader.isLeader).toBe(false)
  await cluster.advance(LEASE_MS)
  expect((await cluster.store.listLocks({ limit: 10 })).items).toEqual([])
  await early.scheduler.start()
  await cluster.settle()
  expect(leaders([early])).toEqual(['node-2'])
  await idle.scheduler.stop()
  await early.scheduler.stop()
  expect((await cluster.store.listLocks({ limit: 10 })).items).toEqual([])
})
