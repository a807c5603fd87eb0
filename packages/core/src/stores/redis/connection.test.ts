import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../domain/clock.js'
import { RedisServer } from '../../testing/servers/redis-server.js'
import { whenAvailable } from '../../testing/when-available.js'
import { Connection } from './connection.js'
import { parseRedisUrl } from './url.js'

const nobody = { clock: systemClock, hinted: () => {}, connected: () => {}, replaced: () => {} }

let redis: RedisServer
let proxy: Server
/** How many more lines end when they are asked to subscribe. */
let ends: number
/** Whether the next answer gets lost, and its line with it. */
let losesAnswer: boolean

beforeEach(async () => {
  redis = await RedisServer.start()
  ends = 0
  losesAnswer = false
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

test('what was sent and not answered is not sent again when the line is up', async () => {
  const { port } = proxy.address() as AddressInfo
  const connection = await Connection.open(parseRedisUrl(`redis://127.0.0.1:${port}`), Math.random, nobody)
  const source = "return redis.call('INCR', KEYS[1])"
  const script = { source, sha: createHash('sha1').update(source).digest('hex') }
  expect(await connection.run(script, 'count')).toBe(1)
  losesAnswer = true
  await expect(connection.run(script, 'count')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(await whenAvailable(() => connection.run(script, 'count'))).toBe(3)
  await connection.close()
})

test('a line that goes down while it subscribes again ends nothing, and hints arrive when it is up', async () => {
  const { port } = proxy.address() as AddressInfo
  let hinted: (() => void) | undefined
  const connection = await Connection.open(parseRedisUrl(`redis://127.0.0.1:${port}`), Math.random, {
    ...nobody,
    hinted: () => hinted?.(),
  })
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

/** Past the proxy; answers how many listened. */
async function publish(channel: string): Promise<number> {
  const line = connect(redis.port, '127.0.0.1')
  line.write(`PUBLISH ${channel} due\r\n`)
  const [answer] = (await once(line, 'data')) as [Buffer]
  line.destroy()
  return Number(answer.toString().slice(1))
}
