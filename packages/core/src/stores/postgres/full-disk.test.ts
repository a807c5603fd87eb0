import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createScheduler } from '../../client/scheduler.js'
import { defineTask } from '../../domain/define-task.js'
import { codeOf } from '../../domain/errors.js'
import { silentLogger, type Logger } from '../../domain/logger.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { SmallDisk } from '../../testing/small-disk.js'
import { succeeded, World } from '../../testing/store-conformance/world.js'
import { whenAvailable } from '../../testing/when-available.js'
import { interval } from '../../triggers/index.js'
import { PostgresStore } from './postgres-store.js'

/** Room for an empty server, its log and a little more. */
const MEBIBYTES = 130
const EVERY_MS = 20

const missing = SmallDisk.isMissing()
const skipped = missing === false ? '' : ` (skipped: ${missing})`

describe.skipIf(missing !== false)(`a server whose disk is full${skipped}`, () => {
  let disk: SmallDisk
  let server: PostgresServer | undefined
  let operator: pg.Client
  let store: PostgresStore
  let world: World

  beforeAll(async () => {
    disk = SmallDisk.mount(MEBIBYTES)
    server = await PostgresServer.start({ parent: disk.folder })
  })

  afterEach(async () => {
    await store.close()
    await operator.end()
  })

  afterAll(async () => {
    await server?.stop()
    disk.unmount()
  })

  async function open(schema: string): Promise<void> {
    operator = new pg.Client(server!.url)
    operator.on('error', () => {})
    await operator.connect()
    store = await PostgresStore.open(`${server!.url}?schema=${schema}`)
    world = await World.around({
      store,
      second: () => Promise.resolve(store),
      advance: () => Promise.resolve(),
      close: () => store.close(),
    })
  }

  /** Writes until it is refused, and answers how. */
  async function refusal(): Promise<unknown> {
    for (let i = 0; ; i++) {
      try {
        // By chance, so that it cannot be made smaller.
        await world.schedule(`large-${i}`, { definition: { input: randomBytes(30_000).toString('base64') } })
      } catch (error) {
        return error
      }
    }
  }

  test('refuses writes with a clear error, goes on reading, and takes writes again when there is room', async () => {
    await open('refusing')
    const node = await world.node('a')
    const { id } = await world.waitingRun('early')
    const lease = await node.claimOne()
    disk.fill()
    const error = await refusal()
    expect(codeOf(error)).toBe('STORE_FULL')
    expect((error as Error).message).toMatch(/takes no more: could not extend file .*No space left on device/)

    expect(await store.getSchedules(['early'])).toMatchObject([{ id: 'early' }])
    expect(await world.runsOf('early')).toMatchObject([{ id, status: 'running' }])
    expect(await store.stats()).toMatchObject({ running: 1 })
    // What is held stays held: a session is renewed in the room that it has.
    for (let i = 0; i < 100; i++) await node.beat()

    disk.makeRoom()
    await world.schedule('late')
    expect(await store.finish([{ ...lease, outcome: succeeded }])).toEqual([true])
  })

  test('holds up the fires of a node, which says so, and makes up for all of them by itself', async () => {
    await open('resuming')
    let refused: () => void
    const refusing = new Promise<void>((resolve) => (refused = resolve))
    let awaited = Infinity
    let resumed: () => void
    const resuming = new Promise<void>((resolve) => (resumed = resolve))
    const log: Logger = {
      ...silentLogger,
      error: (fields) => {
        if (codeOf((fields as { err?: unknown }).err) === 'STORE_FULL') refused()
      },
    }
    const task = defineTask({
      name: 'tick',
      run: ({ fireTime }) => {
        if (fireTime.getTime() > awaited) resumed()
      },
    })
    const scheduler = await createScheduler({ store, tasks: [task], log })
    await scheduler.start()
    const trigger = interval({ milliseconds: EVERY_MS })
    await scheduler.schedules.put({ id: 's', task, trigger, catchUp: 'all', overlap: 'allow' })
    disk.fill()
    await refusal()
    await refusing
    disk.makeRoom()
    awaited = await store.now()
    await resuming
    await scheduler.stop()
    const runs = await world.runsOf('s')
    const times = runs.map(({ fireTime }) => fireTime).toSorted((a, b) => a - b)
    expect(times).toEqual(times.map((_, i) => times[0]! + i * EVERY_MS))
    expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(['succeeded']))
  })

  test('ends when it cannot write its log either; started again with room, it has all that it acknowledged', async () => {
    await open('ended')
    await world.schedule('acknowledged')
    disk.fill()
    await expect(
      operator.query(`SELECT pg_logical_emit_message(false, '', repeat('x', 40000000))`),
    ).rejects.toThrow('No space left on device')
    await expect(world.schedule('refused')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    disk.makeRoom()
    await server!.kill()
    await server!.restart()
    expect(await whenAvailable(() => store.getSchedules(['acknowledged', 'refused']))).toMatchObject([
      { id: 'acknowledged' },
      null,
    ])
  })
})
