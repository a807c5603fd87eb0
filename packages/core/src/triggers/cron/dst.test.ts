import { describe, expect, test } from 'vitest'
import type { Trigger } from '../../domain/trigger.js'
import type { DstJson } from '../dst.js'
import { wallTime, zoneOf } from '../zone.js'
import { cron } from './index.js'
import { compileTrigger } from '../registry.js'

interface Case {
  readonly name: string
  readonly expression: string
  readonly zone: string
  readonly dst?: DstJson
  readonly after: string
  readonly expected: readonly string[]
}

const CASES: readonly Case[] = [
  {
    name: 'midnight goes over a gap in the night',
    expression: '0 0 * * *',
    zone: 'US/Pacific',
    after: '2022-03-12T00:00:01-08:00',
    expected: ['2022-03-13T00:00:00-08:00', '2022-03-14T00:00:00-07:00', '2022-03-15T00:00:00-07:00'],
  },
  {
    name: 'working days go over a gap on a Sunday',
    expression: '0 0 * * mon-fri',
    zone: 'US/Central',
    after: '2021-03-12T00:00:01-06:00',
    expected: ['2021-03-15T00:00:00-05:00'],
  },
  {
    name: 'a time before the gap is not moved',
    expression: '30 0 * * *',
    zone: 'Europe/Berlin',
    after: '2024-03-30T01:00:00+01:00',
    expected: ['2024-03-31T00:30:00+01:00', '2024-04-01T00:30:00+02:00'],
  },
  {
    name: 'a time after a gap of half an hour is not moved',
    expression: '31 2 * * *',
    zone: 'Australia/Lord_Howe',
    after: '2024-10-05T13:00:00+10:30',
    expected: ['2024-10-06T02:31:00+11:00'],
  },
  {
    name: 'every hour at half past goes over a gap one minute after midnight',
    expression: '30 * * * *',
    zone: 'America/St_Johns',
    after: '2011-03-12T23:00:00-03:30',
    expected: ['2011-03-12T23:30:00-03:30', '2011-03-13T01:30:00-02:30', '2011-03-13T02:30:00-02:30'],
  },
  {
    name: 'a skipped midnight fires when the clocks have jumped',
    expression: '0 0 * * *',
    zone: 'America/Sao_Paulo',
    after: '2018-11-03T12:00:00-03:00',
    expected: ['2018-11-04T01:00:00-02:00', '2018-11-05T00:00:00-02:00'],
  },
  {
    name: 'a date that was left out does not fire',
    expression: '0 6 * * *',
    zone: 'Pacific/Apia',
    after: '2011-12-28T12:00:00-10:00',
    expected: ['2011-12-29T06:00:00-10:00', '2011-12-31T06:00:00+14:00'],
  },
  {
    name: 'every half hour runs through both passes of an overlap',
    expression: '*/30 * * * *',
    zone: 'US/Eastern',
    after: '2013-11-03T00:30:00-04:00',
    expected: [
      '2013-11-03T01:00:00-04:00',
      '2013-11-03T01:30:00-04:00',
      '2013-11-03T01:00:00-05:00',
      '2013-11-03T01:30:00-05:00',
    ],
  },
  {
    name: 'every quarter runs through both passes of half an hour',
    expression: '*/15 * * * *',
    zone: 'Australia/Lord_Howe',
    after: '2024-04-07T01:30:00+11:00',
    expected: [
      '2024-04-07T01:45:00+11:00',
      '2024-04-07T01:30:00+10:30',
      '2024-04-07T01:45:00+10:30',
      '2024-04-07T02:00:00+10:30',
    ],
  },
  {
    name: 'a fixed time in a gap fires when the clock before the gap would have shown it',
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    after: '2026-03-28T12:00:00+01:00',
    expected: ['2026-03-29T03:30:00+02:00', '2026-03-30T02:30:00+02:00'],
  },
  {
    name: 'a fixed time in an overlap fires in the first pass only',
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    after: '2026-10-24T12:00:00+02:00',
    expected: ['2026-10-25T02:30:00+02:00', '2026-10-26T02:30:00+01:00'],
  },
  {
    name: 'asked from within the second pass, a fixed time has fired already',
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    after: '2026-10-25T02:10:00+01:00',
    expected: ['2026-10-26T02:30:00+01:00'],
  },
  {
    name: 'fixed times that land on one instant fire once',
    expression: '0,30 2,3 * * *',
    zone: 'Europe/Berlin',
    after: '2026-03-29T00:00:00+01:00',
    expected: ['2026-03-29T03:00:00+02:00', '2026-03-29T03:30:00+02:00', '2026-03-30T02:00:00+02:00'],
  },
  {
    name: 'an open term has nothing in a gap',
    expression: '*/20 2 * * *',
    zone: 'Europe/Berlin',
    after: '2026-03-28T02:40:00+01:00',
    expected: ['2026-03-30T02:00:00+02:00'],
  },
  {
    name: 'an open seconds field makes the whole expression follow real time',
    expression: '0/30 30 2 * * *',
    zone: 'Europe/Berlin',
    after: '2026-10-25T02:30:00+02:00',
    expected: ['2026-10-25T02:30:30+02:00', '2026-10-25T02:30:00+01:00', '2026-10-25T02:30:30+01:00'],
  },
  {
    name: 'the full range of hours is an open term',
    expression: '30 0-23 * * *',
    zone: 'Europe/Berlin',
    after: '2026-10-25T02:00:00+02:00',
    expected: ['2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00', '2026-10-25T03:30:00+01:00'],
  },
  {
    name: 'a range of hours that is not full names fixed times',
    expression: '30 0-22 * * *',
    zone: 'Europe/Berlin',
    after: '2026-10-25T02:00:00+02:00',
    expected: ['2026-10-25T02:30:00+02:00', '2026-10-25T03:30:00+01:00'],
  },
  {
    name: 'an offset with seconds is exact',
    expression: '0 0 * * *',
    zone: 'Africa/Monrovia',
    after: '1972-01-05T12:00:00Z',
    // The clocks went from 00:00:00 -00:44:30 straight to 00:44:30Z: that midnight was swallowed.
    expected: ['1972-01-06T00:00:00-00:44:30', '1972-01-07T00:44:30+00:00', '1972-01-08T00:00:00+00:00'],
  },
  {
    name: 'a rare open term is found from a season with another offset',
    expression: '* 0 1 7 *',
    zone: 'Europe/Berlin',
    after: '2026-01-10T00:00:00+01:00',
    expected: ['2026-07-01T00:00:00+02:00', '2026-07-01T00:01:00+02:00'],
  },
  {
    name: 'a rare fixed time is found from a season with another offset',
    expression: '0 0 1 7 *',
    zone: 'Europe/Berlin',
    after: '2026-01-10T00:00:00+01:00',
    expected: ['2026-07-01T00:00:00+02:00', '2027-07-01T00:00:00+02:00'],
  },
  {
    name: 'the leap day comes again after 2096 only in 2104',
    expression: '0 12 29 2 *',
    zone: 'America/New_York',
    after: '2096-02-29T12:00:00-05:00',
    expected: ['2104-02-29T12:00:00-05:00'],
  },
  {
    name: 'after: a fixed time in a gap fires when the clocks have jumped',
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    dst: { gap: 'after' },
    after: '2026-03-28T12:00:00+01:00',
    expected: ['2026-03-29T03:00:00+02:00', '2026-03-30T02:30:00+02:00'],
  },
  {
    name: 'after: all that was swallowed fires once',
    expression: '0,15,30 2,3 * * *',
    zone: 'Europe/Berlin',
    dst: { gap: 'after' },
    after: '2026-03-29T00:00:00+01:00',
    expected: ['2026-03-29T03:00:00+02:00', '2026-03-29T03:15:00+02:00', '2026-03-29T03:30:00+02:00'],
  },
  {
    name: 'skip: a fixed time in a gap does not fire',
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    dst: { gap: 'skip' },
    after: '2026-03-27T12:00:00+01:00',
    expected: ['2026-03-28T02:30:00+01:00', '2026-03-30T02:30:00+02:00'],
  },
  {
    name: 'after: a date that was left out does not fire',
    expression: '0 6 * * *',
    zone: 'Pacific/Apia',
    dst: { gap: 'after' },
    after: '2011-12-29T12:00:00-10:00',
    expected: ['2011-12-31T06:00:00+14:00'],
  },
  {
    name: 'last: a fixed time in an overlap fires in the second pass only',
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    dst: { overlap: 'last' },
    after: '2026-10-24T12:00:00+02:00',
    expected: ['2026-10-25T02:30:00+01:00', '2026-10-26T02:30:00+01:00'],
  },
  {
    name: 'both: a fixed time in an overlap fires in either pass',
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    dst: { overlap: 'both' },
    after: '2026-10-24T12:00:00+02:00',
    expected: ['2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00', '2026-10-26T02:30:00+01:00'],
  },
  {
    name: 'first: an open term pauses in the second pass',
    expression: '*/30 * * * *',
    zone: 'Europe/Berlin',
    dst: { overlap: 'first' },
    after: '2026-10-25T01:30:00+02:00',
    expected: ['2026-10-25T02:00:00+02:00', '2026-10-25T02:30:00+02:00', '2026-10-25T03:00:00+01:00'],
  },
  {
    name: 'last: an open term pauses in the first pass',
    expression: '*/30 * * * *',
    zone: 'Europe/Berlin',
    dst: { overlap: 'last' },
    after: '2026-10-25T01:00:00+02:00',
    expected: ['2026-10-25T01:30:00+02:00', '2026-10-25T02:00:00+01:00', '2026-10-25T02:30:00+01:00'],
  },
  {
    name: 'a gap choice says nothing to an open term',
    expression: '*/20 2 * * *',
    zone: 'Europe/Berlin',
    dst: { gap: 'after' },
    after: '2026-03-28T02:40:00+01:00',
    expected: ['2026-03-30T02:00:00+02:00'],
  },
  {
    name: 'the last hour of the year of the expression comes twice',
    expression: '0 0/30 23 31 12 ? 2009',
    zone: 'Asia/Dhaka',
    after: '2009-12-31T12:00:00+07:00',
    expected: [
      '2009-12-31T23:00:00+07:00',
      '2009-12-31T23:30:00+07:00',
      '2009-12-31T23:00:00+06:00',
      '2009-12-31T23:30:00+06:00',
    ],
  },
]

/** All fire times strictly between the first and the last that are expected, and those two. */
function enumerate(
  trigger: Trigger,
  after: number,
  count: number,
): { forwards: number[]; backwards: number[] } {
  const forwards: number[] = []
  for (let at = trigger.next(after); at !== null && forwards.length < count; at = trigger.next(at))
    forwards.push(at)
  const backwards: number[] = []
  for (
    let at = trigger.previous(forwards.at(-1)! + 1);
    at !== null && at > after;
    at = trigger.previous(at)
  ) {
    backwards.unshift(at)
  }
  return { forwards, backwards }
}

describe('a cron in a zone whose clocks change', () => {
  test.each(CASES)('$name: $expression in $zone', ({ expression, zone, dst, after, expected }) => {
    const trigger = compileTrigger(cron(expression, { timezone: zone, ...(dst && { dst }) }))
    const { forwards, backwards } = enumerate(trigger, Date.parse(after), expected.length)
    expect(forwards.map((at) => wallTime(at, zoneOf(zone)))).toEqual(expected)
    expect(backwards).toEqual(forwards)
  })

  test('has no fire time before its first year or after its last', () => {
    const trigger = compileTrigger(cron('0 0/30 23 31 12 ? 2009', { timezone: 'Asia/Dhaka' }))
    expect(trigger.next(Date.parse('2009-12-31T23:30:00+06:00'))).toBeNull()
    expect(trigger.previous(Date.parse('2009-12-31T23:00:00+07:00'))).toBeNull()
    expect(trigger.previous(Infinity)).toBe(Date.parse('2009-12-31T23:30:00+06:00'))
    expect(trigger.next(-Infinity)).toBe(Date.parse('2009-12-31T23:00:00+07:00'))
  })
})
