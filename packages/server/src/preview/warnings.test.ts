import { describe, expect, test } from 'vitest'
import type { TriggerJson } from '@evertick/core'
import { clockWarnings } from './warnings.js'

const AFTER = Date.parse('2026-01-01T00:00:00Z')

/** Kind, time and when it fires, of the warnings for the first of the two years. */
function warned(trigger: TriggerJson): [string, string, string[]][] {
  return clockWarnings(trigger, { after: AFTER, locale: 'en' })
    .filter(({ changeTime }) => changeTime < '2027')
    .map(({ kind, wallTime, fireTimes }) => [kind, wallTime, fireTimes.map((at) => at.slice(11, 16))])
}

const berlin = (expression: string, more: object = {}): TriggerJson => ({
  kind: 'cron',
  expression,
  timezone: 'Europe/Berlin',
  ...more,
})

describe('a time that the clocks leave out', () => {
  test.each([
    ['is moved by the jump', {}, ['01:30']],
    ['is moved to the end of it', { dst: { gap: 'after' } }, ['01:00']],
    ['does not fire', { dst: { gap: 'skip' } }, []],
  ])('%s, as the trigger says', (_what, more, times) => {
    expect(warned(berlin('30 2 * 3 *', more))).toEqual([['gap', '2026-03-29T02:30:00', times]])
  })

  test('of a cron that follows the clocks does not fire', () => {
    expect(warned(berlin('*/20 2 * 3 *'))).toEqual([
      ['gap', '2026-03-29T02:00:00', []],
      ['gap', '2026-03-29T02:20:00', []],
      ['gap', '2026-03-29T02:40:00', []],
    ])
  })
})

describe('a time that the clocks show twice', () => {
  test.each([
    ['first', {}, ['00:30']],
    ['second', { dst: { overlap: 'last' } }, ['01:30']],
    ['first and second', { dst: { overlap: 'both' } }, ['00:30', '01:30']],
  ])('fires the %s time, as the trigger says', (_pass, more, times) => {
    expect(warned(berlin('30 2 * 10 *', more))).toEqual([['overlap', '2026-10-25T02:30:00', times]])
  })

  test('tells which pass it is in words', () => {
    const [both] = clockWarnings(berlin('30 2 * 10 *', { dst: { overlap: 'both' } }), {
      after: AFTER,
      locale: 'en',
    })
    expect(both!.message).toMatch(/it fires both times$/)
  })
})

test.each([
  ['never meets a change', berlin('0 12 * * *')],
  ['fires in every hour', berlin('*/15 * * * *')],
  ['leaves that date out', berlin('30 2 * 10 *', { exclude: { dates: ['2026-10-25'] } })],
  ['is in a zone without changes', { kind: 'cron', expression: '30 2 * * *', timezone: 'Asia/Tokyo' }],
  ['has no clock', { kind: 'interval', every: { minutes: 30 } }],
])('a trigger that %s has none', (_what, trigger) => {
  expect(warned(trigger)).toEqual([])
})

test('all kinds that go by a clock are looked at, also within others', () => {
  const calendar = {
    kind: 'calendar',
    every: { days: 1 },
    at: '02:15',
    startDate: '2026-03-01',
    timezone: 'Europe/Berlin',
  }
  const once = { kind: 'once', at: '2026-10-25T02:45', timezone: 'Europe/Berlin' }
  expect(warned({ kind: 'any', triggers: [once, calendar] })).toEqual([
    ['gap', '2026-03-29T02:15:00', ['01:15']],
    ['overlap', '2026-10-25T02:45:00', ['00:45']],
    ['overlap', '2026-10-25T02:15:00', ['00:15']],
  ])
})

test('shifts of half an hour are told as they are', () => {
  const trigger = { kind: 'cron', expression: '10 2 * * *', timezone: 'Australia/Lord_Howe' }
  const [gap] = clockWarnings(trigger, { after: Date.parse('2026-09-01T00:00:00Z'), locale: 'en' })
  expect(gap).toMatchObject({
    wallTime: '2026-10-04T02:10:00',
    message:
      '2026-10-04 02:10 does not exist in Australia/Lord_Howe, where the clocks go from 02:00 to 02:30; ' +
      'it fires at 2026-10-04 02:40 instead',
  })
})

test('of thousands of times only the first are told, and that takes no long', () => {
  const warnings = clockWarnings(berlin('* * 2,3 * * *'), { after: AFTER, locale: 'en' })
  expect(warnings).toHaveLength(20)
})
