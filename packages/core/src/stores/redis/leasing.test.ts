import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../domain/clock.js'
import { RedisServer } from '../../testing/servers/redis-server.js'
import { liveStore } from '../../testing/store-conformance/live-store.js'
import { TASK, type TestNode } from '../../testing/store-conformance/test-node.js'
import { World } from '../../testing/store-conformance/world.js'
import type { Cell } from './cells.js'
import { Connection } from './connection.js'
import { dispatchArgs } from './leasing.js'
import { openNamespace } from './namespace.js'
import { RedisStore } from './redis-store.js'
import { parseRedisUrl } from './url.js'

let server: RedisServer
let store: RedisStore
let connection: Connection
let cell: Cell
let world: World

beforeEach(async () => {
  server = await RedisServer.start()
  store = await RedisStore.open(server.url)
  const url = parseRedisUrl(server.url)
  connection = await Connection.open(url, Math.random, {
    clock: systemClock,
    hinted: () => {},
    connected: () => {},
    replaced: () => {},
  })
  cell = (await openNamespace(connection, url, () => Promise.reject(new Error('nothing to tell')))).first
  world = await World.around(await liveStore(() => Promise.resolve(store)))
})

afterEach(async () => {
  await store.close()
  await connection.close()
  await server.stop()
})

test('a claim that counted before another did may not take where that one has counted', async () => {
  await world.waitingRun('limited')
  const [early, late] = [await world.node('early'), await world.node('late')]
  const [earlyFence, lateFence] = [await drawFence(), await drawFence()]
  // The later count comes here first; what it saw here must not change behind its back.
  await step('survey', late, lateFence)
  await step('survey', early, earlyFence)
  expect(await step('take', early, earlyFence)).toEqual([])
  expect(await step('take', late, lateFence)).toHaveLength(1)
})

test('a claim that arrives after the node went on takes nothing', async () => {
  for (const id of ['one', 'two', 'three']) await world.waitingRun(id)
  // A line that holds back what it is given, and delivers it though its client has gone.
  let held: (() => void) | null = null
  let holds = false
  const proxy = createServer((client) => {
    const line = connect(server.port, '127.0.0.1')
    for (const end of [client, line]) end.on('error', () => {})
    line.on('data', (chunk) => {
      client.write(chunk)
      if (client.destroyed) proxy.emit('late', chunk.toString())
    })
    client.on('data', (chunk) => {
      if (!holds) line.write(chunk)
      else held = () => void line.write(chunk)
    })
    proxy.on('cut', () => line.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const slow = await RedisStore.open(`redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  const node = await world.node('slow', { store: slow })

  holds = true
  const first = node.dispatch({ slots: 1 })
  await expect(slow.claim(first)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  holds = false
  await expect.poll(() => slow.claim(first).catch(() => [])).toHaveLength(1)
  expect(await node.claim({ slots: 1 })).toHaveLength(1)
  const late = once(proxy, 'late')
  held!()
  await late
  expect((await store.stats()).running).toBe(2)
  await slow.close()
  proxy.emit('cut')
  proxy.close()
})

function drawFence(): Promise<string> {
  return cell.run<string>('draw-fence', {})
}

function step(script: 'survey' | 'take', node: TestNode, limitFence: string): Promise<unknown> {
  const dispatch = node.dispatch({ tasks: { [TASK]: { clusterLimit: 1 } } })
  return cell.run(script, { dispatch: dispatchArgs(dispatch, 0), limitFence })
}
