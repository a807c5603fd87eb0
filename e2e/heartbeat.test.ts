import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createScheduler, type LeaseTiming, type NodeRecord, type Run, type Scheduler } from '@evertick/core'
import { PostgresServer, RedisServer } from '@evertick/core/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HeartbeatNode } from './heartbeat-node.js'

// Short, and renewed often: a busy machine may hold up four renewals in a row.
const LEASE = { leaseMs: 2000, renewMs: 200 }

let folder: string
let url: string
let observer: Scheduler
let nodes: HeartbeatNode[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-heartbeat-'))
  await observe(`sqlite:${join(folder, 'shared.db')}`)
  nodes = []
})

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.kill()))
  await observer.stop()
  await rm(folder, { recursive: true, force: true })
})

async function observe(store: string): Promise<void> {
  url = store
  observer = await createScheduler({ store })
}

async function start(name: string, lease: Partial<LeaseTiming> = LEASE): Promise<HeartbeatNode> {
  const node = await HeartbeatNode.start({
    store: url,
    name,
    lease,
    release: join(folder, `release-${name}`),
  })
  nodes.push(node)
  return node
}

/** One run of the task. */
async function request(task: string): Promise<Run> {
  await observer.schedules.put(
    { id: task, task, trigger: { kind: 'interval', every: { hours: 1 } } },
    { allowUnknownTask: true },
  )
  return observer.schedules.runNow(task)
}

const lives = async (name: string): Promise<NodeRecord[]> =>
  (await observer.listNodes()).filter(({ node }) => node === name)

async function life(name: string): Promise<NodeRecord> {
  const found = (await lives(name)).find(({ alive }) => alive)
  expect(found, `${name} is not alive`).toBeDefined()
  return found!
}

const eventually = <Value>(check: () => Promise<Value>): Promise<Value> =>
  vi.waitFor(check, { timeout: 60_000, interval: 50 })

/** A process that stops in the middle of a write keeps SQLite's lock, and nobody else can write: then again. */
async function freezeBetweenWrites(node: HeartbeatNode): Promise<void> {
  for (;;) {
    node.freeze()
    const written = observer.store.cancelRun('nobody').then(() => true)
    if (await Promise.race([written, sleep(500, false)])) return
    node.thaw()
    await written
  }
}

async function expectBlockedNodeToKeepItsLease(): Promise<void> {
  const a = await start('a')
  const { id } = await request('block')
  await a.first('started')
  const b = await start('b')
  const { startedAt } = (await observer.runs.get(id))!

  await eventually(async () => {
    const { lastBeatAt, eventLoopDelayMs, heldRuns } = await life('a')
    expect(lastBeatAt - startedAt!).toBeGreaterThan(3 * LEASE.leaseMs)
    expect(eventLoopDelayMs).toBeGreaterThan(2 * LEASE.leaseMs)
    expect(heldRuns).toEqual([id])
  })
  await a.release()
  await a.first('succeeded')

  expect(await observer.runs.get(id)).toMatchObject({
    status: 'succeeded',
    attempt: 1,
    node: 'a',
    result: 'a',
  })
  expect(a.eventsOf('sessionLost', 'leaseLost')).toEqual([])
  expect(b.eventsOf('started')).toEqual([])
  expect(await lives('a')).toHaveLength(1)
}

test('a handler that blocks the event loop for three leases keeps its own, and its outcome counts', () =>
  expectBlockedNodeToKeepItsLease())

test.each([
  ['Redis', RedisServer],
  ['PostgreSQL', PostgresServer],
])('so it does over %s', async (_, Server) => {
  const server = await Server.start()
  try {
    await observer.stop()
    await observe(server.url)
    await expectBlockedNodeToKeepItsLease()
  } finally {
    await server.stop()
  }
})

test('one that blocks for longer than maxBlockMs loses it: another node has the run, and the late outcome is refused', async () => {
  const a = await start('a', { ...LEASE, maxBlockMs: 2000 })
  const { id } = await request('block')
  await a.first('started')
  const b = await start('b')
  await b.release()
  await b.first('succeeded')
  await a.release()
  await a.first('leaseLost')

  expect(a.eventsOf('succeeded')).toEqual([])
  expect(b.eventsOf('started')).toMatchObject([{ run: id, attempt: 2 }])
  expect(await observer.runs.get(id)).toMatchObject({
    status: 'succeeded',
    attempt: 2,
    node: 'b',
    result: 'b',
  })
  await a.first('sessionLost')
  await eventually(async () => expect((await lives('a')).map(({ alive }) => alive)).toEqual([false, true]))
})

test('a process that stood still for longer than its lease aborts its handlers before it does anything else', async () => {
  const a = await start('a', { ...LEASE, leaseMs: 4000 })
  const { id } = await request('wait')
  await a.first('started')
  await observer.schedules.put(
    { id: 'tick', task: 'tick', trigger: { kind: 'interval', every: { milliseconds: 100 } } },
    { allowUnknownTask: true },
  )
  const b = await start('b')
  await freezeBetweenWrites(a)
  await eventually(async () =>
    expect(b.eventsOf('started')).toContainEqual(expect.objectContaining({ run: id })),
  )
  const thawedAt = Date.now()
  a.thaw()
  await a.first('aborted')
  await a.release()
  await a.first('leaseLost')

  const first = a.eventsOf('started', 'aborted').find(({ at }) => at >= thawedAt)
  expect(first).toMatchObject({ event: 'aborted', run: id, code: 'LEASE_LOST' })
  expect(await observer.runs.get(id)).toMatchObject({ status: 'running', attempt: 2, node: 'b' })
  await b.release()
  await eventually(async () =>
    expect(await observer.runs.get(id)).toMatchObject({ status: 'succeeded', result: 'b' }),
  )
  await eventually(async () => expect((await lives('a')).map(({ alive }) => alive)).toEqual([false, true]))
})

test('a cancellation arrives at once, and not with the next heartbeat', async () => {
  const a = await start('a', { leaseMs: 600_000, renewMs: 300_000 })
  const { id } = await request('wait')
  await a.first('started')
  a.order('cancel', id)
  expect(await a.first('aborted')).toMatchObject({ run: id, code: 'CANCELLED' })
})

// Over Redis: a thread that is ended in the midst of SQLite's own code may take the process with it.
test('a heartbeat thread that ends is started again, and nothing is lost by it', async () => {
  const server = await RedisServer.start()
  try {
    await observer.stop()
    await observe(`${server.url}/0`)
    const a = await start('a')
    const { session } = await eventually(() => life('a'))
    a.order('endThread')
    const ended = await a.first('threadEnded')
    await a.first('threadOnline', ended)
    await eventually(async () =>
      expect((await life('a')).lastBeatAt).toBeGreaterThan(ended.at + 2 * LEASE.leaseMs),
    )
    expect((await life('a')).session).toBe(session)
    expect(a.eventsOf('sessionLost')).toEqual([])
    expect(a.eventsOf('log')).toContainEqual(
      expect.objectContaining({ level: 'error', error: expect.stringContaining('heartbeat thread ended') }),
    )
  } finally {
    await server.stop()
  }
})

test('a node that stops leaves no session, no thread and no process', async () => {
  const a = await start('a')
  const { id } = await request('wait')
  await a.first('started')
  a.order('stop')
  await a.release()
  expect(await a.ended()).toBe(0)
  expect(await lives('a')).toMatchObject([{ alive: false, left: true }])
  expect(await observer.runs.get(id)).toMatchObject({ status: 'succeeded' })
  const events = a.told.map(({ event }) => event)
  expect(events.indexOf('threadEnded')).toBeGreaterThan(events.indexOf('succeeded'))
})

test('a process may end at any moment, whatever its heartbeat thread does', async () => {
  for (let i = 0; i < 5; i++) {
    const a = await start(`a${i}`, { leaseMs: 2000, renewMs: 10 })
    a.order('exit')
    expect(await a.ended()).toBe(0)
  }
})
