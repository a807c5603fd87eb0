import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../testing/servers/free-port.js'
import { RedisServer } from '../../testing/servers/redis-server.js'
import { RedisStore } from './redis-store.js'

let folder: string
let server: RedisServer
let port: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-tls-'))
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  await writeFile(join(folder, 'cert.pem'), pair.cert)
  await writeFile(join(folder, 'key.pem'), pair.private)
  port = await freePort()
  const files = {
    '--tls-cert-file': 'cert.pem',
    '--tls-key-file': 'key.pem',
    '--tls-ca-cert-file': 'cert.pem',
  }
  server = await RedisServer.start({
    settings: [
      '--tls-port',
      String(port),
      '--tls-auth-clients',
      'no',
      ...Object.entries(files).flatMap(([setting, file]) => [setting, join(folder, file)]),
    ],
  })
})

afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

test('over TLS a server with a certificate that is trusted is used', async () => {
  const store = await RedisStore.open(`rediss://localhost:${port}?ca=${join(folder, 'cert.pem')}`)
  try {
    expect(store.info.location).toContain(`rediss://localhost:${port}`)
    expect(await store.now()).toBeGreaterThan(0)
  } finally {
    await store.close()
  }
})

test('one with a certificate that is not trusted is refused', async () => {
  await expect(RedisStore.open(`rediss://localhost:${port}`)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('self-signed certificate'),
  })
})

test('a file of certificates that is not there is refused by name', async () => {
  await expect(RedisStore.open(`rediss://localhost:${port}?ca=/nowhere/ca.pem`)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('/nowhere/ca.pem'),
  })
})

test('of a server that does not answer over TLS it is told that it was asked so', async () => {
  await expect(RedisStore.open(`rediss://localhost:${server.port}`)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/over TLS; where it speaks none the URL begins with redis:\/\/$/),
  })
})
