import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.js'
import type { StoreHint } from '../../store/contract.js'
import { freePort } from '../../testing/servers/free-port.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { hinted } from '../../testing/store-conformance/hinted.js'
import { succeeded, World } from '../../testing/store-conformance/world.js'
import { PostgresStore } from './postgres-store.js'

let server: PostgresServer
let schemas = 0
let schema: string
let store: PostgresStore
let world: World
const opened: PostgresStore[] = []

beforeAll(async () => {
  server = await PostgresServer.start()
})

beforeEach(async () => {
  schema = `test_${schemas++}`
  store = await open()
  world = await World.around({
    store,
    second: () => open(),
    advance: (ms) => sleep(ms),
    close: () => store.close(),
  })
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

afterAll(() => server.stop())

async function open(query = ''): Promise<PostgresStore> {
  const opening = await PostgresStore.open(`${server.url}?schema=${schema}${query}`)
  opened.push(opening)
  return opening
}

/** Works on the server as an operator would. */
async function operate<Answer>(work: (client: pg.Client) => Promise<Answer>): Promise<Answer> {
  const client = new pg.Client({ connectionString: server.url, application_name: 'operator' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const TERMINATE = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'evertick'`

/** Calls until the store answers: it is unavailable while its lines are down. */
async function eventually<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (codeOf(error) !== 'STORE_UNAVAILABLE') throw error
      await sleep(10)
    }
  }
}

/** So many steps of the store wait for a lock. */
async function someWait(client: pg.Client, count: number): Promise<void> {
  while ((await client.query('SELECT FROM pg_locks WHERE NOT granted')).rows.length < count) await sleep(5)
}

function told(wanted: StoreHint): Promise<void> {
  return new Promise((resolve) => {
    store.watch((hint) => hint === wanted && resolve())
  })
}

describe('an immediate shutdown and restart', () => {
  test('loses nothing, and the handle that was open goes on', async () => {
    const node = await world.node('a')
    await world.schedule('daily')
    const [lease] = (await world.commit('daily', {}, node.dispatch())).claimed
    await world.schedule('other')
    await server.kill()
    await expect(store.now()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const again = told('due')
    await server.restart()

    const schedules = await eventually(() => store.getSchedules(['daily', 'other']))
    expect(schedules.map((schedule) => schedule?.fires)).toEqual([1, 0])
    expect(await store.finish([{ ...lease!, outcome: succeeded }])).toEqual([true])
    await world.fire('other')
    // Those who watch are told, for nobody knows what they did not hear.
    await again
  })

  test('does not end the listening: what another node tells is heard again', async () => {
    const other = await open()
    await server.kill()
    const again = told('ready')
    await server.restart()
    await again
    await hinted(store, 'lock', async () => {
      const claim = { name: 'x', owner: 'o' }
      await eventually(() => other.acquireLock({ ...claim, holder: 'h', ttlMs: 1000, queueMs: 0 }))
      await other.releaseLock(claim)
    })
  })
})

test('of statements that are sent together, the one that failed is told', async () => {
  await world.schedule('daily')
  const node = await world.node('a')
  await operate((client) =>
    client.query(`ALTER TABLE ${schema}.runs ADD CONSTRAINT none_please CHECK (false) NOT VALID`),
  )
  for (let i = 0; i < 5; i++)
    await expect(world.commit('daily', {}, node.dispatch())).rejects.toThrow('none_please')
})

describe('connections that are killed', () => {
  test('in the midst of a commit, leave all of it or nothing; asked again, it is carried out once', async () => {
    const node = await world.node('a')
    const decision = world.decide(await world.schedule('daily'), { runs: 3 })
    const dispatch = node.dispatch({ slots: 2 })
    await operate(async (client) => {
      // Holds up the commit after its first writes.
      await client.query(`BEGIN; LOCK TABLE ${schema}.schedules IN SHARE MODE`)
      const refused = expect(store.commit([decision], dispatch)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
      })
      await someWait(client, 1)
      await client.query(TERMINATE)
      await refused
      await client.query('COMMIT')
    })
    expect(await eventually(() => world.runsOf('daily'))).toEqual([])
    const result = await store.commit([decision], dispatch)
    expect([result.committed, result.claimed.length, result.waiting]).toEqual([[true], 2, 1])
    expect(await world.runsOf('daily')).toHaveLength(3)
  })

  test('at any moment, cost no fire time and double none, and whoever asks again has all that it leased', async () => {
    const rounds = 40
    const ids = ['a', 'b', 'c', 'd']
    for (const id of ids) await world.schedule(id)
    const node = await world.node('n')
    const leased: string[] = []
    await operate(async (client) => {
      for (let round = 0; round < rounds; round++) {
        const stored = await eventually(() => store.getSchedules(ids))
        const decisions = stored.map((schedule) => world.decide(schedule!))
        const dispatch = node.dispatch({ slots: 1000 })
        const committing = eventually(() => store.commit(decisions, dispatch))
        // Each time a little later in its course.
        await sleep(round / 3)
        await client.query(TERMINATE)
        leased.push(...(await committing).claimed.map(({ runId }) => runId))
      }
    })
    const runs = (await Promise.all(ids.map((id) => eventually(() => world.runsOf(id))))).flat()
    expect(runs).toHaveLength(rounds * ids.length)
    expect(runs.every((run) => run.status === 'running')).toBe(true)
    expect(leased.toSorted()).toEqual(runs.map((run) => run.id).toSorted())
  })
})

describe('a process that stands still in the midst of a step', () => {
  test('does not hold up the schedules that it has not locked', async () => {
    const [locked, free] = [await world.schedule('locked'), await world.schedule('free')]
    await operate(async (client) => {
      await client.query(`BEGIN; SELECT FROM ${schema}.schedules WHERE id = 'locked' FOR NO KEY UPDATE`)
      const { committed } = await store.commit([world.decide(locked), world.decide(free)], null)
      expect(committed).toEqual([false, true])
      await client.query('ROLLBACK')
    })
    expect((await store.commit([world.decide(locked)], null)).committed).toEqual([true])
  })

  test('does not make others wait for ever: they are told that the store is not available', async () => {
    await world.schedule('locked')
    await operate(async (client) => {
      await client.query(`BEGIN; SELECT FROM ${schema}.schedules WHERE id = 'locked' FOR NO KEY UPDATE`)
      await expect(store.deleteSchedule('locked')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    })
    expect(await store.deleteSchedule('locked')).toBe(true)
  })
})

describe('a heartbeat that had to wait', () => {
  test('renews nothing when the lease was over before its turn came', async () => {
    const node = await world.node('late', { leaseMs: 300 })
    await operate(async (client) => {
      await client.query(`BEGIN; SELECT FROM ${schema}.sessions FOR NO KEY UPDATE`)
      const refused = expect(node.beat()).rejects.toMatchObject({ code: 'SESSION_EXPIRED' })
      const { rows } = await client.query<{ lease_until: string }>(
        `SELECT lease_until FROM ${schema}.sessions`,
      )
      while ((await store.now()) < Number(rows[0]!.lease_until)) await sleep(20)
      await client.query('COMMIT')
      await refused
    })
  })
})

describe('a calendar that is edited while a schedule is put', () => {
  test('is seen by the one or the other: no fire time is computed with days that are no longer', async () => {
    const calendar = (await store.putCalendar({ definition: { name: 'days' }, expect: 'absent' })) as {
      calendar: { revision: number }
    }
    const { revision } = calendar.calendar
    const timing = { fireTime: 1000, dueAt: 1000, tzdata: 'x', afterRunMs: null }
    const put = (id: string): ReturnType<PostgresStore['putSchedules']> =>
      store.putSchedules([
        {
          definition: { id, task: 't', trigger: { kind: 'interval', every: 1000 } },
          state: 'active',
          stateReason: null,
          expect: 'absent',
          timing: { ...timing, calendars: { names: ['days'], revision } },
        },
      ])
    await operate(async (client) => {
      // Holds up the schedule after it has looked at the calendars.
      await client.query(`BEGIN; LOCK TABLE ${schema}.schedules IN SHARE MODE`)
      const putting = put('s')
      await someWait(client, 1)
      const refused = expect(store.deleteCalendar('days')).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
      await Promise.race([someWait(client, 2), refused.catch(() => {})])
      await client.query('COMMIT')
      expect(await putting).toMatchObject([{ outcome: 'created' }])
      await refused
    })
    expect((await store.getCalendars(['days'])).calendars).toHaveLength(1)
  })
})

describe('who may not enter', () => {
  test('is refused, and no password is shown', async () => {
    await operate(async (client) => {
      await client.query(`CREATE ROLE secured LOGIN PASSWORD 'right-secret'`)
      await client.query('GRANT CREATE ON DATABASE postgres TO secured')
      const rules = 'host all secured 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n'
      await writeFile(join(server.folder, 'data', 'pg_hba.conf'), rules)
      await client.query('SELECT pg_reload_conf()')
    })
    const as = (login: string): Promise<PostgresStore> =>
      PostgresStore.open(`${server.url.replace('evertick', login)}?schema=secured`)
    // The rules hold from some moment on.
    while (
      await as('secured:wrong-secret').then(
        (early) => early.close().then(() => true),
        () => false,
      )
    );
    const refused: unknown = await as('secured:wrong-secret').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'STORE_UNREADABLE' })
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain('wrong-secret')
    const allowed = await as('secured:right-secret')
    expect(JSON.stringify(allowed.info)).not.toContain('right-secret')
    await allowed.close()
  })

  test('is told when there is no such database, or no server at all', async () => {
    await expect(PostgresStore.open(server.url.replace(/postgres$/, 'nowhere'))).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
    })
    await expect(PostgresStore.open(`postgres://127.0.0.1:${await freePort()}/x`)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  })
})

test('a schema that was dropped is told of as such', async () => {
  await operate((client) => client.query(`DROP SCHEMA ${schema} CASCADE`))
  await expect(store.peek(10)).rejects.toMatchObject({ code: 'STORE_UNREADABLE' })
})

test('text with the character NUL, for which PostgreSQL has no place, is stored without it', async () => {
  const node = await world.node('a')
  await world.waitingRun('odd', { spec: JSON.stringify({ input: 'a\0b' }) })
  const lease = await node.claimOne()
  expect(lease.spec).toBe(JSON.stringify({ input: 'a\0b' }))
  await store.report([{ ...lease, log: [{ level: 'info', message: 'a\0b' }], progress: null }])
  expect((await store.readLog(lease.runId, { limit: 1 })).lines).toMatchObject([{ message: 'a\uFFFDb' }])
})

describe('behind a transaction pooler', () => {
  test('nobody listens, no statement is left prepared, and everything else goes on', async () => {
    const pooled = await open('&pooler=true')
    expect(pooled.info.notifies).toBe(false)
    const { id } = await world.waitingRun('daily')
    const node = await world.node('a', { store: pooled })
    const lease = await node.claimOne()
    expect(lease.runId).toBe(id)
    expect(await pooled.finish([{ ...lease, outcome: succeeded }])).toEqual([true])
    await hinted(pooled, 'due', () =>
      pooled.putSchedules([
        {
          definition: { id: 'more', task: 't', trigger: { kind: 'interval', every: 1000 } },
          state: 'active',
          stateReason: null,
          expect: 'absent',
          timing: null,
        },
      ]),
    )
  })

  test('a step waits no longer there than elsewhere', async () => {
    const pooled = await open('&pooler=true')
    await world.schedule('locked')
    await operate(async (client) => {
      await client.query(`BEGIN; SELECT FROM ${schema}.schedules WHERE id = 'locked' FOR NO KEY UPDATE`)
      await expect(pooled.deleteSchedule('locked')).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        // The word of the server, which comes before this end loses patience and the connection.
        message: expect.stringContaining('lock timeout'),
      })
    })
  })
})
