import { describe, expect, test } from 'vitest'
import { cron } from './cron/index.js'
import { calendar } from './calendar.js'
import { fires } from './fires.js'
import { interval } from './interval.js'
import { restrict, type TriggerModifiers } from './modifiers.js'
import { compileCalendar, type CalendarDefinition } from './named-calendar.js'
import { once } from './once.js'
import { plannable } from './plannable.js'
import { invalid } from './problems.js'
import { checkTrigger, compileTrigger, type TriggerContext } from './registry.js'

const NINE = cron('0 9 * * *', { timezone: 'Europe/Berlin' })

function dates(json: object, after: string, count: number, context: TriggerContext = {}): string[] {
  const trigger = compileTrigger(json, context)
  return [...fires(trigger, { after: Date.parse(after), count })].map((at) =>
    new Date(at).toISOString().slice(0, 16),
  )
}

describe('start and end', () => {
  test('are included, and local times are read in the zone of the trigger', () => {
    const json = restrict(NINE, { start: '2026-01-02T09:00', end: '2026-01-04T09:00' })
    expect(dates(json, '2000-01-01', 9)).toEqual(['2026-01-02T08:00', '2026-01-03T08:00', '2026-01-04T08:00'])
    const trigger = compileTrigger(json)
    expect(trigger.previous(Infinity)).toBe(Date.parse('2026-01-04T08:00Z'))
    expect(trigger.previous(Date.parse('2026-01-02T08:00Z'))).toBeNull()
  })

  test('of an interval: its start is where it is counted from', () => {
    const json = restrict(interval({ hours: 5 }, { start: '2026-01-01T00:30:00Z' }), {
      end: '2026-01-01T11:00:00Z',
    })
    expect(dates(json, '2000-01-01', 9)).toEqual(['2026-01-01T00:30', '2026-01-01T05:30', '2026-01-01T10:30'])
    expect(compileTrigger(json).count!(0, Infinity)).toBe(3)
  })

  test('hold within a schedule whose own start and end are narrower', () => {
    const { trigger } = plannable({
      id: 'bounded',
      task: 'noop',
      trigger: restrict(NINE, { start: '2026-01-02T09:00' }),
      start: '2026-01-05T00:00:00.000Z',
      end: '2026-01-06T08:00:00.000Z',
    })
    expect([trigger.next(0), trigger.previous(Infinity)]).toEqual([
      Date.parse('2026-01-05T08:00Z'),
      Date.parse('2026-01-06T08:00Z'),
    ])
  })

  test.each<[object, string, string]>([
    [{ start: '2026-01-02' }, 'start', 'time.instant'],
    [{ end: 5 }, 'end', 'time.instant'],
    [{ start: '2026-01-02T00:00', end: '2026-01-01T00:00' }, 'end', 'end.order'],
    [{ start: '2026-01-02T10:00', end: '2026-01-02T11:00' }, 'end', 'end.neverFires'],
    [{ start: '9999-12-31T10:00' }, 'start', 'start.neverFires'],
    [
      {
        kind: 'interval',
        expression: undefined,
        every: { days: 1 },
        timezone: undefined,
        end: '1969-01-01T00:00:00Z',
      },
      'end',
      'end.neverFires',
    ],
    [{ timezone: 'Pacific/Apia', end: '2011-12-30T10:00' }, 'end', 'time.exists'],
  ])('%j is refused at %s by %s', (fields, path, rule) => {
    const json: Record<string, unknown> = { ...NINE, ...fields }
    for (const field of Object.keys(json)) if (json[field] === undefined) delete json[field]
    expect(checkTrigger(json)).toMatchObject([{ path, rule }])
  })

  test('want an offset where the trigger has no zone', () => {
    expect(checkTrigger({ ...cron('@daily'), end: '2027-01-01T00:00' })).toMatchObject([
      { path: 'end', rule: 'time.instant' },
    ])
    expect(checkTrigger({ ...cron('@daily'), end: '2027-01-01T00:00Z' })).toEqual([])
  })
})

describe('excluded dates', () => {
  const exclude = {
    dates: ['2026-12-25'],
    weekdays: ['SAT', 'sun'],
    ranges: [{ from: '2026-12-28', to: '2027-01-01' }],
  }

  test('are skipped, in the zone of the trigger', () => {
    expect(dates(restrict(NINE, { exclude }), '2026-12-24T00:00Z', 2)).toEqual([
      '2026-12-24T08:00',
      '2027-01-04T08:00',
    ])
    const lateEvening = cron('30 23 * * *', { timezone: 'America/New_York' })
    const christmas = restrict(lateEvening, { exclude: { dates: ['2026-12-25'] } })
    // 04:30 in UTC is the day before in New York.
    expect(dates(christmas, '2026-12-25T00:00Z', 2)).toEqual(['2026-12-25T04:30', '2026-12-27T04:30'])
    const inUtc = restrict(lateEvening, { exclude: { dates: ['2026-12-25'], timezone: 'UTC' } })
    expect(dates(inUtc, '2026-12-25T00:00Z', 2)).toEqual(['2026-12-26T04:30', '2026-12-27T04:30'])
  })

  test('are dates of UTC where the trigger has no zone', () => {
    const json = restrict(interval({ hours: 12 }), { exclude: { weekdays: ['SAT', 'SUN'] } })
    expect(dates(json, '2026-11-27T06:00Z', 2)).toEqual(['2026-11-27T12:00', '2026-11-30T00:00'])
  })

  test('can be moved to the next business day, where fire times at one instant are one', () => {
    const next = restrict(NINE, { exclude: { ...exclude, instead: 'next' } })
    expect(dates(next, '2026-12-24T00:00Z', 3)).toEqual([
      '2026-12-24T08:00',
      '2027-01-04T08:00',
      '2027-01-05T08:00',
    ])
    const monthly = calendar({ months: 1 }, { startDate: '2026-01-31', at: ['09:00', '17:00'] })
    const weekdays = ['SAT', 'SUN']
    expect(dates(restrict(monthly, { exclude: { weekdays, instead: 'next' } }), '2026-01-01', 4)).toEqual([
      '2026-02-02T09:00',
      '2026-02-02T17:00',
      '2026-03-02T09:00',
      '2026-03-02T17:00',
    ])
    expect(dates(restrict(monthly, { exclude: { weekdays, instead: 'previous' } }), '2026-01-01', 3)).toEqual(
      ['2026-01-30T09:00', '2026-01-30T17:00', '2026-02-27T09:00'],
    )
  })

  test('move nothing further than a year', () => {
    const json = restrict(cron('0 9 1 1 *'), {
      exclude: { ranges: [{ from: '2020-01-01', to: '2022-06-30' }], instead: 'next' },
    })
    // What falls on the first days of 2020 and 2021 is too far inside; 1 January 2022 is half a year away.
    expect(dates(json, '2019-06-01', 2)).toEqual(['2022-07-01T09:00', '2023-01-01T09:00'])
  })

  test('may be a range that never ends', () => {
    const json = restrict(NINE, { exclude: { ranges: [{ from: '2027-01-01', to: '9999-12-31' }] } })
    const last = Date.parse('2026-12-31T08:00Z')
    expect([compileTrigger(json).next(last - 1), compileTrigger(json).next(last)]).toEqual([last, null])
    expect(compileTrigger(json).previous(Date.parse('9990-01-01'))).toBe(last)
  })

  test('bind what was moved to start and end', () => {
    const json = restrict(NINE, {
      start: '2026-11-28T00:00',
      end: '2026-11-30T10:00',
      exclude: { weekdays: ['SAT', 'SUN'], instead: 'next' },
    })
    expect(dates(json, '2000-01-01', 5)).toEqual(['2026-11-30T08:00'])
    expect(checkTrigger({ ...json, end: '2026-11-29T10:00' })).toMatchObject([
      { path: 'end', rule: 'end.neverFires' },
    ])
  })

  test('make an interval after completion wait until they are over', () => {
    const json = restrict(interval({ hours: 1 }, { after: 'completion' }), {
      exclude: { weekdays: ['SAT', 'SUN'] },
    })
    const trigger = compileTrigger(json)
    expect(trigger.afterCompletion).toBe(true)
    expect(trigger.next(Date.parse('2026-11-27T22:00Z'))).toBe(Date.parse('2026-11-27T23:00Z'))
    expect(trigger.next(Date.parse('2026-11-27T23:30Z'))).toBe(Date.parse('2026-11-30T00:00Z'))
  })

  test('show a date once more where the clocks are turned back over midnight', () => {
    // In Newfoundland, 00:01 on 7 November 2010 became 23:01 on the 6th.
    const json = restrict(cron('*/30 * * * *', { timezone: 'America/St_Johns' }), {
      exclude: { dates: ['2010-11-07'] },
    })
    expect(dates(json, '2010-11-07T02:00Z', 2)).toEqual(['2010-11-07T03:00', '2010-11-08T03:30'])
  })

  test.each<[unknown, string, string]>([
    ['weekends', 'exclude', 'exclude.object'],
    [{ weekday: ['SAT'] }, 'exclude.weekday', 'field.unknown'],
    [{ weekdays: ['SATURDAY'] }, 'exclude.weekdays[0]', 'dates.weekday'],
    [{ weekdays: 'SAT' }, 'exclude.weekdays', 'dates.list'],
    [{ dates: ['2026-12-25', '2026-02-29'] }, 'exclude.dates[1]', 'date.exists'],
    [{ ranges: [{ from: '2026-12-25' }] }, 'exclude.ranges[0].to', 'date.exists'],
    [{ ranges: [{ from: '2026-12-25', to: '2026-12-24' }] }, 'exclude.ranges[0].to', 'dates.order'],
    [{ ranges: ['2026-12-25'] }, 'exclude.ranges[0]', 'dates.range'],
    [{ ranges: [{ from: '2026-12-25', to: '2026-12-25', in: 1 }] }, 'exclude.ranges[0].in', 'field.unknown'],
    [{ calendar: 5 }, 'exclude.calendar', 'calendar.name'],
    [{ calendar: 'nowhere' }, 'exclude.calendar', 'calendar.known'],
    [{ timezone: 'Mars' }, 'exclude.timezone', 'timezone.known'],
    [{ instead: 'nxt' }, 'exclude.instead', 'exclude.instead'],
    [{ weekdays: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] }, 'exclude', 'exclude.everything'],
    [{ ranges: [{ from: '0001-01-01', to: '9999-12-31' }] }, 'exclude', 'exclude.neverFires'],
  ])('%j is refused at %s by %s', (json, path, rule) => {
    expect(checkTrigger({ ...NINE, exclude: json })).toMatchObject([{ path, rule }])
  })

  test.each([cron('0 9 * * SAT'), once('2026-11-28T09:00:00Z'), cron('0 0 13 * 6', { dayMatch: 'and' })])(
    'that leave nothing of %j are refused as NEVER_FIRES',
    (json) => {
      expect(() => compileTrigger(restrict(json, { exclude: { weekdays: ['SAT'] } }))).toThrow(
        expect.objectContaining({ code: 'NEVER_FIRES' }),
      )
    },
  )

  test('cannot move what has no fire times of its own', () => {
    const json = restrict(interval({ hours: 1 }, { after: 'completion' }), {
      exclude: { weekdays: ['SAT'], instead: 'next' },
    })
    expect(checkTrigger(json)).toMatchObject([{ path: 'exclude.instead', rule: 'exclude.instead' }])
  })
})

describe('a named calendar', () => {
  const holidays: CalendarDefinition = { name: 'holidays', dates: ['2026-04-03'], yearly: ['12-25', '12-26'] }
  const context: TriggerContext = {
    calendar: (name) => {
      if (name === holidays.name) return compileCalendar(holidays)
      throw invalid('exclude.calendar', 'calendar.known', `no calendar ${name}`)
    },
  }
  const onBusinessDays: TriggerModifiers = {
    exclude: { calendar: 'holidays', weekdays: ['SAT', 'SUN'], instead: 'next' },
  }

  test('excludes its days beside those that the trigger names itself', () => {
    expect(dates(restrict(NINE, onBusinessDays), '2026-04-02T00:00Z', 2, context)).toEqual([
      '2026-04-02T07:00',
      '2026-04-06T07:00',
    ])
    expect(dates(restrict(NINE, onBusinessDays), '2028-12-23T00:00Z', 1, context)).toEqual([
      '2028-12-27T08:00',
    ])
  })

  test('is looked up for triggers within a trigger as well', () => {
    const json = { kind: 'any', triggers: [restrict(NINE, { exclude: { calendar: 'nowhere' } })] }
    expect(checkTrigger(json, context)).toMatchObject([
      { path: 'triggers[0].exclude.calendar', rule: 'calendar.known' },
    ])
  })

  test('that cannot be read is no fault of the trigger', () => {
    const broken: TriggerContext = {
      calendar: () => compileCalendar({ name: 'holidays', phases: ['full moon'] }),
    }
    expect(() => compileTrigger(restrict(NINE, onBusinessDays), broken)).toThrow(
      expect.objectContaining({ code: 'INVALID_CALENDAR' }),
    )
  })
})
