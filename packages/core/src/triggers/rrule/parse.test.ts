import { describe, expect, test } from 'vitest'
import { fires } from '../fires.js'
import { checkTrigger, compileTrigger } from '../registry.js'
import { rrule } from './index.js'
import { parseRule } from './parse.js'

const DTSTART = '2026-01-30T17:00'

describe('a recurrence rule', () => {
  test('is read in any case, with or without its name', () => {
    expect(
      parseRule('rrule:freq=weekly;byday=mo,+2fr,-1su;wkst=su'.replace('weekly', 'monthly')),
    ).toMatchObject({
      frequency: 'MONTHLY',
      interval: 1,
      count: null,
      until: null,
      weekdays: [
        { weekday: 1, ordinal: 0 },
        { weekday: 5, ordinal: 2 },
        { weekday: 0, ordinal: -1 },
      ],
      weekStart: 0,
    })
  })

  test('has its lists in order, each value once', () => {
    expect(parseRule('FREQ=YEARLY;BYMONTHDAY=31,-1,+1,31;BYSECOND=60,59')).toMatchObject({
      monthDays: [-1, 1, 31],
      seconds: [59],
      weekStart: 1,
    })
  })

  test.each([
    ['20260201', '2026-02-01T23:59:59Z', false],
    ['20260201T120000', '2026-02-01T12:00:00Z', false],
    ['20260201T120000Z', '2026-02-01T12:00:00Z', true],
  ])('reads UNTIL=%s', (until, wall, utc) => {
    expect(parseRule(`FREQ=DAILY;UNTIL=${until}`).until).toEqual({ wall: Date.parse(wall), utc })
  })

  test.each<[unknown, string, string]>([
    [undefined, 'rrule.text', 'was missing'],
    ['', 'rrule.text', 'was ""'],
    ['X'.repeat(2049), 'rrule.text', 'has 2049 characters'],
    ['FREQ=DALY', 'rrule.freq', 'did you mean "DAILY"?'],
    ['INTERVAL=2', 'rrule.freq', 'must have FREQ with one of YEARLY'],
    ['FREQ=DAILY;', 'rrule.part', 'but has ""'],
    ['FREQ=DAILY;COUNT', 'rrule.part', 'but has "COUNT"'],
    ['FREQ=DAILY;BYDAYS=MO', 'rrule.part', 'did you mean "BYDAY"?'],
    ['FREQ=DAILY;COUNT=2;COUNT=3', 'rrule.twice', 'COUNT again'],
    ['FREQ=DAILY;INTERVAL=0', 'rrule.interval', 'but it was "0"'],
    ['FREQ=DAILY;COUNT=-1', 'rrule.count', 'but it was "-1"'],
    ['FREQ=DAILY;COUNT=1000001', 'rrule.count', 'from 1 to 1000000'],
    ['FREQ=DAILY;UNTIL=2026-02-01', 'rrule.until', 'but it was "2026-02-01"'],
    ['FREQ=DAILY;UNTIL=20260231', 'rrule.until', 'but it was "20260231"'],
    ['FREQ=DAILY;BYHOUR=24', 'rrule.byhour', 'from 0 to 23, but it was "24"'],
    ['FREQ=DAILY;BYMINUTE=1,,2', 'rrule.byminute', 'but it was ""'],
    ['FREQ=DAILY;BYMONTH=0', 'rrule.bymonth', 'from 1 to 12'],
    ['FREQ=MONTHLY;BYMONTHDAY=0', 'rrule.bymonthday', 'but it was "0"'],
    ['FREQ=MONTHLY;BYMONTHDAY=-32', 'rrule.bymonthday', 'but it was "-32"'],
    ['FREQ=MONTHLY;BYDAY=MO,XX', 'rrule.byday', 'but it was "XX"'],
    ['FREQ=MONTHLY;BYDAY=54MO', 'rrule.byday', 'but it was "54MO"'],
    ['FREQ=WEEKLY;WKST=2', 'rrule.wkst', 'but it was "2"'],
    ['FREQ=DAILY;COUNT=1;UNTIL=20270101', 'rrule.combination', 'both COUNT and UNTIL'],
    ['FREQ=MONTHLY;BYWEEKNO=1', 'rrule.combination', 'BYWEEKNO with FREQ=MONTHLY'],
    ['FREQ=DAILY;BYYEARDAY=1', 'rrule.combination', 'BYYEARDAY with FREQ=DAILY'],
    ['FREQ=WEEKLY;BYMONTHDAY=1', 'rrule.combination', 'BYMONTHDAY with FREQ=WEEKLY'],
    ['FREQ=WEEKLY;BYDAY=1MO', 'rrule.combination', 'numbers before the weekdays'],
    ['FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO', 'rrule.combination', 'together with BYWEEKNO'],
    ['FREQ=DAILY;BYSETPOS=1', 'rrule.combination', 'BYSETPOS without another BY part'],
  ])('%j is refused by %s', (rule, name, words) => {
    const problems = checkTrigger({ kind: 'rrule', rrule: rule, dtstart: DTSTART })
    expect(problems).toEqual([
      { path: 'rrule', rule: name, message: expect.stringContaining(words) as string },
    ])
  })

  test('that is wrong in several parts has a problem for each, and so have the other fields', () => {
    expect(
      checkTrigger({
        kind: 'rrule',
        rrule: 'FREQ=DAILY;BYHOUR=24;BYMINUTE=60',
        dtstart: '2026-01-30T17:00Z',
        exdates: ['2026-01-30'],
        rdates: {},
        timezone: 'Mars',
      }),
    ).toMatchObject([
      { path: 'rrule', rule: 'rrule.byminute' },
      { path: 'rrule', rule: 'rrule.byhour' },
      { path: 'dtstart', rule: 'time.local' },
      { path: 'timezone', rule: 'timezone.known' },
      { path: 'exdates[0]', rule: 'time.local' },
      { path: 'rdates', rule: 'rrule.dates' },
    ])
  })

  test.each([
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6',
    'FREQ=MONTHLY;BYDAY=6MO',
    'FREQ=YEARLY;BYYEARDAY=366;BYMONTH=11',
    'FREQ=YEARLY;INTERVAL=4;BYMONTH=1;BYMONTHDAY=29;BYYEARDAY=60',
    'FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=3',
    'FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31',
    'FREQ=DAILY;INTERVAL=7;BYDAY=MO',
    'FREQ=DAILY;BYHOUR=9;BYSETPOS=2',
    'FREQ=HOURLY;INTERVAL=24;BYHOUR=5',
    'FREQ=HOURLY;BYMINUTE=5;BYSETPOS=-2',
    'FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1,3,59',
    'FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=SECONDLY;INTERVAL=60;BYSECOND=1',
    'FREQ=SECONDLY;INTERVAL=604800;BYDAY=MO',
    'FREQ=DAILY;UNTIL=20260129',
    'FREQ=DAILY;UNTIL=20260130T165959Z',
  ])('%s never fires, and says so', (rule) => {
    const error = (() => {
      try {
        return compileTrigger(rrule(rule, { dtstart: DTSTART }))
      } catch (refusal) {
        return refusal
      }
    })()
    expect(error).toMatchObject({
      code: 'NEVER_FIRES',
      problems: [{ path: 'rrule', rule: 'rrule.neverFires' }],
    })
  })
})

describe('the dates beside a rule', () => {
  const instants = (json: ReturnType<typeof rrule>): string[] =>
    [...fires(compileTrigger(json), { after: 0, count: 10 })].map((at) =>
      new Date(at).toISOString().slice(0, 16),
    )

  test('are added and left out, the latter also where both name one', () => {
    const json = rrule('FREQ=DAILY;COUNT=3', {
      dtstart: DTSTART,
      exdates: ['2026-01-31T17:00', '2026-02-05T17:00'],
      rdates: ['2026-02-01T17:00', '2026-02-05T17:00', '2026-02-04T12:00', '2026-01-01T00:00'],
    })
    expect(instants(json)).toEqual([
      '2026-01-01T00:00',
      '2026-01-30T17:00',
      '2026-02-01T17:00',
      '2026-02-04T12:00',
    ])
  })

  test('fire alone where the rule names nothing', () => {
    expect(
      instants(rrule('FREQ=DAILY;UNTIL=20200101', { dtstart: DTSTART, rdates: ['2026-02-04T12:00'] })),
    ).toEqual(['2026-02-04T12:00'])
  })

  test('leave nothing when all are left out', () => {
    const json = rrule('FREQ=DAILY;COUNT=1', { dtstart: DTSTART, exdates: [DTSTART] })
    expect(checkTrigger(json)).toMatchObject([{ rule: 'rrule.neverFires' }])
  })
})

test('an UNTIL of UTC is an instant, and one without a zone is read on the wall', () => {
  const last = (until: string): number | null =>
    compileTrigger(
      rrule(`FREQ=HOURLY;UNTIL=${until}`, { dtstart: '2026-03-28T00:30', timezone: 'Europe/Berlin' }),
    ).previous(Infinity)
  expect(last('20260329T013000Z')).toBe(Date.parse('2026-03-29T03:30:00+02:00'))
  expect(last('20260329T012959Z')).toBe(Date.parse('2026-03-29T01:30:00+01:00'))
  expect(last('20260329T040000')).toBe(Date.parse('2026-03-29T03:30:00+02:00'))
  expect(last('20260329')).toBe(Date.parse('2026-03-29T23:30:00+02:00'))
})

test('a local time that the clocks jump over, or show twice, fires as the choice says', () => {
  const options = { dtstart: '2026-03-28T02:30', timezone: 'Europe/Berlin' }
  const day = (dst: NonNullable<Parameters<typeof rrule>[1]['dst']>, date: string): string[] => {
    const after = Date.parse(`${date}T00:00+01:00`)
    return [
      ...fires(compileTrigger(rrule('FREQ=DAILY', { ...options, dst })), {
        after,
        before: after + 12 * 3_600_000,
      }),
    ].map((at) => new Date(at).toISOString().slice(11, 16))
  }
  expect(day({}, '2026-03-29')).toEqual(['01:30'])
  expect(day({ gap: 'after' }, '2026-03-29')).toEqual(['01:00'])
  expect(day({ gap: 'skip' }, '2026-03-29')).toEqual([])
  expect(day({}, '2026-10-25')).toEqual(['00:30'])
  expect(day({ overlap: 'last' }, '2026-10-25')).toEqual(['01:30'])
  expect(day({ overlap: 'both' }, '2026-10-25')).toEqual(['00:30', '01:30'])
})
