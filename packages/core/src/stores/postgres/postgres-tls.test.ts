import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { unprivilegedAccount } from '../../testing/servers/account.js'
import { PostgresServer } from '../../testing/servers/postgres-server.js'
import { PostgresStore } from './postgres-store.js'

let folder: string
let server: PostgresServer
let plain: PostgresServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-tls-'))
  const names = [{ type: 2 as const, value: 'localhost' }]
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: names }],
  })
  const other = await generate([{ name: 'commonName', value: 'localhost' }])
  await writeFile(join(folder, 'cert.pem'), pair.cert)
  await writeFile(join(folder, 'other.pem'), other.cert)
  // The server refuses a key that others may read.
  await writeFile(join(folder, 'key.pem'), pair.private, { mode: 0o600 })
  const account = await unprivilegedAccount()
  if (account !== null)
    for (const path of [folder, join(folder, 'key.pem')]) await chown(path, account.uid, account.gid)
  const settings = {
    ssl: 'on',
    ssl_cert_file: join(folder, 'cert.pem'),
    ssl_key_file: join(folder, 'key.pem'),
  }
  server = await PostgresServer.start({ settings })
  plain = await PostgresServer.start()
})

afterAll(async () => {
  await server.stop()
  await plain.stop()
  await rm(folder, { recursive: true, force: true })
})

/** The certificate is made out to `localhost`. */
const urlOf = (host: 'localhost' | '127.0.0.1', query: string): string =>
  `${server.url.replace('127.0.0.1', host)}?${query.replaceAll('FOLDER', folder)}`

/** How many of the connections of the store are encrypted, and how many are not. */
async function encryption(): Promise<unknown> {
  const client = new pg.Client(server.url)
  await client.connect()
  const { rows } = await client.query(`
    SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'evertick'`)
  await client.end()
  return rows
}

describe('a server with a certificate', () => {
  test.each([
    ['any will do', '127.0.0.1', 'sslmode=require'],
    [
      'one that is trusted, whomever it is made out to',
      '127.0.0.1',
      'sslmode=verify-ca&sslrootcert=FOLDER/cert.pem',
    ],
    ['the same, as libpq reads it', '127.0.0.1', 'sslmode=require&sslrootcert=FOLDER/cert.pem'],
    [
      'one that is trusted and made out to this host',
      'localhost',
      'sslmode=verify-full&sslrootcert=FOLDER/cert.pem',
    ],
    ['the same, where nothing else is said', 'localhost', 'sslrootcert=FOLDER/cert.pem'],
  ] as const)('is used over TLS where %s', async (_, host, query) => {
    const store = await PostgresStore.open(urlOf(host, query))
    try {
      expect(store.info).toMatchObject({ notifies: true })
      expect(await encryption()).toEqual([{ ssl: true }])
    } finally {
      await store.close()
    }
  })

  test.each([
    ['that nobody trusts', 'localhost', 'sslmode=verify-full', 'self-signed certificate'],
    [
      'that nobody trusts, whomever it is made out to',
      'localhost',
      'sslmode=verify-ca',
      'self-signed certificate',
    ],
    [
      'other than the one that is trusted',
      'localhost',
      'sslmode=verify-ca&sslrootcert=FOLDER/other.pem',
      'certificate',
    ],
    [
      'other than the one that is trusted, where libpq reads it so',
      'localhost',
      'sslmode=require&sslrootcert=FOLDER/other.pem',
      'certificate',
    ],
    [
      'made out to another host',
      '127.0.0.1',
      'sslmode=verify-full&sslrootcert=FOLDER/cert.pem',
      "does not match certificate's altnames",
    ],
  ] as const)('%s is refused', async (_, host, query, reason) => {
    await expect(PostgresStore.open(urlOf(host, query))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining(reason),
    })
    expect(await encryption()).toEqual([])
  })
})

test('a server without TLS is not spoken to in the clear where TLS is demanded', async () => {
  await expect(PostgresStore.open(`${plain.url}?sslmode=require`)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('does not support SSL'),
  })
})

test('a file of certificates that is not there is refused by name', async () => {
  await expect(PostgresStore.open(urlOf('localhost', 'sslrootcert=/nowhere/ca.pem'))).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('/nowhere/ca.pem'),
  })
})
