import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { TestNode } from '../../testing/store-conformance/test-node.js'
import { PostgresStore } from './postgres-store.js'

const HOUR_MS = 3_600_000

let server: PostgresServer
let operator: pg.Client
let store: PostgresStore

beforeAll(async () => {
  server = await PostgresServer.start()
  operator = new pg.Client(server.url)
  await operator.connect()
  store = await PostgresStore.open(server.url)
})

beforeEach(async () => {
  await operator.query('UPDATE evertick.clock SET followed = 0, behind_at = NULL')
})

afterAll(async () => {
  await store.close()
  await operator.end()
  await server.stop()
})

/** What was told before shows an hour more than the clock of the server does now. */
async function setBack(): Promise<number> {
  const told = Date.now() + HOUR_MS
  await operator.query('UPDATE evertick.clock SET followed = $1', [told])
  return told
}

test('a clock that was set back does not go back, nor stand still: it goes on at half its speed', async () => {
  const fresh = await PostgresStore.open(server.url)
  try {
    const told = await setBack()
    expect(await fresh.now()).toBe(told)
    const node = await TestNode.join(fresh, 'a')
    const wallFrom = Date.now()
    const from = await fresh.now()
    await sleep(100)
    await node.beat()
    const passed = (await fresh.now()) - from
    expect(passed).toBeGreaterThanOrEqual(49)
    expect(passed).toBeLessThanOrEqual((Date.now() - wallFrom) / 2 + 1)
  } finally {
    await fresh.close()
  }
})

test('it is one and the same for all nodes', async () => {
  const other = await PostgresStore.open(server.url)
  try {
    const told = await setBack()
    await TestNode.join(other, 'a')
    const [before, through, after] = [await other.now(), await store.now(), await other.now()]
    expect(before).toBeGreaterThanOrEqual(told)
    expect(through).toBeGreaterThanOrEqual(before)
    expect(after).toBeGreaterThanOrEqual(through)
  } finally {
    await other.close()
  }
})

test('what one handle was told does not go back even where nobody has remembered it', async () => {
  const told = await setBack()
  expect(await store.now()).toBeGreaterThanOrEqual(told)
  await operator.query('UPDATE evertick.clock SET followed = 0, behind_at = NULL')
  expect(await store.now()).toBeGreaterThanOrEqual(told)
  expect((await store.peek(1)).now).toBeGreaterThanOrEqual(told)
})

test('once caught up with, the clock of the server is followed again', async () => {
  const fresh = await PostgresStore.open(server.url)
  try {
    await operator.query('UPDATE evertick.clock SET followed = $1, behind_at = $2', [
      Date.now() - 1000,
      Date.now() - 1500,
    ])
    await TestNode.join(fresh, 'a')
    const { rows } = await operator.query<{ behind_at: string | null }>(
      'SELECT behind_at FROM evertick.clock',
    )
    expect(rows).toEqual([{ behind_at: null }])
    expect(Math.abs((await fresh.now()) - Date.now())).toBeLessThan(500)
  } finally {
    await fresh.close()
  }
})
