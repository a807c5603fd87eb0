import { readExport } from '@evertick/core'
import { expect, test } from 'vitest'
import { EVERY_HOUR, testServer } from '../../testing/test-server.js'

test('everything is exported as lines that can be imported, to their end', async () => {
  await using server = await testServer()
  await server.create({ id: 'a', task: 'http', trigger: EVERY_HOUR, input: { url: 'http://x.example/' } })
  const { status, headers, text } = await server.call('GET', '/api/v1/export?history=true')
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('application/jsonl')
  const { header, items } = await readExport(pieces(text))
  expect(header).toMatchObject({ version: 1, history: true })
  const kinds: string[] = []
  for await (const { kind } of items) kinds.push(kind)
  expect(kinds).toEqual(['schedule'])
})

test('what cannot be asked is refused', async () => {
  await using server = await testServer()
  expect((await server.call('GET', '/api/v1/export?history=much')).status).toBe(400)
  expect((await server.call('GET', '/api/v1/export?since=2026')).status).toBe(400)
})

test('a store that does not answer is an error, not an answer that is cut off', async () => {
  await using server = await testServer()
  await server.scheduler.store.close()
  const { status, body } = await server.call('GET', '/api/v1/export')
  expect({ status, body }).toMatchObject({ status: 503, body: { code: 'STORE_CLOSED' } })
})

async function* pieces(text: string): AsyncGenerator<string, void> {
  yield text
}
