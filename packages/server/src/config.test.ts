import { delimiter, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { InvalidError } from '@evertick/core'
import { readServeConfig, SERVE_OPTIONS, type ServeFlags } from './config.js'

function problems(flags: ServeFlags, env: Record<string, string> = {}): InvalidError {
  try {
    readServeConfig(flags, env)
  } catch (error) {
    if (error instanceof InvalidError) return error
    throw error
  }
  throw new Error('It was taken')
}

test('nothing said, it serves this machine from a file', () => {
  expect(readServeConfig({}, {})).toEqual({
    store: 'sqlite:evertick.db',
    host: '127.0.0.1',
    port: 4747,
    tasks: [],
    backups: null,
    token: null,
    nodeName: null,
    groups: ['default'],
    slots: 100,
    logLevel: 'info',
    stopGraceMs: 30_000,
    history: {},
  })
})

test('every option can be given as a flag or as a variable, and the flag wins', () => {
  const flags: Required<ServeFlags> = {
    store: 'memory:',
    host: '::1',
    port: '0',
    tasks: ['a.mjs', `b${delimiter}c`],
    backups: 'backups',
    token: 'secret-of-the-flag',
    nodeName: 'n1',
    groups: 'default, big,default',
    slots: '7',
    logLevel: 'debug',
    stopGrace: '1.5',
    history: 'maxRuns=5,maxAge=2d',
  }
  const expected = {
    store: 'memory:',
    host: '::1',
    port: 0,
    tasks: ['a.mjs', 'b', 'c'],
    backups: resolve('backups'),
    token: 'secret-of-the-flag',
    nodeName: 'n1',
    groups: ['default', 'big'],
    slots: 7,
    logLevel: 'debug',
    stopGraceMs: 1500,
    history: { maxRuns: 5, maxAgeMs: 172_800_000 },
  }
  const env = Object.fromEntries(
    Object.entries(SERVE_OPTIONS).map(([name, { variable }]) => {
      const value = flags[name as keyof ServeFlags]
      return [variable, typeof value === 'string' ? value : value.join(delimiter)]
    }),
  )
  const wrong = Object.fromEntries(Object.keys(env).map((variable) => [variable, '-']))

  expect(readServeConfig(flags, wrong)).toEqual(expected)
  expect(readServeConfig({}, env)).toEqual(expected)
})

test('an empty variable counts as absent, an empty flag is a mistake', () => {
  expect(readServeConfig({}, { EVERTICK_PORT: '', EVERTICK_TOKEN: ' ', EVERTICK_TASKS: '' })).toEqual(
    readServeConfig({}, {}),
  )
  expect(problems({ token: '' }).problems).toMatchObject([{ path: 'token', rule: 'option.empty' }])
})

test.each<[ServeFlags, string, string]>([
  [{ port: '65536' }, 'port', '--port must be a whole number from 0 to 65535, but is "65536"'],
  [{ port: '80a' }, 'port', '--port must be a whole number from 0 to 65535, but is "80a"'],
  [{ slots: '0' }, 'slots', '--slots must be a whole number from 1 to 100000, but is "0"'],
  [{ stopGrace: '-1' }, 'stopGrace', '--stop-grace must be a number of seconds from 0 to 86400, but is "-1"'],
  [
    { logLevel: 'loud' },
    'logLevel',
    '--log-level must be one of debug, info, warn, error, silent, but is "loud"',
  ],
  [{ history: 'maxRuns' }, 'history', '--history must be parts such as maxRuns=500'],
  [{ nodeName: 'a b' }, 'nodeName', 'but is "a b"'],
  [{ groups: 'a,,b' }, 'groups', 'but is ""'],
])('%j is refused by name', (flags, path, words) => {
  const error = problems(flags)
  expect(error.code).toBe('INVALID_OPTION')
  expect(error.problems).toMatchObject([{ path }])
  expect(error.message).toContain(words)
})

test('a wrong variable is named as such, and everything wrong is told at once', () => {
  const error = problems({ slots: 'x' }, { EVERTICK_PORT: 'http', EVERTICK_LOG_LEVEL: 'loud' })
  expect(error.problems.map(({ path }) => path)).toEqual(['port', 'slots', 'logLevel'])
  expect(error.message).toContain('EVERTICK_PORT must be')
  expect(error.message).toContain('--slots must be')
})

test.each(['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.0.0.1.example.com'])(
  'nobody else gets in without a token: %s',
  (host) => {
    const error = problems({ host })
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.problems).toMatchObject([{ path: 'host', rule: 'host.needsToken' }])
    expect(error.message).toContain('EVERTICK_TOKEN')
    expect(readServeConfig({ host, token: 'a-token-of-some-length' }, {}).host).toBe(host)
  },
)

test.each(['localhost', '127.0.0.1', '127.8.8.8', '::1', '[::1]'])(
  'this machine needs no token: %s',
  (host) => {
    const config = readServeConfig({ host }, {})
    expect(config).toMatchObject({ token: null, host: host.replaceAll(/[[\]]/g, '') })
  },
)

test('a token that no header could carry is refused without being told', () => {
  const error = problems({ token: 'top secret' })
  expect(error.problems).toMatchObject([{ path: 'token' }])
  expect(error.message).not.toContain('secret')
})
