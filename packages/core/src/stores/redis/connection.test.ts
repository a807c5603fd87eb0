import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../domain/clock.js'
import { RedisServer } from '../../testing/servers/redis-server.js'
import { whenAvailable } from '../../testing/when-available.js'
import { Connection, type ConnectionListeners } from './connection.js'
import { parseRedisUrl } from './url.js'

const source = "return redis.call('INCR', KEYS[1])"
const COUNT = { source, sha: createHash('sha1').update(source).digest('hex') }
const nobody = { clock: systemClock, hinted: () => {}, connected: () => {}, replaced: () => {} }

let redis: RedisServer
let proxy: Server
/** How many more lines end when they are asked to subscribe. */
let ends: number
/** Whether the next answer gets lost, and its line with it. */
let losesAnswer: boolean
/** How many more lines are told, while they are being made, that the server is loading its data for another hour. */
let loads: number
/** How many more lines hear nothing while they are being made. */
let swallows: number

beforeEach(async () => {
  redis = await RedisServer.start()
  ends = 0
  losesAnswer = false
  loads = 0
  swallows = 0
  proxy = createServer((client) => {
    const server = connect(redis.port, '127.0.0.1')
    client.on('error', () => server.destroy()).on('close', () => server.destroy())
    server.on('error', () => client.destroy()).on('close', () => client.destroy())
    server.on('data', (chunk) => {
      if (losesAnswer) {
        losesAnswer = false
        client.resetAndDestroy()
      } else {
        client.write(chunk)
      }
    })
    client.on('data', (chunk) => {
      if (ends > 0 && /subscribe/i.test(chunk.toString())) {
        ends--
        client.resetAndDestroy()
        if (ends === 0) proxy.emit('ended')
      } else if (swallows > 0 && isInfo(chunk)) {
        swallows--
      } else if (loads > 0 && isInfo(chunk)) {
        loads--
        const answer = 'loading:1\r\nloading_eta_seconds:3600\r\n'
        client.write(`$${answer.length}\r\n${answer}\r\n`)
      } else {
        server.write(chunk)
      }
    })
    proxy.on('cut', () => client.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
})

afterEach(async () => {
  proxy.emit('cut')
  proxy.close()
  await redis.stop()
})

function open(listeners: ConnectionListeners = nobody): Promise<Connection> {
  const { port } = proxy.address() as AddressInfo
  return Connection.open(parseRedisUrl(`redis://127.0.0.1:${port}`), Math.random, listeners)
}

test('what was sent and not answered is not sent again when the line is up', async () => {
  const connection = await open()
  expect(await connection.run(COUNT, 'count')).toBe(1)
  losesAnswer = true
  await expect(connection.run(COUNT, 'count')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/ did not answer: the connection ended before the answer$/),
  })
  await expect(connection.run(COUNT, 'count')).rejects.toThrow(/ there is no connection at the moment$/)
  expect(await whenAvailable(() => connection.run(COUNT, 'count'))).toBe(3)
  await connection.close()
})

test('a line that goes down while it subscribes again ends nothing, and hints arrive when it is up', async () => {
  let hinted: (() => void) | undefined
  const connection = await open({ ...nobody, hinted: () => hinted?.() })
  await connection.subscribe(['hints'])
  ends = 2
  const ended = once(proxy, 'ended')
  proxy.emit('cut')
  await ended

  const hint = new Promise<void>((resolve) => {
    hinted = resolve
  })
  let listeners = 0
  while (listeners === 0) listeners = await publish('hints')
  await hint
  expect(listeners).toBe(1)
  await connection.close()
})

test(
  'a server that was loading is used as soon as it is ready, whatever it guessed',
  { timeout: 15_000 },
  async () => {
    const connection = await open()
    loads = 2
    proxy.emit('cut')
    expect(await whenAvailable(() => connection.run(COUNT, 'count'))).toBe(1)
    expect(loads).toBe(0)
    await connection.close()
  },
)

test('a line that hears nothing while it is being made is made anew', async () => {
  const connection = await open()
  swallows = 1
  proxy.emit('cut')
  expect(await whenAvailable(() => connection.run(COUNT, 'count'))).toBe(1)
  expect(swallows).toBe(0)
  await connection.close()
})

test('a server that takes connections and says nothing is not waited for', async () => {
  redis.freeze()
  await expect(open()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
})

function isInfo(chunk: Buffer): boolean {
  return /info\r\n$/i.test(chunk.toString())
}

/** Past the proxy; answers how many listened. */
async function publish(channel: string): Promise<number> {
  const line = connect(redis.port, '127.0.0.1')
  line.write(`PUBLISH ${channel} due\r\n`)
  const [answer] = (await once(line, 'data')) as [Buffer]
  line.destroy()
  return Number(answer.toString().slice(1))
}
