import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import type { TestNode } from '../../testing/store-conformance/test-node.js'
import { succeeded, World } from '../../testing/store-conformance/world.js'
import { PostgresStore } from './postgres-store.js'

// Somebody may hold a schedule for as long as they like, in a transaction of their own. The nodes go on with all others.

let server: PostgresServer
let store: PostgresStore
let world: World
let holder: pg.Client
let node: TestNode

beforeAll(async () => {
  server = await PostgresServer.start()
  store = await PostgresStore.open(server.url)
  holder = new pg.Client(server.url)
  await holder.connect()
})

beforeEach(async () => {
  world = await World.around({
    store,
    second: () => Promise.resolve(store),
    advance: () => Promise.resolve(),
    close: () => Promise.resolve(),
  })
  node = await world.node('a')
})

afterAll(async () => {
  await holder.end()
  await store.close()
  await server.stop()
})

async function whileHeld(lock: string, work: () => Promise<void>): Promise<void> {
  await holder.query('BEGIN')
  await holder.query(lock)
  try {
    await work()
  } finally {
    await holder.query('ROLLBACK')
  }
}

const holdSchedule = (id: string): string => `SELECT FROM evertick.schedules WHERE id = '${id}' FOR UPDATE`

test('the outcome of a run of its own is to be reported again, and those of all others are written', async () => {
  const ids = ['held-1', 'free-1']
  for (const id of ids) await world.schedule(id)
  const { claimed } = await store.commit(
    await Promise.all(ids.map(async (id) => world.decide(await world.stored(id)))),
    node.dispatch(),
  )
  const reports = claimed.map(({ runId, fence, scheduleId }) => ({
    runId,
    fence,
    scheduleId,
    outcome: succeeded,
  }))
  const busy = reports.find(({ scheduleId }) => scheduleId === 'held-1')!
  await whileHeld(holdSchedule('held-1'), async () => {
    const answers = await store.finish(reports)
    expect(Object.fromEntries(reports.map((report, i) => [report.scheduleId, answers[i]]))).toEqual({
      'held-1': null,
      'free-1': true,
    })
    expect((await world.run(busy.runId)).status).toBe('running')
    expect(await store.finish([{ ...busy, fence: 1 as never }])).toEqual([false])
  })
  expect(await store.finish(reports.toReversed())).toEqual(
    reports.toReversed().map((report) => report.scheduleId === 'held-1'),
  )
})

test('the outcome of a run that is held, of a schedule that is not there any more, is to be reported again', async () => {
  await world.schedule('gone')
  const [lease] = (await world.commit('gone', {}, node.dispatch())).claimed
  await store.deleteSchedule('gone')
  const lock = `SELECT FROM evertick.runs WHERE schedule_id = 'gone' FOR UPDATE`
  await whileHeld(lock, async () => {
    expect(await store.finish([{ ...lease!, outcome: succeeded }])).toEqual([null])
  })
  expect(await store.finish([{ ...lease!, outcome: succeeded }])).toEqual([true])
})

test('its runs are recovered when it is free, and those of all others at once', async () => {
  const ids = ['held-2', 'free-2', 'kept-2']
  for (const id of ids) await world.schedule(id)
  const { claimed } = await store.commit(
    await Promise.all(ids.map(async (id) => world.decide(await world.stored(id)))),
    node.dispatch(),
  )
  expect(claimed).toHaveLength(3)
  await node.leave()
  const recovered = async (): Promise<string[]> => (await store.recover(1)).map((run) => run.scheduleId)
  await whileHeld(
    `SELECT FROM evertick.runs WHERE schedule_id = 'held-2' FOR UPDATE; ${holdSchedule('kept-2')}`,
    async () => {
      const found = [...(await store.recover(2)), ...(await store.recover(2))]
      expect(found.map((run) => run.scheduleId)).toEqual(['free-2'])
    },
  )
  expect([...(await recovered()), ...(await recovered())].toSorted()).toEqual(['held-2', 'kept-2'])
})
