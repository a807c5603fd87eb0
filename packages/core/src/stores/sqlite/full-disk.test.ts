import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.js'
import type { Store } from '../../store/contract.js'
import { SmallDisk } from '../../testing/small-disk.js'
import { succeeded, World } from '../../testing/store-conformance/world.js'
import { connect } from './driver.js'
import { SqliteStore } from './sqlite-store.js'

const MIB = 1024 * 1024
const NO_HISTORY = { maxRuns: 1, maxAgeMs: 0, maxFailureAgeMs: 0, maxFailures: 1000, maxSkipped: 1000 }
const missing = SmallDisk.isMissing()

let disk: SmallDisk
let path: string
let store: Store
let world: World
const opened: Store[] = []

async function open(): Promise<Store> {
  const opening = await SqliteStore.open(path)
  opened.push(opening)
  return opening
}

async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((each) => each.close()))
}

/** As after all processes have ended: the log is empty, and takes no room. */
async function openAnew(): Promise<void> {
  await closeAll()
  const connection = await connect(path)
  connection.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  connection.close()
  store = await open()
  world = await worldAround(store)
}

function worldAround(subject: Store): Promise<World> {
  return World.around({
    store: subject,
    second: open,
    advance: () => Promise.reject(new Error('time goes by itself')),
    close: () => subject.close(),
  })
}

/** As SQLite itself finds it. */
async function integrity(): Promise<unknown> {
  const connection = await connect(path)
  const answer = connection.prepare('PRAGMA integrity_check').all()
  connection.close()
  return answer
}

describe.skipIf(missing !== false)(`a full disk${missing === false ? '' : ` (skipped: ${missing})`}`, () => {
  beforeEach(async () => {
    disk = SmallDisk.mount(40)
    path = join(disk.folder, 'store.db')
    store = await open()
    world = await worldAround(store)
  })

  afterEach(async () => {
    try {
      await closeAll()
    } finally {
      disk.unmount()
    }
  })

  /** Writes until the store has no room for what is new. Answers how many schedules it took. */
  async function fillStore(through = store): Promise<number> {
    const filler = await worldAround(through)
    const input = 'x'.repeat(60_000)
    for (let count = 0; ; count++) {
      try {
        await filler.schedule(`filler-${count}`, { fireTime: null, definition: { input } })
      } catch (error) {
        expect(codeOf(error)).toBe('STORE_FULL')
        return count
      }
    }
  }

  test('filled by another program: what is new is refused, what ends and deletes is not, and reads go on', async () => {
    const node = await world.node('a')
    for (const id of ['running', 'waiting', 'due']) await world.schedule(id)
    await world.fire('running')
    const lease = await node.claimOne()
    const waiting = await world.fire('waiting')
    const due = world.decide(await world.stored('due'))
    disk.fill()
    const taken = await fillStore()

    await expect(node.claim()).rejects.toMatchObject({ code: 'STORE_FULL' })
    await expect(store.commit([due], node.dispatch())).rejects.toMatchObject({ code: 'STORE_FULL' })
    await expect(world.schedule('new')).rejects.toMatchObject({
      code: 'STORE_FULL',
      message: expect.stringContaining(path),
    })
    await expect(store.addRuns([world.request('due')])).rejects.toMatchObject({ code: 'STORE_FULL' })

    expect((await store.peek(10)).due.map(({ id }) => id)).toContain('due')
    await node.beat()
    expect(await store.finish([{ ...lease, outcome: succeeded }])).toEqual([true])
    expect((await store.cancelRun(waiting.id))?.status).toBe('cancelled')
    expect(await store.deleteSchedule('running')).toBe(true)
    await node.leave()
    expect((await store.prune(NO_HISTORY, 500)).deleted).toBeGreaterThan(0)

    disk.makeRoom()
    expect(await store.getSchedules(['new'])).toEqual([null])
    const fresh = await world.node('b')
    expect((await store.commit([due], fresh.dispatch())).claimed.length).toBe(1)
    await world.schedule('new')
    expect(await world.stored(`filler-${taken - 1}`)).toBeDefined()
    expect(await integrity()).toEqual([{ integrity_check: 'ok' }])
  })

  test('filled by the store itself: deletions make room, without more of the disk', async () => {
    const taken = await fillStore()
    for (let i = 0; i < taken; i++) expect(await store.deleteSchedule(`filler-${i}`)).toBe(true)
    disk.fill()
    await world.schedule('new')
    expect(await integrity()).toEqual([{ integrity_check: 'ok' }])
  })

  test('what ends and renews goes on for as long as it takes', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    const runs = 200
    for (let i = 0; i < runs; i++) await world.fire('daily')
    const leases = (await Promise.all([node.claim(), node.claim()])).flat()
    expect(leases.length).toBe(runs)
    disk.fill()
    await fillStore()
    const result = JSON.stringify('r'.repeat(2000))
    for (const lease of leases) {
      expect(await store.finish([{ ...lease, outcome: { kind: 'succeeded', result } }])).toEqual([true])
      // Each is a step of its own, and all together are many times what the log has room for.
      for (let i = 0; i < 10; i++) await node.beat({ leaseMs: 60_000 + i })
    }
    expect(statSync(`${path}-wal`).size).toBeLessThan(8 * MIB)
    expect(await integrity()).toEqual([{ integrity_check: 'ok' }])
  })

  test('history of any length can be pruned, and what that frees is room for what is new', async () => {
    const node = await world.node('a')
    const spec = JSON.stringify({ input: 'i'.repeat(1300) })
    const log = [{ level: 'info', message: 'm'.repeat(1300) }] as const
    // A step of all touches as many pages of runs and of logs, more than the log of the file has room for.
    for (let i = 0; i < 1500; i += 99) {
      const ids = Array.from({ length: 99 }, (_, j) => (j % 3 === 0 ? `old-${(i + j) % 50}` : 'young'))
      await store.addRuns(ids.map((id) => world.request(id, { spec })))
      const leases = await node.claim()
      await store.report(leases.map((lease) => Object.assign({ log, progress: null }, lease)))
      await store.finish(leases.map((lease) => Object.assign({ outcome: succeeded }, lease)))
    }
    await openAnew()
    disk.fill()
    await fillStore()
    let deleted = 0
    for (let more = true; more;) {
      const step = await store.prune(NO_HISTORY, 1500)
      deleted += step.deleted
      more = step.more
    }
    expect(deleted).toBe(1584)
    await world.schedule('new')
    expect(await integrity()).toEqual([{ integrity_check: 'ok' }])
  })

  test('of ends for which there is no room together, those are taken for which there is', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    for (let i = 0; i < 80; i++) await world.fire('daily')
    const leases = await node.claim()
    disk.fill()
    await fillStore()
    const outcome = { kind: 'succeeded', result: JSON.stringify('r'.repeat(60_000)) } as const
    const ends = await Promise.allSettled(leases.map((lease) => store.finish([{ ...lease, outcome }])))
    const refused = ends.filter(({ status }) => status === 'rejected')
    expect(ends.length - refused.length).toBeGreaterThan(20)
    expect(refused.length).toBeGreaterThan(0)
    for (const each of refused) expect(each).toMatchObject({ reason: { code: 'STORE_FULL' } })
    expect(await integrity()).toEqual([{ integrity_check: 'ok' }])
  })

  test('a step for which there is no room is refused whole, and holds up nothing', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    await world.fire('daily')
    const lease = await node.claimOne()
    const input = 'x'.repeat(60_000)
    const items = Array.from({ length: 130 }, (_, i) => ({
      definition: { id: `large-${i}`, task: 't', trigger: { kind: 'x' }, input },
      state: 'active' as const,
      stateReason: null,
      expect: 'absent' as const,
      timing: null,
    }))
    disk.fill()
    // So much that it would fit into the log, but not into the file as well.
    disk.leaveRoom(6)
    const written = store.putSchedules(items).then(({ length }) => length)
    await expect(written).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(await store.getSchedules(['large-0', 'large-129'])).toEqual([null, null])
    disk.fill()
    for (let i = 0; i < 2000; i++) await node.beat()
    expect(await store.finish([{ ...lease, outcome: succeeded }])).toEqual([true])
    expect(await integrity()).toEqual([{ integrity_check: 'ok' }])
  })

  test('a store that was opened again a moment ago can end as much as any other', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    for (let i = 0; i < 100; i++) await world.fire('daily')
    const leases = await node.claim()
    await openAnew()
    disk.fill()
    const result = JSON.stringify('r'.repeat(20_000))
    const outcome = { kind: 'succeeded', result } as const
    expect(await store.finish(leases.map((lease) => Object.assign({ outcome }, lease)))).not.toContain(false)
  })

  test('every process on the file sees that it is full, and what one deletes is room for another', async () => {
    const other = await open()
    await fillStore()
    const [first, second] = [await worldAround(store), await worldAround(other)]
    await expect(first.schedule('new')).rejects.toMatchObject({ code: 'STORE_FULL' })
    await expect(second.schedule('new')).rejects.toMatchObject({ code: 'STORE_FULL' })
    for (let i = 0; i < 40; i++) await other.deleteSchedule(`filler-${i}`)
    await first.schedule('new')
  })

  test('what was refused is not written later, whatever was asked for together with it', async () => {
    const node = await world.node('a')
    disk.fill()
    await fillStore()
    const other = await connect(path)
    other.exec('BEGIN IMMEDIATE')
    const put = world.schedule('new')
    const beat = node.beat()
    await expect(put).rejects.toMatchObject({ code: 'STORE_FULL' })
    disk.makeRoom()
    other.exec('COMMIT')
    other.close()
    await beat
    expect(await store.getSchedules(['new'])).toEqual([null])
  })

  test('pages over which a process died are used', async () => {
    const connection = await connect(path)
    connection.exec('INSERT INTO spare VALUES (zeroblob(6000000))')
    connection.close()
    disk.fill()
    expect(await fillStore()).toBeGreaterThan(30)
  })

  test('a file that is not there yet is refused as long as there is no room for it', async () => {
    disk.fill()
    path = join(disk.folder, 'another.db')
    await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'STORE_FULL' })
    disk.makeRoom()
    await open()
  })
})
