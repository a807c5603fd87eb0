import { afterEach, beforeEach, expect, test } from 'vitest'
import { EVERY_HOUR, testServer, type TestServer } from '../../testing/test-server.js'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const beat = (node: string, tasks: string[]) =>
  server.scheduler.store.heartbeat({
    session: `${node}-session`,
    node,
    host: 'elsewhere',
    pid: 7,
    version: '0.1.0',
    tzdata: '2026a',
    groups: ['default'],
    tasks,
    slots: 4,
    slotsInUse: 1,
    eventLoopDelayMs: 0.5,
    cpu: 0.1,
    memoryBytes: 1024,
    latenessMs: 3,
    load: 0.25,
    leaseMs: 10_000,
  })

test('tasks are those of this node, and those that other live nodes tell of', async () => {
  await beat('node-b', ['ok', 'theirs'])
  await beat('node-c', ['gone'])
  await server.scheduler.store.leave('node-c-session')

  const { body } = await server.call('GET', '/api/v1/tasks')
  const names = (body.items as { name: string }[]).map(({ name }) => name)
  expect(names).toEqual(['command', 'failing', 'greet', 'http', 'ok', 'talking', 'theirs'])
  const byName = Object.fromEntries((body.items as { name: string }[]).map((task) => [task.name, task]))
  expect(byName['ok']).toEqual({
    name: 'ok',
    description: 'Answers with its input.',
    concurrency: {},
    retry: null,
    timeoutMs: 300_000,
    checksInput: false,
    local: true,
    nodes: ['node-a', 'node-b'],
  })
  expect(byName['greet']).toMatchObject({
    concurrency: { cluster: 2 },
    retry: { maxAttempts: 5 },
    checksInput: true,
  })
  expect(byName['theirs']).toEqual({
    name: 'theirs',
    description: null,
    concurrency: null,
    retry: null,
    timeoutMs: null,
    checksInput: null,
    local: false,
    nodes: ['node-b'],
  })
})

test('nodes are listed with what they do, also one that has left', async () => {
  await beat('node-b', ['ok'])
  await beat('node-c', [])
  await server.scheduler.store.leave('node-c-session')
  const { body } = await server.call('GET', '/api/v1/nodes')
  expect(body.nextCursor).toBeNull()
  expect(body.items).toContainEqual(
    expect.objectContaining({ node: 'node-b', alive: true, host: 'elsewhere', slots: 4, slotsInUse: 1 }),
  )
  expect(body.items).toContainEqual(expect.objectContaining({ node: 'node-c', alive: false }))
})

test('stats count what there is', async () => {
  await server.create({ id: 'a', task: 'ok', trigger: EVERY_HOUR })
  await server.create({ id: 'b', task: 'ok', trigger: EVERY_HOUR })
  await server.call('POST', '/api/v1/schedules/b/pause')
  await server.call('POST', '/api/v1/schedules/a/run')
  const { body } = await server.call('GET', '/api/v1/stats')
  expect(body).toMatchObject({
    node: 'node-a',
    schedules: { active: 1, paused: 1, finished: 0, broken: 0 },
    runs: { pending: 1, running: 0, retrying: 0 },
    overdueMs: 0,
    unclaimed: { ok: 1 },
  })
})
