import { describe, expect, test } from 'vitest'
import { isValidId } from '@evertick/core'
import { parseCrontab, type CrontabFormat } from './parse.js'
import { crontabSchedules, type CrontabSchedule } from './schedules.js'

function schedules(text: string, format: CrontabFormat = 'user'): CrontabSchedule[] {
  return crontabSchedules(parseCrontab(text, format).jobs, { prefix: 'cron-', timezone: 'Europe/Berlin' })
}

const ids = (text: string): string[] => schedules(text).map(({ id }) => id)

test('a line is handed to the shell as it stands, and behaves as under cron', () => {
  expect(schedules('30 2 * * 1 pg_dump shop | gzip > /b/shop.gz')).toEqual([
    {
      id: expect.stringMatching(/^cron-pg-dump-shop-gzip-shop-gz-[0-9a-f]{6}$/) as string,
      task: 'command',
      trigger: { kind: 'cron', expression: '30 2 * * 1', timezone: 'Europe/Berlin' },
      input: { program: '/bin/sh', args: ['-c', 'pg_dump shop | gzip > /b/shop.gz'] },
      description: 'crontab line 1: pg_dump shop | gzip > /b/shop.gz',
      timeoutMs: null,
      overlap: 'allow',
      catchUp: 'none',
    },
  ])
})

test('variables go to the command, but for those that speak to cron', () => {
  const text = [
    'SHELL=/bin/bash',
    'MAILTO=ops@example.org',
    'PATH=/opt/bin',
    'HOME=/srv/app',
    'CRON_TZ=Asia/Tokyo',
    '0 0 * * * cat%input',
  ].join('\n')
  const [schedule] = schedules(text)
  expect(schedule!.trigger.timezone).toBe('Asia/Tokyo')
  expect(schedule!.input).toEqual({
    program: '/bin/bash',
    args: ['-c', 'cat'],
    env: { PATH: '/opt/bin', HOME: '/srv/app' },
    cwd: '/srv/app',
    stdin: 'input\n',
  })
})

test('TZ is the time zone where CRON_TZ is not, and the command gets it', () => {
  const [first, second] = schedules('TZ=Asia/Tokyo\n0 0 * * * a\nCRON_TZ=UTC\n0 0 * * * b')
  expect([first!.trigger.timezone, second!.trigger.timezone]).toEqual(['Asia/Tokyo', 'UTC'])
  expect(second!.input.env).toEqual({ TZ: 'Asia/Tokyo' })
})

test.each([
  ['0 0 */2 * MON', 'and'],
  ['0 0 1 * */2', 'and'],
  ['0 0 1 * MON', undefined],
  ['0 0 * * MON', undefined],
  ['@daily', undefined],
])('the days of %s are matched as cron does', (expression, dayMatch) => {
  expect(schedules(`${expression} x`)[0]!.trigger.dayMatch).toBe(dayMatch)
})

describe('an id', () => {
  test('stays when the time is edited or lines are moved, and changes with the command', () => {
    const [first, second] = ids('0 0 * * * backup a\n0 0 * * * backup b')
    expect(ids('# moved\n5 5 * * * backup b\n@hourly backup a')).toEqual([second, first])
    expect(first).not.toBe(second)
  })

  test('is unique, also where a command stands twice', () => {
    const [first, second, third] = ids('0 0 * * * x\n0 12 * * * x\n0 18 * * * x')
    expect([second, third]).toEqual([`${first}-2`, `${first}-3`])
  })

  test.each(['日本語', '"$(date +\\%s)" && /a/b/c.sh --x=1', 'x'.repeat(5000), ':'])(
    'is one whatever the command is: %s',
    (command) => {
      expect(ids(`0 0 * * * ${command}`).every(isValidId)).toBe(true)
    },
  )
})

test('the system format tells whose line it was', () => {
  const [root, www] = schedules('0 0 * * * root a\n0 0 * * * www a', 'system')
  expect(root!.description).toBe('crontab line 1, of user root: a')
  expect(root!.id).not.toBe(www!.id)
})
