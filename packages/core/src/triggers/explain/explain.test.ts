import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../cron/reference/random.js'
import { writeCron } from '../cron/reference/written-cron.js'
import { EXPLAIN_LOCALES, explain } from './index.js'

describe('a cron in words', () => {
  test.each([
    ['*/5 * * * *', 'Every 5 minutes', '每隔 5 分钟'],
    ['30 2 * * *', 'At 02:30', '在02:30'],
    ['@daily', 'At 00:00', '在00:00'],
    ['0 9 * * mon-fri', 'At 09:00, Monday through Friday', '在09:00，星期一至星期五'],
    ['*/45 * * * *', 'At 0 and 45 minutes past the hour', '在整点后的第 0 和 45 分钟'],
    ['0 0 L * *', 'At 00:00, on the last day of the month', '在00:00，限每月的最后一天'],
    [
      '0 0 L-3 * *',
      'At 00:00, 3 days before the last day of the month',
      '在00:00，限每月最后一天之前的第3天',
    ],
    [
      '0 0 15W * *',
      'At 00:00, on the weekday nearest day 15 of the month',
      '在00:00，限每月的最接近 15 号的工作日',
    ],
    [
      '0 0 1,LW * *',
      'At 00:00, on day 1 of the month or on the last weekday of the month',
      '在00:00，限每月 1 号或限每月的最后一个工作日',
    ],
    ['0 0 * * fril', 'At 00:00, on the last Friday of the month', '在00:00，限每月的最后一个星期五'],
    ['0 0 * * MON#2', 'At 00:00, on the second Monday of the month', '在00:00，限每月的第二个 星期一'],
    ['0 0 13 * FRI', 'At 00:00, on day 13 of the month or on Friday', '在00:00，限每月 13 号或星期五'],
    ['0 0 13 * +FRI', 'At 00:00, on day 13 of the month, only on Friday', '在00:00，限每月 13 号，仅星期五'],
    [
      '0 0 1,15 2 1-5',
      'At 00:00, only in February, on day 1 and 15 of the month or Monday through Friday',
      '在00:00，仅于二月份，限每月 1 号 和 15 号或星期一至星期五',
    ],
    [
      '0 0 1,LW * +MON',
      'At 00:00, on day 1 of the month or on the last weekday of the month, only on Monday',
      '在00:00，限每月 1 号或限每月的最后一个工作日，仅星期一',
    ],
    [
      '0 0 12 1 1 ? 2030',
      'At 12:00, on day 1 of the month, only in January, in 2030',
      '在12:00，限每月 1 号，仅于一月份，仅于 2030 年',
    ],
    ['0 0 12 ? * ? 2030-2032', 'At 12:00, in the years 2030 to 2032', '在12:00，仅于 2030 至 2032 年'],
    ['0 0 12 ? * ? 2030/2', 'At 12:00, every 2 years from 2030 to 2199', '在12:00，2030 至 2199 年间每 2 年'],
  ])('%s', (expression, english, chinese) => {
    const json = { kind: 'cron', expression, timezone: 'Europe/Berlin' }
    expect(explain(json, 'en')).toBe(`${english} (Europe/Berlin)`)
    expect(explain(json, 'zh')).toBe(`${chinese}（Europe/Berlin）`)
  })

  test('tells what H stands for in the schedule', () => {
    const json = { kind: 'cron', expression: 'H H(0-7) * * *' }
    expect(explain(json, 'en', 'x')).toBe('At 03:21 (UTC); H is chosen by the id of the schedule')
    expect(explain(json, 'zh', 'x')).toBe('在03:21（UTC）；H 由计划的 id 决定')
    expect(explain(json, 'en', 'y')).not.toContain('03:21')
    expect(explain({ kind: 'cron', expression: '0 9 * MAR THU' }, 'en')).not.toContain('H is')
  })

  test('tells how both day fields go together when the JSON says so', () => {
    const json = { kind: 'cron', expression: '0 0 13 * FRI', dayMatch: 'and' }
    expect(explain(json, 'en')).toBe('At 00:00, on day 13 of the month, only on Friday (UTC)')
  })

  test('is found for whatever can be written', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(...EXPLAIN_LOCALES), (seed, locale) => {
        const written = writeCron(new SeededRandom(seed), { year: 2026, secondsUnit: 1 })
        const { expression, dayMatch = 'or', dst = {} } = written
        const text = explain({ kind: 'cron', expression, dayMatch, dst }, locale, written.scheduleId)
        expect(text).not.toMatch(/[{}*?#]|undefined|null|NaN|\d[LW]\b/)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('other triggers in words', () => {
  test.each<[object, string, string]>([
    [
      { kind: 'once', at: '2026-12-01T09:00', timezone: 'Asia/Shanghai' },
      'Once, at 2026-12-01 09:00 (Asia/Shanghai)',
      '仅一次：2026-12-01 09:00（Asia/Shanghai）',
    ],
    [
      { kind: 'once', at: '2026-12-01T09:00:00Z' },
      'Once, at 2026-12-01 09:00:00Z',
      '仅一次：2026-12-01 09:00:00Z',
    ],
    [{ kind: 'interval', every: { hours: 1 } }, 'Every hour', '每 1 小时'],
    [
      { kind: 'interval', every: { minutes: 30, hours: 2 }, start: '2026-01-01T00:00:00Z' },
      'Every 2 hours 30 minutes, from 2026-01-01 00:00:00Z on',
      '每 2 小时 30 分钟，从 2026-01-01 00:00:00Z 开始',
    ],
    [
      { kind: 'interval', after: 'completion', every: { minutes: 5 } },
      '5 minutes after the end of the last run',
      '上一次运行结束 5 分钟后',
    ],
    [
      {
        kind: 'calendar',
        every: { months: 2 },
        at: ['09:00', '17:30'],
        startDate: '2026-01-31',
        timezone: 'Europe/Berlin',
        overflow: 'skip',
      },
      'Every 2 months at 09:00 and 17:30, from 2026-01-31 on, except in months that lack the day (Europe/Berlin)',
      '每 2 个月的 09:00、17:30，从 2026-01-31 开始，没有该日的月份除外（Europe/Berlin）',
    ],
    [
      {
        kind: 'rrule',
        rrule: 'FREQ=MONTHLY;BYDAY=-1FR',
        dtstart: '2026-01-30T17:00',
        rdates: ['2026-02-01T09:00'],
        exdates: ['2026-05-29T17:00', '2026-06-26T17:00'],
      },
      'By the recurrence rule FREQ=MONTHLY;BYDAY=-1FR, from 2026-01-30 17:00 on, and at 2026-02-01 09:00, ' +
        'but not at 2026-05-29 17:00 and 2026-06-26 17:00 (UTC)',
      '按照重复规则 FREQ=MONTHLY;BYDAY=-1FR，从 2026-01-30 17:00 开始，另加 2026-02-01 09:00，' +
        '2026-05-29 17:00、2026-06-26 17:00 除外（UTC）',
    ],
    [
      {
        kind: 'any',
        triggers: [
          { kind: 'cron', expression: '0 9 * * 1' },
          { kind: 'interval', every: { days: 3 } },
        ],
      },
      'Whenever one of these fires: At 09:00, only on Monday (UTC); or: Every 3 days',
      '以下任意一项触发时：在09:00，仅星期一（UTC）；或者：每 3 天',
    ],
    [
      {
        kind: 'all',
        triggers: [
          { kind: 'cron', expression: '@hourly' },
          { kind: 'moon', phase: 'full' },
        ],
      },
      'When all of these fire at once: Every hour (UTC); and: {"kind":"moon","phase":"full"}',
      '以下各项同时触发时：每小时（UTC）；并且：{"kind":"moon","phase":"full"}',
    ],
    [
      {
        kind: 'cron',
        expression: '30 2 * * *',
        dst: { gap: 'skip', overlap: 'last' },
        start: '2026-06-01T00:00',
        end: '2027-01-01T00:00',
        exclude: {
          weekdays: ['SAT', 'SUN'],
          dates: ['2026-12-25'],
          ranges: [{ from: '2026-12-27', to: '2027-01-02' }],
          calendar: 'holidays-de',
          instead: 'next',
        },
      },
      'At 02:30 (UTC); times that the clocks skip are left out; of times that the clocks show twice, the last counts; ' +
        'not before 2026-06-01 00:00; not after 2027-01-01 00:00; not on Saturdays, Sundays, 2026-12-25, ' +
        '2026-12-27 to 2027-01-02 or the days of the calendar “holidays-de”; but on the nearest other date after instead',
      '在02:30（UTC）；被时钟跳过的时间不触发；时钟重复显示的时间以最后一次为准；' +
        '不早于 2026-06-01 00:00；不晚于 2027-01-01 00:00；星期六、星期日、2026-12-25、' +
        '2026-12-27 至 2027-01-02、日历“holidays-de”中的日期 除外；改在其后最近的其他日期',
    ],
  ])('%j', (json, english, chinese) => {
    expect(explain(json, 'en')).toBe(english)
    expect(explain(json, 'zh')).toBe(chinese)
  })

  test.each<[unknown, string]>([
    [{ kind: 'moon' }, '{"kind":"moon"}'],
    [{ kind: 'cron', expression: '0 0 * * MOM' }, '{"kind":"cron","expression":"0 0 * * MOM"}'],
    [{ kind: 'interval', every: {} }, '{"kind":"interval","every":{}}'],
    [{ kind: 'once' }, '{"kind":"once"}'],
    [{ kind: 'any', triggers: 3 }, '{"kind":"any","triggers":3}'],
    [
      { kind: 'calendar', every: { days: '1' }, at: '9' },
      '{"kind":"calendar","every":{"days":"1"},"at":"9"}',
    ],
    [
      { kind: 'cron', expression: '@daily', exclude: [] },
      '{"kind":"cron","expression":"@daily","exclude":[]}',
    ],
    [{ kind: 'cron', expression: '@daily', dst: 5 }, '{"kind":"cron","expression":"@daily","dst":5}'],
    [null, 'null'],
    [undefined, 'undefined'],
    [5n, '5'],
  ])('what cannot be read is given back: %o', (json, expected) => {
    for (const locale of EXPLAIN_LOCALES) expect(explain(json, locale)).toBe(expected)
  })
})
