import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '@evertick/core/testing'
import { testServer, type TestServer } from '../../testing/test-server.js'

let server: TestServer
let clock: ManualClock
beforeEach(async () => {
  clock = new ManualClock()
  server = await testServer({ scheduler: { clock } })
})
afterEach(() => server[Symbol.asyncDispose]())

const post = (verb: string, body: object, name = 'deploy') =>
  server.call('POST', `/api/v1/locks/${name}/${verb}`, { body })
const acquire = (owner: string, more: object = {}) =>
  post('acquire', { owner, holder: `host-${owner}`, ttlMs: 5000, ...more })

test('a lock is acquired, listed, renewed and released', async () => {
  const granted = await acquire('a')
  expect(granted.body).toEqual({
    outcome: 'acquired',
    fence: expect.any(Number) as number,
    heldUntil: new Date(clock.now() + 5000).toISOString(),
    holder: 'host-a',
    freeInMs: null,
  })
  expect((await acquire('a')).body).toEqual(granted.body)
  const { fence } = granted.body
  expect((await acquire('b', { queueMs: 10_000 })).body).toEqual({
    outcome: 'held',
    fence: null,
    heldUntil: null,
    holder: 'host-a',
    freeInMs: 5000,
  })
  expect((await server.call('GET', '/api/v1/locks?prefix=dep')).body).toEqual({
    items: [
      {
        name: 'deploy',
        holder: 'host-a',
        fence,
        acquiredAt: new Date(clock.now()).toISOString(),
        heldUntil: granted.body.heldUntil,
        waiting: 1,
      },
    ],
    nextCursor: null,
  })

  await clock.advance(4000)
  expect((await post('renew', { owner: 'a', fence, ttlMs: 5000 })).status).toBe(204)
  await clock.advance(4000)
  expect((await post('release', { owner: 'a' })).body).toEqual({ released: true })
  expect((await post('release', { owner: 'a' })).body).toEqual({ released: false })
  const next = (await acquire('b')).body
  expect(next).toMatchObject({ outcome: 'acquired' })
  expect(next.fence).toBeGreaterThan(fence)
})

test('a renewal that comes too late is refused as LEASE_LOST', async () => {
  const { fence } = (await acquire('a')).body
  await clock.advance(5000)
  const { status, body } = await post('renew', { owner: 'a', fence })
  expect([status, body.code]).toEqual([409, 'LEASE_LOST'])
  expect(body.detail).toContain('Lock deploy')
})

test.each([
  ['acquire', { holder: 'x' }, 'owner is required'],
  ['acquire', { owner: 'a', holder: 'x', ttlMs: 1 }, 'ttlMs must be >= 200'],
  ['acquire', { owner: 'a', holder: 'x', queueMs: 3_600_000 }, 'queueMs must be <= 60000'],
  ['acquire', { owner: 'a b', holder: 'x' }, 'owner must match pattern'],
  ['renew', { owner: 'a' }, 'fence is required'],
  ['release', { owner: 'a', fense: 1 }, 'fense is not a known field'],
])('%s with %j is refused', async (verb, body, complaint) => {
  const answer = await post(verb, body)
  expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } })
  expect(answer.body.detail).toContain(complaint)
})

test('a name that is none is refused', async () => {
  const { status } = await post('release', { owner: 'a' }, '-x')
  expect(status).toBe(400)
})

test('the node that is leader is marked among the nodes', async () => {
  await server.scheduler.start()
  server.scheduler.leader.runOnLeader(() => {})
  const leaders = async (): Promise<boolean[]> => {
    await clock.advance(1)
    const { body } = await server.call('GET', '/api/v1/nodes')
    return (body.items as { leader: boolean }[]).map(({ leader }) => leader)
  }
  await expect.poll(leaders).toEqual([true])
})
