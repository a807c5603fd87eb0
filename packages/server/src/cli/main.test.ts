import { defineTask, type Task } from '@evertick/core'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, startCli, type CliOutcome } from '../testing/test-cli.js'
import { testServer, type TestServer } from '../testing/test-server.js'

const TOKEN = 'a-token-of-enough-length'
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evertick-cli-'))
})

afterAll(() => rm(directory, { recursive: true }))

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
] as unknown as Task<never>[]

/** The one object that a command answered with --json. */
function answered({ out, err, code }: CliOutcome): Record<string, unknown> {
  expect({ err, code }).toEqual({ err: '', code: 0 })
  return JSON.parse(out) as Record<string, unknown>
}

describe.each(['a store', 'a server'])('against %s', (kind) => {
  let server: TestServer | null = null
  let env: Record<string, string>

  beforeAll(async () => {
    if (kind === 'a store') {
      env = { EVERTICK_STORE: `sqlite:${join(directory, 'direct.db')}` }
      return
    }
    server = await testServer({ token: TOKEN })
    env = { EVERTICK_SERVER: await server.app.listen({ port: 0 }), EVERTICK_TOKEN: TOKEN }
  })

  afterAll(() => server?.[Symbol.asyncDispose]())

  const run = (...argv: string[]): Promise<CliOutcome> => cli(argv, { env })

  test('a schedule is added, listed, shown, paused, resumed and removed', async () => {
    const added = await run('schedule', 'add', 'report', '--http', 'http://127.0.0.1:9/', '--every', '1h30m')
    expect(added).toMatchObject({ code: 0, err: '' })
    expect(added.out).toMatch(/^report is active, next fire in 1? ?\d+ (h|min|s) \(\d{4}-/)

    const list = await run('schedule', 'list')
    expect(list.out.split('\n')[0]).toMatch(/^SCHEDULE +TASK +TRIGGER +STATE +NEXT +LAST RUN$/)
    expect(list.out).toMatch(/^report +http +every 1 h 30 min +active +in \d+ \w+ +-$/m)

    const shown = await run('schedule', 'show', 'report')
    expect(shown.out).toContain('{"url":"http://127.0.0.1:9/"}')

    const paused = answered(await run('schedule', 'pause', 'report', '--reason', 'holiday', '--json'))
    expect(paused).toMatchObject({ id: 'report', state: 'paused', stateReason: 'holiday' })
    expect((await run('schedule', 'show', 'report')).out).toContain('paused: holiday')
    expect((await run('schedule', 'list', '--state', 'active')).out).toBe('no schedules\n')
    expect((await run('schedule', 'resume', 'report')).out).toContain('report is active')
    expect((await run('schedule', 'remove', 'report')).out).toBe('report is removed\n')
    expect(await run('schedule', 'show', 'report')).toMatchObject({
      code: 3,
      out: '',
      err: 'error SCHEDULE_NOT_FOUND: There is no schedule "report"\n',
    })
    expect((await run('schedule', 'remove', 'report')).code).toBe(3)
  })

  test('every flag of a schedule arrives as its field', async () => {
    await writeFile(join(directory, 'input.json'), '{"to":"me"}')
    const schedule = answered(
      await run(
        ...['schedule', 'add', 'full', '--task', 'greet', '--allow-unknown-task', '--cron', '0 9 * * MON'],
        ...[
          '--timezone',
          'Europe/Berlin',
          '--input-file',
          join(directory, 'input.json'),
          '--overlap',
          'bufferOne',
        ],
        ...['--catch-up', 'all', '--retry', '{"maxAttempts":3}', '--timeout', '1m30s', '--max-fires', '7'],
        ...['--paused', '--json'],
      ),
    )
    expect(schedule).toMatchObject({
      task: 'greet',
      trigger: { kind: 'cron', expression: '0 9 * * MON', timezone: 'Europe/Berlin' },
      input: { to: 'me' },
      overlap: 'bufferOne',
      catchUp: 'all',
      retry: { maxAttempts: 3 },
      timeoutMs: 90_000,
      maxFires: 7,
      state: 'paused',
    })
  })

  test('a file holds the definition, and flags go before it', async () => {
    const file = join(directory, 'schedule.json')
    await writeFile(
      file,
      JSON.stringify({
        task: 'command',
        input: { program: 'ls' },
        trigger: { kind: 'interval', every: { days: 1 } },
      }),
    )
    const schedule = answered(
      await run('schedule', 'add', 'nightly', '--file', file, '--at', '2099-01-01T00:00:00Z', '--json'),
    )
    expect(schedule).toMatchObject({ task: 'command', trigger: { kind: 'once', at: '2099-01-01T00:00:00Z' } })
  })

  test('words after -- are a program and its arguments, whatever they look like', async () => {
    const schedule = answered(
      await run(
        'schedule',
        'add',
        'disk',
        '--every',
        '1h',
        '--json',
        '--command',
        '--',
        'df',
        '-h',
        '--json',
        '$HOME',
      ),
    )
    expect(schedule).toMatchObject({
      task: 'command',
      input: { program: 'df', args: ['-h', '--json', '$HOME'] },
    })
  })

  test('an id that is taken is replaced, kept or refused', async () => {
    const add = (every: string, ifExists: string): Promise<CliOutcome> =>
      run(
        'schedule',
        'add',
        'twice',
        '--http',
        'http://x/',
        '--every',
        every,
        '--if-exists',
        ifExists,
        '--json',
      )
    expect(answered(await add('1h', 'error'))).toMatchObject({ revision: 1 })
    expect(answered(await add('2h', 'keep'))).toMatchObject({ trigger: { every: { hours: 1 } } })
    expect(answered(await add('2h', 'replace'))).toMatchObject({ trigger: { every: { hours: 2 } } })
    const refused = await add('3h', 'error')
    expect(refused.code).toBe(4)
    expect(JSON.parse(refused.err)).toMatchObject({ code: 'SCHEDULE_EXISTS', errors: [] })
  })

  test('what is wrong is named field by field, with exit code 2', async () => {
    const { code, err } = await run(
      ...[
        'schedule',
        'add',
        'bad id',
        '--http',
        'file:///etc/passwd',
        '--cron',
        '99 * * * *',
        '--timezone',
        'Berlin',
      ],
    )
    expect(code).toBe(2)
    expect(err).toMatch(/^error INVALID_SCHEDULE: \d problems\n/)
    expect(err).toMatch(/^ {2}id: must be 1 to 128 characters/m)
    expect(err).toMatch(/^ {2}trigger\.timezone: .*did you mean "Europe\/Berlin"\?/m)

    const input = await run(
      'schedule',
      'add',
      'web',
      '--http',
      'file:///etc/passwd',
      '--every',
      '1h',
      '--json',
    )
    expect(input.code).toBe(2)
    expect(JSON.parse(input.err)).toMatchObject({ code: 'INVALID_INPUT', errors: [{ path: 'input.url' }] })
    expect((await run('schedule', 'add', 'x', '--task', 'nobody', '--every', '1h')).err).toMatch(
      /^error UNKNOWN_TASK: /,
    )
  })

  test('the next fire times come with the wall clock of the zone', async () => {
    await run(
      'schedule',
      'add',
      'noon',
      '--http',
      'http://x/',
      '--cron',
      '0 12 * * *',
      '--timezone',
      'Asia/Tokyo',
    )
    const { out } = await run('schedule', 'next', 'noon', '--count', '2')
    expect(out.split('\n')).toHaveLength(4)
    expect(out).toMatch(/^\S+T12:00:00\+09:00 +\S+T03:00:00.000Z +in \d+ (h|min|s)$/m)
    const page = answered(await run('schedule', 'next', 'noon', '--count', '3', '--json'))
    expect(page).toMatchObject({ items: { length: 3 }, nextCursor: null })
  })

  test('lists go on where the page before ended', async () => {
    for (const id of ['page-a', 'page-b'])
      await run('schedule', 'add', id, '--command', '--every', '1h', '--', 'true')
    const first = answered(await run('schedule', 'list', '--task', 'command', '--limit', '1', '--json'))
    expect(first['items']).toHaveLength(1)
    const second = await run(
      'schedule',
      'list',
      '--task',
      'command',
      '--limit',
      '1',
      '--cursor',
      String(first['nextCursor']),
    )
    expect(second.out).toContain('there are more: --cursor ')
    expect(second.out).not.toContain((first['items'] as { id: string }[])[0]!.id)
  })

  test('runs that are not there have exit code 3', async () => {
    for (const verb of ['show', 'cancel', 'retry', 'log'])
      expect(await run('runs', verb, 'none@1')).toMatchObject({ code: 3, out: '' })
    expect(await run('schedule', 'run', 'none')).toMatchObject({ code: 3, out: '' })
    expect(await run('runs', '--schedule', 'none')).toMatchObject({ code: 0, out: 'no runs\n' })
  })
})

describe('with runs', () => {
  let server: TestServer
  let env: Record<string, string>
  const run = (...argv: string[]): Promise<CliOutcome> => cli(argv, { env })

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

  test('a running run is cancelled; an ended one is a conflict, and can be tried again', async () => {
    const waiting = startCli(['schedule', 'run', 'slow', '--wait'], { env })
    let running: { id: string }[] = []
    while (running.length === 0)
      running = (
        answered(await run('runs', '--schedule', 'slow', '--status', 'running', '--json')) as {
          items: { id: string }[]
        }
      ).items
    const { id } = running[0]!
    expect((await run('runs', 'cancel', id)).code).toBe(0)
    expect(await waiting.outcome).toMatchObject({
      code: 1,
      out: expect.stringContaining('CANCELLED') as string,
    })
    expect(await run('runs', 'cancel', id)).toMatchObject({
      code: 4,
      err: expect.stringMatching(/^error ILLEGAL_STATE: /) as string,
    })
    expect((await run('runs', 'retry', id)).code).toBe(0)
    await run('runs', 'cancel', id)
  })

  test('an interrupt ends the waiting, not the run', async () => {
    const waiting = startCli(['schedule', 'run', 'slow', '--wait', '--json'], { env })
    let items: { id: string }[] = []
    while (items.length === 0)
      ({ items } = answered(await run('runs', '--status', 'running', '--json')) as {
        items: { id: string }[]
      })
    await waiting.interrupt()
    const { code, out } = await waiting.outcome
    expect(code).toBe(130)
    const shown = JSON.parse(out) as { id: string; status: string }
    expect(shown.status).toBe('running')
    await run('runs', 'cancel', shown.id)
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
    expect(out).toMatch(/^node-a +alive +\d+\/100 .*greet.*slow$/m)
    expect(answered(await run('nodes', '--json'))).toMatchObject({ items: [{ node: 'node-a', alive: true }] })
  })
})
