import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '@evertick/core/testing'
import { answered, cli } from '../testing/test-cli.js'
import { testServer } from '../testing/test-server.js'

test.each([
  [[], 'error USAGE: a command is missing'],
  [['schedul'], "error USAGE: unknown command 'schedul' (Did you mean schedule?)"],
  [['schedule'], 'error USAGE: a command is missing'],
  [['schedule', 'lst'], "error USAGE: unknown command 'lst' (Did you mean list?)"],
  [['runs', '--stauts', 'x'], "error USAGE: unknown option '--stauts' (Did you mean --status?)"],
  [['runs', '--status', 'done'], 'error USAGE: --status must be one of pending, running'],
  [['runs', '--limit', '0'], 'error USAGE: --limit must be a whole number from 1 to 1000, but is "0"'],
  [['schedule', 'show'], "error USAGE: missing required argument 'id'"],
  [['schedule', 'add', 'x', '--every', '1h'], 'error USAGE: what to run is missing'],
  [['schedule', 'add', 'x', '--task', 'a'], 'error USAGE: when to run is missing'],
  [
    ['schedule', 'add', 'x', '--task', 'a', '--every', '1x'],
    'error USAGE: --every must be a duration such as',
  ],
  [
    ['schedule', 'add', 'x', '--every', '1h', '--cron', '* * * * *'],
    "cannot be used with option '--every <duration>'",
  ],
  [['schedule', 'add', 'x', '--overlap', 'never'], 'Allowed choices are skip, bufferOne'],
  [['schedule', 'add', 'x', 'y', '--task', 'a', '--every', '1h'], '"y" is one argument too many'],
  [['schedule', 'add', 'x', '--command', '--every', '1h'], 'error USAGE: --command needs a program'],
  [
    ['schedule', 'add', 'x', '--task', 'a', '--every', '1h', '--input', '{"a":\n  oops}'],
    'error USAGE: --input is not JSON: "oops}" cannot stand at line 2, column 3',
  ],
  [['schedule', 'add', 'x', '--file', '/no/such/file'], 'error USAGE: --file cannot be read: ENOENT'],
  [['lock', 'run', 'x'], 'error USAGE: what to run is missing'],
  [['lock', 'run', 'x', '--ttl', '500ms', '--', 'true'], 'error USAGE: --ttl must be from 1s to 1d'],
  [['lock', 'run', 'x', '--wait', 'long', '--', 'true'], 'error USAGE: --wait must be a duration such as'],
  [['preview', '{"kind":'], 'error USAGE: <trigger> is not JSON: it ends too early'],
  [['preview', '* * * * *', '--from', 'yesterday'], 'error USAGE: --from must be an instant such as'],
  [['preview', '61 * * * *'], 'error INVALID_TRIGGER: '],
  [['preview', '{"kind":"crom"}'], 'did you mean "cron"?'],
  [
    ['serve', '--port', 'http'],
    'error INVALID_OPTION: --port must be a whole number from 0 to 65535, but is "http"',
  ],
  [
    ['nodes', '--server', 'localhost:4747'],
    'error USAGE: --server must be a URL such as http://127.0.0.1:4747',
  ],
  [
    ['nodes', '--server', 'http://x', '--store', 'memory:'],
    'error USAGE: --server and --store name two places',
  ],
])('%j is refused with exit code 2', async (argv, complaint) => {
  const { code, out, err } = await cli(argv)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(complaint)
  expect(err).not.toContain('    at ')
})

test('with --json a wrong command line is told as an object', async () => {
  const { code, err } = await cli(['runs', '--limit', 'many', '--json'])
  expect(code).toBe(2)
  expect(JSON.parse(err)).toEqual({
    code: 'USAGE',
    detail: '--limit must be a whole number from 1 to 1000, but is "many"',
    errors: [],
  })
})

test('--help names every command and exit code, --version the release', async () => {
  const help = await cli(['--help'])
  expect(help).toMatchObject({ code: 0, err: '' })
  for (const word of [
    'serve',
    'schedule',
    'runs',
    'nodes',
    'preview',
    'Exit codes:',
    '5  the server or the store',
  ])
    expect(help.out).toContain(word)
  expect((await cli(['schedule', 'add', '--help'])).out).toContain('--if-exists <what>')
  expect(await cli(['--version'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
  })
})

test('help of serve names each flag with its variable', async () => {
  const { out } = await cli(['serve', '--help'], { columns: 200 })
  for (const [flag, variable] of [
    ['--store', 'EVERTICK_STORE'],
    ['--port', 'EVERTICK_PORT'],
    ['--token', 'EVERTICK_TOKEN'],
  ])
    expect(out).toMatch(new RegExp(`${flag} .*${variable}`))
})

let stranger: Server
let strangerUrl: string

beforeAll(async () => {
  stranger = createServer((_request, response) => {
    response.statusCode = 404
    response.end('<h1>no</h1>')
  })
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
  strangerUrl = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
})

afterAll(() => new Promise((resolve) => stranger.close(resolve)))

test('a server or a store that cannot be reached has exit code 5', async () => {
  const gone = createServer()
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`
  await new Promise((resolve) => gone.close(resolve))

  const refused = await cli(['nodes', '--server', url])
  expect(refused.code).toBe(5)
  expect(refused.err).toMatch(
    /^error UNREACHABLE: no Evertick server at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*evertick serve/,
  )

  const other = await cli(['nodes', '--json'], { env: { EVERTICK_SERVER: strangerUrl } })
  expect(other.code).toBe(5)
  expect(JSON.parse(other.err)).toMatchObject({
    code: 'UNREACHABLE',
    detail: expect.stringContaining('is not Evertick') as string,
  })

  expect((await cli(['nodes', '--store', 'sqlite:/dev/null/x.db'])).code).toBe(5)
  expect(await cli(['nodes', '--store', 'mysql://x'])).toMatchObject({ code: 2 })
})

test('only a command that writes a schedule makes a store; to the others a missing one is an error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evertick-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'none', 'typo.db')
  const at = ['--store', `sqlite:${file}`]
  for (const command of [
    ['schedule', 'list'],
    ['schedule', 'show', 'a'],
    ['schedule', 'run', 'a'],
    ['schedule', 'pause', 'a'],
    ['runs'],
    ['nodes'],
  ]) {
    expect(await cli([...command, ...at])).toEqual({
      code: 5,
      out: '',
      err: `error STORE_UNREADABLE: There is no store at ${file}; \`evertick serve\` or \`evertick schedule add\` creates one\n`,
    })
    expect(await readdir(folder)).toEqual([])
  }
  const add = ['schedule', 'add', 'a', '--http', 'http://127.0.0.1:9/', '--every', '1h']
  expect(await cli([...add, ...at])).toMatchObject({ code: 0, err: '' })
  expect((await cli(['schedule', 'list', ...at])).code).toBe(0)
  expect((await cli(['schedule', 'list', '--store', 'sqlite::memory:'])).code).toBe(0)
})

test('a server that never answers is given up', async () => {
  const clock = new ManualClock()
  let asked: () => void
  const arrived = new Promise<void>((resolve) => (asked = resolve))
  const silent = createServer(() => asked())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const outcome = cli(['nodes'], {
    env: { EVERTICK_SERVER: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` },
    clock,
  })
  await arrived
  await clock.advance(15_000)
  expect(await outcome).toMatchObject({
    code: 5,
    err: expect.stringContaining('did not answer within 15 s') as string,
  })
  silent.close()
})

test('a token is needed where the server asks for one', async () => {
  await using server = await testServer({ token: 'a-token-of-enough-length' })
  const url = await server.app.listen({ port: 0 })
  expect(await cli(['nodes', '--server', url])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^error UNAUTHORIZED: /) as string,
  })
  expect(await cli(['nodes', '--server', url, '--token', 'a-token-of-enough-length'])).toMatchObject({
    code: 0,
    out: 'no nodes\n',
  })
})

test('a preview shows wall clock, UTC and how long until, and marks where the clocks change', async () => {
  const { code, out } = await cli(
    [
      'preview',
      '0 12 * * *',
      '--from',
      '2026-03-27T12:00:00Z',
      '--count',
      '3',
      '--timezone',
      'Europe/Berlin',
    ],
    { clock: new ManualClock(Date.parse('2026-03-27T11:00:00Z')) },
  )
  expect(code).toBe(0)
  const [explanation, ...lines] = out.trim().split('\n')
  expect(explanation).toBe('At 12:00 (Europe/Berlin)')
  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ['WALL CLOCK', 'UTC', 'WHEN'],
    ['2026-03-28T12:00:00+01:00', '2026-03-28T11:00:00.000Z', 'in 1 d'],
    ['2026-03-29T12:00:00+02:00', '2026-03-29T10:00:00.000Z', 'in 1 d', 'clocks change: +01:00 to +02:00'],
    ['2026-03-30T12:00:00+02:00', '2026-03-30T10:00:00.000Z', 'in 2 d'],
  ])
})

test('a preview of JSON asks nobody, and answers like the API', async () => {
  const argv = [
    'preview',
    '{"kind":"interval","every":{"hours":6}}',
    '--from',
    '2026-01-01T01:00:00Z',
    '--count',
    '2',
  ]
  expect(answered(await cli([...argv, '--json']))).toEqual({
    explanation: 'Every 6 hours',
    densestGapMs: 21_600_000,
    warnings: [],
    fires: [
      {
        fireTime: '2026-01-01T06:00:00.000Z',
        wallTime: expect.stringContaining('2026-01-01T06:00:00') as string,
      },
      {
        fireTime: '2026-01-01T12:00:00.000Z',
        wallTime: expect.stringContaining('2026-01-01T12:00:00') as string,
      },
    ],
  })
  expect((await cli([...argv, '--timezone', 'Asia/Tokyo'])).out).toContain('2026-01-01T15:00:00+09:00')
  expect((await cli(['preview', '{"kind":"once","at":"2020-01-01T00:00:00Z"}'])).out).toMatch(
    /^.*2020-01-01.*\nit never fires after that\n$/,
  )
})

test('a preview warns of the clocks, and speaks Chinese when it is asked to', async () => {
  const argv = ['preview', '30 2 * * *', '--timezone', 'Europe/Berlin', '--from', '2026-01-01T00:00:00Z']
  const { out } = await cli(argv)
  expect(out).toContain('warning 2026-03-29 02:30 does not exist in Europe/Berlin')
  expect((await cli([...argv, '--locale', 'zh'])).out).toContain('2026-03-29 02:30 不存在')
  expect(await cli([...argv, '--locale', 'fr'])).toMatchObject({ code: 2 })
})

test('a preview of a trigger that names a calendar asks where the calendar is', async () => {
  await using server = await testServer()
  await server.call('PUT', '/api/v1/calendars/off', { body: { dates: ['2026-05-02'] } })
  const trigger = '{"kind":"cron","expression":"@daily","exclude":{"calendar":"off"}}'
  const url = await server.app.listen({ port: 0 })
  const argv = ['preview', trigger, '--from', '2026-05-01T00:00:00Z', '--count', '1', '--json']
  const answer = answered(await cli([...argv, '--server', url]))
  expect(answer['fires']).toMatchObject([{ fireTime: '2026-05-03T00:00:00.000Z' }])
  expect(await cli([...argv, '--store', 'memory:'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('none called') as string,
  })
})

test('colours are for terminals, unless NO_COLOR or FORCE_COLOR say otherwise', async () => {
  const coloured = async (isTTY: boolean, env: Record<string, string>): Promise<boolean> =>
    (await cli(['preview', '@daily'], { isTTY, env })).out.includes('\u001b[')
  expect(await coloured(true, {})).toBe(true)
  expect(await coloured(false, {})).toBe(false)
  expect(await coloured(true, { NO_COLOR: '1' })).toBe(false)
  expect(await coloured(true, { TERM: 'dumb' })).toBe(false)
  expect(await coloured(false, { FORCE_COLOR: '1' })).toBe(true)
  expect(await coloured(true, { FORCE_COLOR: '0' })).toBe(false)
})
