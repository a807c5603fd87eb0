import { describe, expect, test } from 'vitest'
import { cron, type CronJson } from './cron/index.js'
import { interval } from './interval.js'
import { once } from './once.js'
import { checkTrigger, compileTrigger, TRIGGER_KINDS } from './registry.js'

describe('the JSON of a trigger', () => {
  test.each([
    once('2026-12-01T09:00:00Z'),
    once(new Date(0)),
    once('2026-12-01T09:00:00', { timezone: 'Asia/Shanghai' }),
    interval({ seconds: 30 }),
    interval({ weeks: 1, hours: 2 }, { start: new Date(5) }),
    cron('0 2 * * *'),
    cron('@daily', { timezone: 'Asia/Shanghai' }),
  ])('%j is good, and survives being stored', (json) => {
    expect(checkTrigger(json)).toEqual([])
    const stored: unknown = JSON.parse(JSON.stringify(json))
    expect(stored).toEqual(json)
    expect(compileTrigger(stored).next(0)).toBe(compileTrigger(json).next(0))
  })

  test('of each kind is made by a builder of that name', () => {
    const builders = [once(new Date(0)), interval({ days: 1 }), cron('@daily')]
    expect(builders.map(({ kind }) => kind)).toEqual(TRIGGER_KINDS)
  })

  test.each([
    [null, '', 'trigger.object', 'trigger must be an object such as {"kind":"cron",…}, but was null'],
    ['0 2 * * *', '', 'trigger.object', expect.stringContaining('but was "0 2 * * *"')],
    [[], '', 'trigger.object', expect.stringContaining('but was []')],
    [{}, 'kind', 'kind.known', 'kind must be one of once, interval, cron, but was missing'],
    [{ kind: 'crom' }, 'kind', 'kind.known', expect.stringMatching(/but was "crom"; did you mean "cron"\?$/)],
    [{ kind: 'toString' }, 'kind', 'kind.known', expect.stringContaining('but was "toString"')],
    [{ kind: 7 }, 'kind', 'kind.known', expect.stringContaining('but was 7')],
    [
      { kind: 'cron', expression: '@daily', timeZone: 'UTC' },
      'timeZone',
      'field.unknown',
      'The trigger has no field "timeZone" (it has kind, expression, timezone); did you mean "timezone"?',
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
      'expression "0 0 31 2 *" never fires: none of its months has such a day of the month',
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

  test.each([once(new Date(5)), interval({ hours: 1 }), cron('@yearly'), cron('0 0 29 2 *'), dense])(
    '%j answers any number, and ends with the year 9999',
    (json) => {
      const trigger = compileTrigger(json)
      expect(trigger.next(LAST)).toBeNull()
      for (const after of [Infinity, Number.NaN, 8.64e15, Number.MAX_VALUE])
        expect(trigger.next(after)).toBeNull()
      for (const after of [-Infinity, -8.64e15, -Number.MAX_VALUE, -0.5]) {
        expect(Number.isInteger(trigger.next(after))).toBe(true)
      }
    },
  )

  test('reaches the last minute of the year 9999', () => {
    expect(compileTrigger(cron('* * * * *')).next(LAST - 60_000)).toBe(LAST - 59_999)
    expect(compileTrigger(dense).next(LAST - 60_000)).toBe(LAST - 59_999)
  })
})
