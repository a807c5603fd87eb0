import { afterAll, beforeAll, expect, test } from 'vitest'
import { POLICY_DEFAULTS } from '../../domain/policies.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { World } from '../../testing/store-conformance/world.js'
import { PostgresStore } from './postgres-store.js'

let server: PostgresServer
let store: PostgresStore

beforeAll(async () => {
  server = await PostgresServer.start()
  store = await PostgresStore.open(server.url)
})

afterAll(async () => {
  await store.close()
  await server.stop()
})

/** Prunes to the end of a round; answers how many runs are gone. */
async function round(): Promise<number> {
  let deleted = 0
  for (let more = true; more;) {
    const step = await store.prune({ ...POLICY_DEFAULTS.history, maxRuns: 0 }, 1000)
    deleted += step.deleted
    more = step.more
  }
  return deleted
}

test('a round of pruning leaves out no schedule, among more than it looks at in one step', async () => {
  const world = await World.around({
    store,
    second: () => Promise.resolve(store),
    advance: () => Promise.resolve(),
    close: () => store.close(),
  })
  // So that the statements are planned for good while there is nothing yet, as they are in a node that was first.
  for (let i = 0; i < 10; i++) await round()
  const ids = Array.from({ length: 160 }, (_, i) => `s${i}`)
  for (const id of ids) {
    await world.schedule(id, { definition: { history: { maxRuns: 1000 } } })
    const [run] = await store.addRuns([world.request(id)])
    await store.cancelRun(run!.id)
  }
  expect(await round()).toBe(0)
  const gone = ids.filter((_, i) => i % 10 === 3)
  for (const id of gone) await store.deleteSchedule(id)
  expect(await round()).toBe(gone.length)
})
