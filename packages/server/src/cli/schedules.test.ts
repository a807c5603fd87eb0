import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answered, cli, type CliOutcome } from '../testing/test-cli.js'
import { testServer, type TestServer } from '../testing/test-server.js'

const TOKEN = 'a-token-of-enough-length'
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evertick-cli-'))
})

afterAll(() => rm(directory, { recursive: true }))

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

  test('an interval may be told to spread out under load: how far, or by which rule, or not', async () => {
    const add = (adaptive: string): Promise<CliOutcome> =>
      run(
        'schedule',
        'add',
        'probe',
        '--http',
        'http://127.0.0.1:9/',
        '--every',
        '1h',
        '--json',
        '--adaptive',
        adaptive,
      )
    expect(answered(await add('12h'))).toMatchObject({ adaptive: { maxIntervalMs: 43_200_000 } })
    const rule = { above: 0.5, maxIntervalMs: 7_200_000 }
    expect(answered(await add(JSON.stringify(rule)))).toMatchObject({ adaptive: rule })
    expect(answered(await add('none'))['adaptive']).toBeUndefined()
    expect((await add('often')).err).toContain('--adaptive must be a duration')
    expect((await add('{"above"')).err).toContain('--adaptive is not JSON')
    expect((await add('1h')).err).toContain('adaptive.maxIntervalMs')
    expect((await run('schedule', 'remove', 'probe')).code).toBe(0)
  })

  test('every flag of a schedule arrives as its field', async () => {
    await writeFile(join(directory, 'input.json'), '{"to":"me"}')
    const timing = [
      '--cron',
      '0 9 * * MON',
      '--timezone',
      'Europe/Berlin',
      '--max-fires',
      '7',
      '--timeout',
      '1m30s',
    ]
    const policy = ['--overlap', 'bufferOne', '--catch-up', 'all', '--retry', '{"maxAttempts":3}', '--paused']
    policy.push('--history', 'maxRuns=50,maxFailures=5')
    const task = ['--task', 'to-come', '--allow-unknown-task', '--input-file', join(directory, 'input.json')]
    const schedule = answered(await run('schedule', 'add', 'full', ...task, ...timing, ...policy, '--json'))
    expect(schedule).toMatchObject({
      task: 'to-come',
      trigger: { kind: 'cron', expression: '0 9 * * MON', timezone: 'Europe/Berlin' },
      input: { to: 'me' },
      overlap: 'bufferOne',
      catchUp: 'all',
      retry: { maxAttempts: 3 },
      timeoutMs: 90_000,
      maxFires: 7,
      history: { maxRuns: 50, maxFailures: 5 },
      state: 'paused',
    })
    const wrong = await run('schedule', 'add', 'full', ...task, ...timing, '--history', 'maxRuns=many')
    expect(wrong.err).toContain('--history must be parts such as maxRuns=500')
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
    const timing = ['--cron', '99 * * * *', '--timezone', 'Berlin']
    const { code, err } = await run('schedule', 'add', 'bad id', '--http', 'file:///etc/passwd', ...timing)
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
