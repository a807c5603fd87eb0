import { defineTask } from '@evertick/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answered, cli, startCli, type CliOutcome } from '../testing/test-cli.js'
import { testServer, type TestServer } from '../testing/test-server.js'

const TASKS = [
  defineTask({
    name: 'greet',
    run({ input, log }) {
      const { name } = input as { name: string }
      log(`hello \u001b[31m${name}`)
      return { greeted: name }
    },
  }),
  defineTask({
    name: 'fail',
    run() {
      throw Object.assign(new Error('the disk is full'), { code: 'DISK_FULL' })
    },
  }),
  defineTask({
    name: 'slow',
    run: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      }),
  }),
]

let server: TestServer
let env: Record<string, string>
const run = (...argv: string[]): Promise<CliOutcome> => cli(argv, { env })

/** The id of the run of `slow` that is running, once there is one. */
async function runningId(): Promise<string> {
  for (;;) {
    const page = answered(await run('runs', '--schedule', 'slow', '--status', 'running', '--json'))
    const [first] = page['items'] as { id: string }[]
    if (first !== undefined) return first.id
  }
}

beforeAll(async () => {
  server = await testServer({ scheduler: { tasks: TASKS, node: { name: 'node-a' } } })
  await server.scheduler.start()
  env = { EVERTICK_SERVER: await server.app.listen({ port: 0 }) }
  for (const task of ['greet', 'fail', 'slow'])
    await run(
      'schedule',
      'add',
      task,
      '--task',
      task,
      '--at',
      '2099-01-01T00:00:00Z',
      '--input',
      '{"name":"Ada"}',
    )
})

afterAll(() => server[Symbol.asyncDispose]())

test('run --wait shows the outcome, and fails when the run does', async () => {
  const good = await run('schedule', 'run', 'greet', '--wait', '--input', '{"name":"Bob"}')
  expect(good).toMatchObject({ code: 0, err: '' })
  expect(good.out).toMatch(/^status +succeeded$/m)
  expect(good.out).toContain('"greeted": "Bob"')
  const bad = await run('schedule', 'run', 'fail', '--wait')
  expect(bad.code).toBe(1)
  expect(bad.out).toMatch(/^error +DISK_FULL: the disk is full$/m)
  const json = await run('schedule', 'run', 'fail', '--wait', '--json')
  expect(json.code).toBe(1)
  expect(JSON.parse(json.out)).toMatchObject({
    status: 'failed',
    kind: 'manual',
    error: { code: 'DISK_FULL' },
  })
})

test('a run is listed with how it ended, and its log cannot command the terminal', async () => {
  const done = JSON.parse((await run('schedule', 'run', 'greet', '--wait', '--json')).out) as { id: string }
  const list = await run('runs', '--schedule', 'greet', '--status', 'succeeded,failed')
  expect(list.out).toMatch(/^RUN +TASK +STATUS +ATTEMPT +WHEN +TOOK +NOTE$/m)
  expect(list.out).toContain(done.id)
  const log = await run('runs', 'log', done.id)
  expect(log.out).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}hello \\x1b\[31mAda$/m)
  const page = answered(await run('runs', 'log', done.id, '--json'))
  expect(page['lines']).toMatchObject([{ level: 'info', message: 'hello \u001b[31mAda' }])
})

test('a running run is cancelled; an ended one is a conflict', async () => {
  const waiting = startCli(['schedule', 'run', 'slow', '--wait'], { env })
  const id = await runningId()
  expect((await run('runs', 'cancel', id)).code).toBe(0)
  expect(await waiting.outcome).toMatchObject({
    code: 1,
    out: expect.stringContaining('CANCELLED') as string,
  })
  expect(await run('runs', 'cancel', id)).toMatchObject({
    code: 4,
    err: expect.stringMatching(/^error ILLEGAL_STATE: /) as string,
  })
})

test('a failed run is given one more attempt, a successful one is not', async () => {
  const failed = JSON.parse((await run('schedule', 'run', 'fail', '--wait', '--json')).out) as { id: string }
  expect(answered(await run('runs', 'retry', failed.id, '--json'))).toMatchObject({ id: failed.id })
  const succeeded = JSON.parse((await run('schedule', 'run', 'greet', '--wait', '--json')).out) as {
    id: string
  }
  expect(await run('runs', 'retry', succeeded.id)).toMatchObject({ code: 4 })
})

test('an interrupt ends the waiting, not the run', async () => {
  const waiting = startCli(['schedule', 'run', 'slow', '--wait', '--json'], { env })
  const id = await runningId()
  await waiting.interrupt()
  const { code, out } = await waiting.outcome
  expect(code).toBe(130)
  expect(JSON.parse(out)).toMatchObject({ id, status: 'running' })
  await run('runs', 'cancel', id)
})

test('--follow shows what is there, then what happens, until it is interrupted', async () => {
  const before = JSON.parse((await run('schedule', 'run', 'greet', '--wait', '--json')).out) as {
    id: string
  }
  const words = startCli(['runs', '--follow', '--schedule', 'greet', '--limit', '1'], { env })
  const lines = startCli(['runs', '--follow', '--schedule', 'greet', '--limit', '1', '--json'], { env })
  await Promise.all([words.shows(before.id), lines.shows(before.id)])
  const after = JSON.parse((await run('schedule', 'run', 'greet', '--wait', '--json')).out) as {
    id: string
  }
  await Promise.all([words.shows(after.id), lines.shows(after.id)])
  await Promise.all([words.interrupt(), lines.interrupt()])
  expect(await words.outcome).toMatchObject({ code: 0, err: '' })
  const followed = await lines.outcome
  expect(followed.code).toBe(0)
  const ids = followed.out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id)
  expect([...new Set(ids)]).toEqual([before.id, after.id])
})

test('nodes are listed with what they know', async () => {
  const { out } = await run('nodes')
  expect(out).toMatch(/^node-a +alive +[\d.]+ +\d+\/100 +\d+ .*greet.*slow$/m)
  expect(answered(await run('nodes', '--json'))).toMatchObject({ items: [{ node: 'node-a', alive: true }] })
})
