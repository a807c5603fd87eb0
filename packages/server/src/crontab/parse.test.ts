import { describe, expect, test } from 'vitest'
import { parseCrontab, type CrontabFormat, type CrontabJob } from './parse.js'

function jobs(text: string, format: CrontabFormat = 'user'): readonly CrontabJob[] {
  const crontab = parseCrontab(text, format)
  expect(crontab.refusals).toEqual([])
  return crontab.jobs
}

function refusal(line: string, format: CrontabFormat = 'user'): string {
  const { jobs: read, refusals } = parseCrontab(line, format)
  expect([read.length, refusals.length]).toEqual([0, 1])
  return refusals[0]!.reason
}

describe('a job', () => {
  test('has five fields and a command, however they are spaced', () => {
    expect(jobs('*/5\t1-3  *  *   MON  /usr/bin/backup  --all "a  b" ')).toEqual([
      {
        line: 1,
        expression: '*/5 1-3 * * MON',
        user: null,
        command: '/usr/bin/backup  --all "a  b"',
        stdin: null,
        env: {},
      },
    ])
  })

  test('may have a macro for its time', () => {
    expect(jobs('@Daily backup').map(({ expression }) => expression)).toEqual(['@daily'])
  })

  test('of the system format has a user before the command', () => {
    expect(jobs('0 4 * * * root run-parts /etc/cron.daily\n@weekly www-data tidy', 'system')).toMatchObject([
      { user: 'root', command: 'run-parts /etc/cron.daily' },
      { user: 'www-data', command: 'tidy', line: 2 },
    ])
  })

  test.each([
    ['mail -s hi me%first%second', 'mail -s hi me', 'first\nsecond\n'],
    ['date +\\%Y-\\%m', 'date +%Y-%m', null],
    ['cat%100\\% sure', 'cat', '100% sure\n'],
    ['cat %', 'cat ', '\n'],
    ['echo \\\\', 'echo \\\\', null],
  ])('%j is a command and its input', (text, command, stdin) => {
    expect(jobs(`0 0 * * * ${text}`)).toMatchObject([{ command, stdin }])
  })
})

describe('a variable', () => {
  test('holds for the lines below it, until it is set again', () => {
    const text = 'A=1\n0 0 * * * first\n  B = "two words " \nA=\'3\'\n0 0 * * * second\nC=\n0 0 * * * third'
    expect(jobs(text).map(({ env }) => env)).toEqual([
      { A: '1' },
      { A: '3', B: 'two words ' },
      { A: '3', B: 'two words ', C: '' },
    ])
  })

  test('is not expanded, and may hold a # or an =', () => {
    expect(jobs('PATH=$HOME/bin:/bin#x=y\n0 0 * * * a')).toMatchObject([
      { env: { PATH: '$HOME/bin:/bin#x=y' } },
    ])
  })
})

test('comments, empty lines and the line ends of Windows are nothing', () => {
  expect(jobs('# a\r\n\r\n   # 0 0 * * * no\r\n0 0 * * * yes\r\n')).toMatchObject([
    { line: 4, command: 'yes' },
  ])
  expect(jobs('')).toEqual([])
})

test.each([
  ['@reboot start-me', 'user', /^@reboot names no time: /],
  ['* * * * ', 'user', /has 5 fields of time and then a command, but this has 4/],
  ['* * * * *', 'user', /the command is missing after the time/],
  ['* * * * * root', 'system', /the command is missing after the user/],
  ['@daily', 'system', /the user and the command are missing/],
  ['0 0 * * * %only input', 'user', /the command is missing before the %/],
  ['"a b"=c', 'user', /"a b" is not the name of a variable/],
] as const)('%j is refused with the reason', (line, format, reason) => {
  expect(refusal(line, format)).toMatch(reason)
})

test('what is refused does not keep the rest from being read', () => {
  const { jobs: read, refusals } = parseCrontab('0 0 * * * a\n@reboot b\nnonsense\n0 1 * * * c', 'user')
  expect(read.map(({ line }) => line)).toEqual([1, 4])
  expect(refusals.map(({ line, text }) => [line, text])).toEqual([
    [2, '@reboot b'],
    [3, 'nonsense'],
  ])
})
