import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { Database } from './database.js'
import { loadDriver } from './driver.js'
import { PostgresStore } from './postgres-store.js'
import type { Transaction } from './transaction.js'
import { parsePostgresUrl } from './url.js'

const PUT = `INSERT INTO @calendars (name, revision, definition, created_at, updated_at) VALUES ($1, 1, '{}', 1, 1)`

let server: PostgresServer

beforeAll(async () => {
  server = await PostgresServer.start()
  await (await PostgresStore.open(server.url)).close()
})

afterAll(() => server.stop())

describe.each([
  { how: 'statements are sent together', behindPooler: false },
  { how: 'one statement is sent after the other', behindPooler: true },
])('where $how', ({ behindPooler }) => {
  let db: Database

  beforeAll(async () => {
    db = await Database.open(await loadDriver(), parsePostgresUrl(server.url), behindPooler, () => {})
  })

  afterAll(() => db.close())

  async function names(): Promise<string[]> {
    const { rows } = await db.query<{ name: string }>('SELECT name FROM @calendars ORDER BY name')
    return rows.map(({ name }) => name)
  }

  test('what follows a failure in the same breath is taken back, and the failure is told', async () => {
    const step = db.transaction((tx) =>
      Promise.all([tx.query(PUT, ['before']), tx.query('SELECT 1 / 0'), tx.query(PUT, ['after'])]),
    )
    await expect(step).rejects.toThrow(/division by zero/)
    expect(await names()).toEqual([])
  })

  test.each([
    { why: 'a statement failed', fail: (tx: Transaction) => tx.query('SELECT 1 / 0') },
    { why: 'it was refused', fail: () => Promise.reject(new Error('refused')) },
  ])('what remains of a step is not carried out when $why', async ({ fail }) => {
    let goOn!: () => void
    const itEnded = new Promise<void>((resolve) => (goOn = resolve))
    let rest!: Promise<unknown>
    const step = db.transaction((tx) => {
      rest = itEnded.then(() => tx.query(PUT, ['rest']))
      return Promise.all([fail(tx), rest])
    })
    await expect(step).rejects.toThrow(/division by zero|refused/)
    goOn()
    await expect(rest).rejects.toThrow(/division by zero|refused/)
    expect(await names()).toEqual([])
  })
})
