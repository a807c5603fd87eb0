import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createScheduler } from '../../client/scheduler.js'
import type { Scheduler } from '../../client/types.js'
import { defineTask } from '../../domain/define-task.js'
import type { SqlTransaction } from '../../domain/sql-transaction.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'

// Callers keep their transactions open for as long as they like.

let server: PostgresServer
let pool: pg.Pool
let schemas = 0
let scheduler: Scheduler

const tick = defineTask({ name: 'tick', run: () => {} })
const hourly = { kind: 'interval', every: { hours: 1 } } as const
const often = { kind: 'interval', every: { milliseconds: 50 } } as const

beforeAll(async () => {
  // Shorter than any patience: who waits in a circle is found out.
  server = await PostgresServer.start({ settings: { deadlock_timeout: '10ms' } })
  pool = new pg.Pool({ connectionString: server.url })
})

beforeEach(async () => {
  scheduler = await createScheduler({ store: `${server.url}?schema=test_${schemas++}`, tasks: [tick] })
})

afterEach(() => scheduler.stop({ graceMs: 0 }))

afterAll(async () => {
  await pool.end()
  await server.stop()
})

/** Rolled back in the end. */
async function inTransaction(work: (tx: SqlTransaction) => Promise<void>): Promise<void> {
  const client = await pool.connect()
  await client.query('BEGIN')
  try {
    await work(client)
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}

/** Nothing else may go wrong: a deadlock, above all, may not. */
function isHeld(error: unknown): void {
  expect(error).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/held by another transaction|lock timeout/) as string,
  })
}

/** The fires of a schedule from now on. */
function fires(scheduleId: string, count: number): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0
    scheduler.on('run.succeeded', (event) => {
      if (event.scheduleId === scheduleId && ++seen === count) resolve()
    })
  })
}

test('a schedule that a caller has put is locked until the end, and all others go on', async () => {
  const { schedules, runs } = scheduler
  await schedules.putAll(['held', 'free'].map((id) => ({ id, task: tick, trigger: often })))
  await scheduler.start()
  await fires('held', 2)
  await inTransaction(async (tx) => {
    await schedules.put({ id: 'held', task: tick, trigger: often, description: 'changed' }, { tx })
    await schedules.put({ id: 'new', task: tick, trigger: hourly }, { tx })
    await runs.enqueue(tick, { tx })
    await fires('free', 20)
    await expect(schedules.pause('held')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await schedules.pause('free')
    await schedules.resume('free')
    await fires('free', 2)
  })
  await fires('held', 5)
  expect(await schedules.get('held')).toMatchObject({ revision: 1 })
})

test('a caller that finds a schedule held by another is told so, and its transaction is still good', async () => {
  const { schedules } = scheduler
  await schedules.put({ id: 'held', task: tick, trigger: hourly })
  const change = (tx: SqlTransaction): Promise<unknown> =>
    schedules.put({ id: 'held', task: tick, trigger: hourly, description: 'changed' }, { tx })
  await inTransaction(async (first) => {
    await change(first)
    await inTransaction(async (second) => {
      await expect(change(second)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('held by another transaction') as string,
      })
      await schedules.put({ id: 'other', task: tick, trigger: hourly }, { tx: second })
    })
  })
})

test('callers that want the same in opposite order, among nodes that want it all, never make a deadlock', async () => {
  const { schedules } = scheduler
  const ids = Array.from({ length: 6 }, (_, i) => `s${i}`)
  const put = (id: string, description: string, tx?: SqlTransaction): Promise<unknown> =>
    schedules.put({ id, task: tick, trigger: often, description }, tx === undefined ? {} : { tx })
  for (const id of ids) await put(id, 'first')
  await scheduler.start()
  const caller = (order: readonly string[], name: string): Promise<void> =>
    inTransaction(async (tx) => {
      for (const id of order) await put(id, name, tx)
    }).catch(isHeld)
  await Promise.all([
    ...Array.from({ length: 3 }, (_, i) => caller(ids, `up ${i}`)),
    ...Array.from({ length: 3 }, (_, i) => caller(ids.toReversed(), `down ${i}`)),
    schedules.putAll(ids.map((id) => ({ id, task: tick, trigger: often, description: 'all' }))).catch(isHeld),
  ])
  await fires('s0', 3)
})

test('an edit of a calendar waits for callers that put schedules with it, and holds up no other schedule', async () => {
  const { schedules, calendars } = scheduler
  await calendars.put({ name: 'holidays', dates: ['2030-01-01'] })
  const except = { ...often, exclude: { calendar: 'holidays' } }
  await schedules.put({ id: 'ticking', task: tick, trigger: except })
  await scheduler.start()
  await inTransaction(async (tx) => {
    await schedules.put({ id: 'new', task: tick, trigger: except }, { tx })
    const edit = calendars.put({ name: 'holidays', dates: ['2030-01-02'] })
    const isRefused = expect(edit).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await Promise.race([fires('ticking', 10).then(() => 'ticking'), edit.catch(() => 'edit')])).toBe(
      'ticking',
    )
    await isRefused
  })
  await calendars.put({ name: 'holidays', dates: ['2030-01-02'] })
})
