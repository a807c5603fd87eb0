import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TcpProxy } from './tcp-proxy.js'

let server: Server
let proxy: TcpProxy
/** What the server was sent, in order; it answers each with the same in capitals. */
let arrived: string[]
const clients: Socket[] = []

beforeEach(async () => {
  arrived = []
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      arrived.push(chunk.toString())
      server.emit('arrival')
      socket.write(chunk.toString().toUpperCase())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await TcpProxy.start((server.address() as AddressInfo).port)
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.close()
  server.close()
})

function client(port = proxy.port): Socket {
  const socket = connect(port, '127.0.0.1')
  clients.push(socket)
  return socket
}

/** All that the client was sent until it ended, or until it was as long as this. */
async function received(socket: Socket, length = Infinity): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (text.length >= length) break
  }
  return text
}

async function arrival(text: string): Promise<void> {
  while (!arrived.join('').includes(text)) await once(server, 'arrival')
}

test('passes both ways', async () => {
  const one = client()
  one.write('one')
  expect(await received(one, 3)).toBe('ONE')
})

test('an end passes as well, after all that was sent before it', async () => {
  const one = client()
  const closed = once(server, 'connection').then(([socket]) => once(socket as Socket, 'close'))
  one.end('last words')
  await closed
  expect(arrived).toEqual(['last words'])
})

test('a blackhole holds everything back, and lets it go when it ends, even if the client has gone by then', async () => {
  const one = client()
  one.write('one')
  await received(one, 3)
  proxy.set({ kind: 'blackhole' })
  one.end('held')
  await once(one, 'finish')

  // Another way to the same server shows that time goes on.
  client((server.address() as AddressInfo).port).write('other')
  await arrival('other')
  expect(arrived).toEqual(['one', 'other'])

  proxy.set({ kind: 'pass' })
  await arrival('held')
})

test('half of a connection: what is sent arrives, the reply is lost, and the connection with it', async () => {
  const one = client()
  one.write('one')
  await received(one, 3)
  proxy.set({ kind: 'half' })
  one.write('two')
  await arrival('two')
  const rest = received(one)
  one.write('three')
  await arrival('three')
  proxy.set({ kind: 'pass' })
  await expect(rest).rejects.toMatchObject({ code: 'ECONNRESET' })
  const next = client()
  next.write('four')
  expect(await received(next, 4)).toBe('FOUR')
})

test('latency is added each way, and keeps the order when it ends', async () => {
  proxy.set({ kind: 'latency', ms: 60 })
  const one = client()
  const sentAt = performance.now()
  one.write('one')
  expect(await received(one, 3)).toBe('ONE')
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(120)
  one.write('two')
  await arrival('two')
  proxy.set({ kind: 'pass' })
  one.write('three')
  expect(await received(one, 8)).toBe('TWOTHREE')
})

test('a reset ends connections with an error; refused or accepted are new ones, as told', async () => {
  const one = client()
  one.write('one')
  await received(one, 3)
  proxy.set({ kind: 'reset', refuse: true })
  await expect(received(one)).rejects.toMatchObject({ code: 'ECONNRESET' })
  await expect(received(client())).rejects.toMatchObject({ code: 'ECONNRESET' })

  proxy.set({ kind: 'reset', refuse: false })
  const next = client()
  next.write('two')
  expect(await received(next, 3)).toBe('TWO')
})
