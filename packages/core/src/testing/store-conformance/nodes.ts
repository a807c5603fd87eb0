import assert from 'node:assert/strict'
import type { RunId } from '../../domain/ids.js'
import type { NodeRecord } from '../../store/contract.js'
import type { DeclarePromise } from './promise.js'
import { succeeded, type World } from './world.js'

const LEASE_MS = 500
const expired = { name: 'SessionExpiredError', code: 'SESSION_EXPIRED' }

export function nodePromises(promise: DeclarePromise): void {
  promise('a heartbeat starts a session, and the node is listed as it told', async (world) => {
    const before = await world.store.now()
    const node = await world.node('a', {
      tasks: ['mail', 'report'],
      groups: ['default', 'eu'],
      leaseMs: 60_000,
    })
    const [record, ...others] = await world.store.listNodes()
    assert.deepEqual(others, [])
    assert.ok(record && record.startedAt >= before)
    assert.deepEqual(record, {
      session: node.session,
      node: 'a',
      host: 'host.example',
      pid: 42,
      version: '1.2.3',
      tzdata: '2026a',
      groups: ['default', 'eu'],
      tasks: ['mail', 'report'],
      slots: 100,
      slotsInUse: 0,
      eventLoopDelayMs: 1.5,
      cpu: 0.25,
      memoryBytes: 1_000_000,
      latenessMs: 12,
      load: 0.25,
      alive: true,
      left: false,
      startedAt: record.startedAt,
      lastBeatAt: record.startedAt,
      leaseUntil: record.startedAt + 60_000,
      runsHeld: 0,
      heldRuns: record.heldRuns === null ? null : [],
    })
  })

  promise('each heartbeat renews the session and what is known of the node', async (world) => {
    const node = await world.node('a', { leaseMs: 60_000 })
    const before = await listed(world, node.session)
    await world.advance(5)
    const { now } = await node.beat({ slotsInUse: 7, cpu: 0.5, leaseMs: 30_000 })
    const after = await listed(world, node.session)
    assert.deepEqual(
      [after.slotsInUse, after.cpu, after.startedAt, after.lastBeatAt, after.leaseUntil],
      [7, 0.5, before.startedAt, now, now + 30_000],
    )
    assert.ok(after.lastBeatAt >= before.lastBeatAt + 5)
  })

  promise('a session that was not renewed in time is over, even if nobody noticed', async (world) => {
    const node = await world.node('late', { leaseMs: LEASE_MS })
    await world.waitingRun('kept')
    const lease = await node.claimOne()
    await world.advance(LEASE_MS + 20)
    await assert.rejects(node.beat(), expired)
    assert.deepEqual(await fate(world, node.session), { alive: false, left: false })
    await node.leave()
    assert.deepEqual(await fate(world, node.session), { alive: false, left: false }, 'it came too late')
    await assert.rejects(node.beat(), expired, 'the refused beat did not revive it')
    assert.deepEqual(
      (await world.store.recover(10)).map((run) => run.id),
      [lease.runId],
    )
  })

  promise('a session that left does not come back', async (world) => {
    const node = await world.node('a')
    await node.leave()
    await assert.rejects(node.beat(), expired)
    await node.leave()
    assert.deepEqual(await fate(world, node.session), { alive: false, left: true })
  })

  promise('leaving ends no other session, and may be called for one that never was', async (world) => {
    const [a, b] = [await world.node('a'), await world.node('b')]
    await a.leave()
    await world.store.leave('never-was')
    await b.beat()
    assert.equal((await listed(world, a.session)).alive, false)
    assert.equal((await listed(world, b.session)).alive, true)
    assert.equal((await world.store.listNodes()).length, 2)
  })

  promise('a node that comes back under a new session is alive beside its old self', async (world) => {
    const old = await world.node('a')
    await old.leave()
    const fresh = await world.node('a')
    assert.equal((await listed(world, fresh.session)).alive, true)
    assert.equal((await listed(world, old.session)).alive, false)
  })

  promise("a heartbeat's answer names who is alive", async (world) => {
    const a = await world.node('a')
    const b = await world.node('b')
    const gone = await world.node('gone')
    await gone.leave()
    const short = await world.node('short', { leaseMs: LEASE_MS })
    assert.deepEqual((await a.beat()).sessions.toSorted(), [a.session, b.session, short.session].toSorted())
    await world.advance(LEASE_MS + 20)
    assert.deepEqual((await b.beat()).sessions.toSorted(), [a.session, b.session].toSorted())
    const late = await world.node('late')
    assert.ok((await late.beat()).sessions.includes(late.session))
  })

  promise('what a node holds is told, until it has ended or was taken back', async (world) => {
    const [a, b] = [await world.node('a'), await world.node('b', { leaseMs: LEASE_MS })]
    await world.waitingRun('first')
    const first = await a.claimOne()
    await world.waitingRun('second')
    const second = await b.claimOne()
    await assertHeld(world, a.session, [first.runId])
    await assertHeld(world, b.session, [second.runId])
    await world.finish(first, succeeded)
    await assertHeld(world, a.session, [])
    await world.advance(LEASE_MS + 20)
    await assertHeld(world, b.session, [second.runId], 'dead, and not yet recovered')
    await world.store.recover(10)
    await assertHeld(world, b.session, [])
  })

  promise("a heartbeat's answer names what of this session is to be cancelled", async (world) => {
    const [a, b] = [await world.node('a'), await world.node('b')]
    const first = await world.waitingRun('first')
    await a.claimOne()
    const second = await world.waitingRun('second')
    await b.claimOne()
    await world.store.cancelRun(first.id)
    await world.store.cancelRun(second.id)
    assert.deepEqual((await a.beat()).cancel, [first.id])
    assert.deepEqual((await b.beat()).cancel, [second.id])
    assert.deepEqual((await a.beat()).cancel, [first.id], 'it is told until the run has ended')
  })

  promise(
    "a heartbeat's answer tells the mean load of the living nodes, the one that asks among them",
    async (world) => {
      const [a, b] = [await world.node('a'), await world.node('b')]
      assert.equal((await a.beat({ load: 1 })).load, (1 + 0.25) / 2)
      assert.equal((await b.beat({ load: 0.5 })).load, 0.75)
      assert.equal((await a.beat({ load: 0 })).load, 0.25)
    },
  )

  promise('a node that left or died is no part of the load', async (world) => {
    const [idle, dying] = [await world.node('idle'), await world.node('dying', { leaseMs: LEASE_MS })]
    const leaving = await world.node('leaving')
    await dying.beat({ load: 1, leaseMs: LEASE_MS })
    await leaving.beat({ load: 1 })
    await leaving.leave()
    assert.equal((await idle.beat({ load: 0 })).load, 0.5)
    await world.advance(LEASE_MS + 20)
    assert.equal((await idle.beat({ load: 0 })).load, 0)
  })
}

async function assertHeld(world: World, session: string, ids: RunId[], why?: string): Promise<void> {
  const { runsHeld, heldRuns } = await listed(world, session)
  assert.equal(runsHeld, ids.length, why)
  if (heldRuns !== null) assert.deepEqual(heldRuns, ids, why)
}

async function fate(world: World, session: string): Promise<Pick<NodeRecord, 'alive' | 'left'>> {
  const { alive, left } = await listed(world, session)
  return { alive, left }
}

async function listed(world: World, session: string): Promise<NodeRecord> {
  const record = (await world.store.listNodes()).find((node) => node.session === session)
  assert.ok(record, `session ${session} is not listed`)
  return record
}
