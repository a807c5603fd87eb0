import { describe, expect, test } from 'vitest'
import { all } from './all.js'
import { any } from './any.js'
import { calendar } from './calendar.js'
import { cron, type CronJson } from './cron/index.js'
import { interval } from './interval.js'
import { restrict } from './modifiers.js'
import { once } from './once.js'
import { checkTrigger, compileTrigger, TRIGGER_KINDS } from './registry.js'
import { rrule } from './rrule/index.js'

describe('the JSON of a trigger', () => {
  test.each([
    once('2026-12-01T09:00:00Z'),
    once(new Date(0)),
    once('2026-12-01T09:00:00', { timezone: 'Asia/Shanghai' }),
    interval({ seconds: 30 }),
    interval({ weeks: 1, hours: 2 }, { start: new Date(5) }),
    cron('0 2 * * *'),
    cron('@daily', { timezone: 'Asia/Shanghai' }),
    interval({ minutes: 5 }, { after: 'completion' }),
    calendar({ months: 1 }, { startDate: '2026-01-31', at: ['09:00', '17:00:30'], overflow: 'skip' }),
    rrule('FREQ=MONTHLY;BYDAY=-1FR', { dtstart: '2026-01-30T17:00', timezone: 'Europe/Berlin', exdates: [] }),
    any(cron('@daily'), interval({ hours: 7 })),
    all(cron('@daily'), cron('* * * * MON')),
    restrict(any(once(new Date(5)), cron('@daily')), {
      start: new Date(0),
      end: '2030-01-01T00:00:00Z',
      exclude: { dates: ['2026-12-25'], weekdays: ['SAT'], ranges: [], timezone: 'Europe/Berlin' },
    }),
    restrict(cron('@daily'), { exclude: { weekdays: ['SUN'], instead: 'next' } }),
  ])('%j is good, and survives being stored', (json) => {
    expect(checkTrigger(json)).toEqual([])
    const stored: unknown = JSON.parse(JSON.stringify(json))
    expect(stored).toEqual(json)
    expect(compileTrigger(stored).next(0)).toBe(compileTrigger(json).next(0))
  })

  test('of each kind is made by a builder of that name', () => {
    const builders = [
      once(new Date(0)),
      interval({ days: 1 }),
      cron('@daily'),
      calendar({ days: 1 }, { startDate: '2026-01-01', at: '09:00' }),
      rrule('FREQ=DAILY', { dtstart: '2026-01-01T09:00' }),
      any(),
      all(),
    ]
    expect(builders.map(({ kind }) => kind)).toEqual(TRIGGER_KINDS)
  })

  test.each([
    [null, '', 'trigger.object', 'trigger must be an object such as {"kind":"cron",…}, but was null'],
    ['0 2 * * *', '', 'trigger.object', expect.stringContaining('but was "0 2 * * *"')],
    [[], '', 'trigger.object', expect.stringContaining('but was []')],
    [
      {},
      'kind',
      'kind.known',
      'kind must be one of once, interval, cron, calendar, rrule, any, all, but was missing',
    ],
    [{ kind: 'crom' }, 'kind', 'kind.known', expect.stringMatching(/but was "crom"; did you mean "cron"\?$/)],
    [{ kind: 'toString' }, 'kind', 'kind.known', expect.stringContaining('but was "toString"')],
    [{ kind: 7 }, 'kind', 'kind.known', expect.stringContaining('but was 7')],
    [
      { kind: 'interval', every: { days: 1 }, begin: '2026-12-01T09:00:00Z' },
      'begin',
      'field.unknown',
      'The trigger has no field "begin" (it has kind, every, after, start, end, exclude)',
    ],
    [
      { kind: 'cron', expression: '@daily', exlude: {} },
      'exlude',
      'field.unknown',
      expect.stringMatching(/; did you mean "exclude"\?$/),
    ],
    [
      { kind: 'cron', expression: '@daily', timezone: 8 },
      'timezone',
      'timezone.known',
      expect.stringMatching(/was 8$/),
    ],
    [
      { kind: 'cron', expression: '@daily', timezone: null },
      'timezone',
      'timezone.known',
      expect.stringMatching(/was null$/),
    ],
    [
      { kind: 'cron', expression: '0 0 31 2 *' },
      'expression',
      'cron.neverFires',
      expect.stringMatching(/^expression "0 0 31 2 \*" never fires: /),
    ],
  ])('%j is refused at %j', (json, path, rule, message: unknown) => {
    expect(checkTrigger(json)).toEqual([{ path, rule, message }])
  })

  test('that is wrong in several fields has a problem for each', () => {
    expect(
      checkTrigger({ kind: 'cron', expression: '61 * * * *', timezone: 'Mars', jitter: 5 }),
    ).toMatchObject([
      { path: 'jitter', rule: 'field.unknown' },
      { path: 'expression', rule: 'cron.minute' },
      { path: 'timezone', rule: 'timezone.known' },
    ])
  })

  test('is refused with INVALID_TRIGGER, and with NEVER_FIRES when it could do nothing', () => {
    expect(() => compileTrigger({ kind: 'cron' })).toThrow(
      expect.objectContaining({ code: 'INVALID_TRIGGER' }),
    )
    expect(() => compileTrigger(cron('0 0 30 2 *'))).toThrow(expect.objectContaining({ code: 'NEVER_FIRES' }))
  })

  test('is checked without throwing, whatever it is', () => {
    const hostile = {
      get kind(): string {
        throw new Error('no')
      },
    }
    const nested: Record<string, unknown> = { kind: 'interval' }
    nested.every = nested
    for (const value of [undefined, 1n, Symbol('x'), () => 0, new Date(), Number.NaN, hostile, nested]) {
      expect(checkTrigger(value)).not.toEqual([])
    }
  })
})

describe('a compiled trigger', () => {
  const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
  const dense: CronJson = cron('* * * * *', { timezone: 'Europe/Berlin' })

  test.each([
    once(new Date(5)),
    interval({ hours: 1 }),
    cron('@yearly'),
    cron('0 0 29 2 *'),
    dense,
    calendar({ months: 1 }, { startDate: '0001-01-31', at: '00:00' }),
    calendar(
      { years: 3 },
      { startDate: '2024-02-29', at: '23:59:59', overflow: 'skip', timezone: 'Asia/Tokyo' },
    ),
    rrule('FREQ=YEARLY', { dtstart: '0001-01-01T00:00', timezone: 'America/New_York' }),
    rrule('FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1', { dtstart: '2024-02-29T00:00' }),
    rrule('FREQ=SECONDLY;BYHOUR=3', { dtstart: '9999-12-31T00:00', timezone: 'Europe/Berlin' }),
    any(dense, interval({ hours: 7 })),
    all(interval({ hours: 2 }), interval({ hours: 3 })),
    restrict(cron('0 9 * * *'), { exclude: { weekdays: ['SAT', 'SUN'], instead: 'next' } }),
  ])('%j answers any number, and ends with the year 9999', (json) => {
    const trigger = compileTrigger(json)
    expect(trigger.next(LAST)).toBeNull()
    for (const after of [Infinity, Number.NaN, 8.64e15, Number.MAX_VALUE])
      expect(trigger.next(after)).toBeNull()
    for (const after of [-Infinity, -8.64e15, -Number.MAX_VALUE, -0.5]) {
      expect(Number.isInteger(trigger.next(after))).toBe(true)
    }
    expect(trigger.previous(-LAST)).toBeNull()
    for (const before of [-Infinity, Number.NaN, -8.64e15, -Number.MAX_VALUE])
      expect(trigger.previous(before)).toBeNull()
    for (const before of [Infinity, 8.64e15, Number.MAX_VALUE]) {
      expect(Number.isInteger(trigger.previous(before))).toBe(true)
    }
  })

  test('reaches the last minute of the year 9999', () => {
    expect(compileTrigger(cron('* * * * *')).next(LAST - 60_000)).toBe(LAST - 59_999)
    expect(compileTrigger(dense).next(LAST - 60_000)).toBe(LAST - 59_999)
  })
})
