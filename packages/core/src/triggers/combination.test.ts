import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EpochMs } from '../domain/clock.js'
import type { Trigger, TriggerJson } from '../domain/trigger.js'
import { all } from './all.js'
import { any } from './any.js'
import { calendar } from './calendar.js'
import { cron } from './cron/index.js'
import type { ExcludeJson } from './exclude.js'
import { fires } from './fires.js'
import { interval } from './interval.js'
import { restrict } from './modifiers.js'
import { once } from './once.js'
import { checkTrigger, compileTrigger } from './registry.js'
import { rrule } from './rrule/index.js'
import { wallTime, zoneOf } from './zone.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'America/St_Johns', 'Pacific/Apia'] as const

// The clocks change in these weeks; Samoa loses a day in the last, and Newfoundland turned back at one past midnight.
const MIDDLES = ['2026-03-29', '2026-10-25', '2026-11-01', '2011-12-30', '2010-11-07'].map((date) =>
  Date.parse(date),
)

const zone = fc.constantFrom(...ZONES)
const hours = fc.integer({ min: 1, max: 40 })

const leaf: fc.Arbitrary<TriggerJson> = fc.oneof(
  hours.map((n) => interval({ hours: n }, { start: '2001-01-01T00:30:00Z' })),
  fc
    .tuple(
      fc.constantFrom(
        '30 * * * *',
        '0,30 1-3 * * *',
        '30 2 * * *',
        '*/30 0-4 * * *',
        '0 9 * * MON-FRI',
        '0 0 1,15 * *',
      ),
      zone,
    )
    .map(([expression, timezone]) => cron(expression, { timezone })),
  fc
    .tuple(fc.integer({ min: 1, max: 5 }), zone)
    .map(([days, timezone]) =>
      calendar({ days }, { startDate: '2005-01-01', at: ['02:30', '00:00', '23:30'], timezone }),
    ),
  fc
    .tuple(fc.constantFrom('FREQ=HOURLY;INTERVAL=5', 'FREQ=WEEKLY;BYDAY=SU,MO;BYHOUR=2,9'), zone)
    .map(([rule, timezone]) => rrule(rule, { dtstart: '2005-01-01T00:30', timezone })),
  fc.constantFrom(...MIDDLES).map((at) => once(new Date(at + HOUR_MS))),
)

const dates = fc
  .tuple(fc.constantFrom(...MIDDLES), fc.uniqueArray(fc.integer({ min: -6, max: 6 }), { maxLength: 6 }))
  .map(([middle, days]) => days.map((day) => new Date(middle + day * DAY_MS).toISOString().slice(0, 10)))

const excluded: fc.Arbitrary<ExcludeJson & { timezone: string }> = fc.record({
  dates,
  weekdays: fc.subarray(['SAT', 'SUN', 'WED'], { maxLength: 2 }),
  timezone: zone,
})

const { trigger: nested } = fc.letrec<{ trigger: TriggerJson }>((tie) => ({
  trigger: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie('trigger'), { minLength: 1, maxLength: 3 }).map((list) => any(...list)),
    fc.array(tie('trigger'), { minLength: 1, maxLength: 2 }).map((list) => all(...list)),
    fc.tuple(tie('trigger'), excluded).map(([trigger, exclude]) => restrict(trigger, { exclude })),
    fc.tuple(tie('trigger'), fc.constantFrom(...MIDDLES), fc.nat(10)).map(([trigger, middle, days]) =>
      trigger.kind === 'interval'
        ? trigger
        : restrict(trigger, {
            start: new Date(middle - 5 * DAY_MS),
            end: new Date(middle + days * DAY_MS),
          }),
    ),
  ),
}))

/** What fires in [from, until), by the words of the rules alone: leaves are asked, combinations worked out as sets. */
function expected(json: TriggerJson, from: EpochMs, until: EpochMs): Set<EpochMs> {
  const { start, end, exclude, ...own } = json as TriggerJson & {
    exclude?: ExcludeJson
    start?: string
    end?: string
  }
  const members = (json.triggers as TriggerJson[] | undefined)?.map((member) => expected(member, from, until))
  let found: Set<EpochMs>
  if (members === undefined) {
    const kept = json.kind === 'interval' ? { ...own, start } : own
    found = new Set(
      fires(compileTrigger(JSON.parse(JSON.stringify(kept))), { after: from - 1, before: until }),
    )
  } else {
    const [first, ...others] = members as [Set<EpochMs>, ...Set<EpochMs>[]]
    const everything = [...first, ...others.flatMap((other) => [...other])]
    found = new Set(
      json.kind === 'any' ? everything : [...first].filter((at) => others.every((other) => other.has(at))),
    )
  }
  return new Set(
    [...found].filter(
      (at) =>
        (exclude === undefined || !isExcluded(dateOf(at, exclude.timezone!), exclude)) &&
        (json.kind === 'interval' || start === undefined || at >= Date.parse(start)) &&
        (end === undefined || at <= Date.parse(end)),
    ),
  )
}

function dateOf(at: EpochMs, timezone: string): string {
  return wallTime(at, zoneOf(timezone)).slice(0, 10)
}

function isExcluded(date: string, { dates: list, weekdays }: ExcludeJson): boolean {
  const weekday = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'][new Date(date).getUTCDay()]!
  return list!.includes(date) || weekdays!.includes(weekday)
}

function backwards(trigger: Trigger, after: EpochMs, before: EpochMs): EpochMs[] {
  const found: EpochMs[] = []
  for (let at = trigger.previous(before); at !== null && at > after; at = trigger.previous(at))
    found.unshift(at)
  return found
}

describe('triggers that are combined and restricted', () => {
  test('fire as the sets of their fire times say, forwards and backwards, from wherever one asks', () => {
    fc.assert(
      fc.property(
        nested,
        fc.constantFrom(...MIDDLES),
        fc.array(fc.integer({ min: -10 * DAY_MS, max: 10 * DAY_MS }), { maxLength: 5 }),
        (json, middle, questions) => {
          // An intersection, or what is left of one, may be empty.
          fc.pre(checkTrigger(json).length === 0)
          const trigger = compileTrigger(json)
          const [after, before] = [middle - 10 * DAY_MS, middle + 10 * DAY_MS]
          const times = [...expected(json, after + 1, before)].toSorted((a, b) => a - b)
          expect([...fires(trigger, { after, before })]).toEqual(times)
          expect(backwards(trigger, after, before)).toEqual(times)
          for (const offset of questions) {
            const at = middle + offset
            const next = times.find((time) => time > at)
            const previous = times.findLast((time) => time < at)
            if (next !== undefined) expect(trigger.next(at)).toBe(next)
            if (previous !== undefined) expect(trigger.previous(at)).toBe(previous)
          }
        },
      ),
      { numRuns: 800 },
    )
  })

  test('move what falls on an excluded date to the same time on the nearest date that is not', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          leaf,
          fc.array(leaf, { minLength: 2, maxLength: 3 }).map((list) => any(...list)),
        ),
        excluded,
        fc.constantFrom('next', 'previous'),
        fc.constantFrom(...MIDDLES),
        fc.array(fc.integer({ min: -10 * DAY_MS, max: 10 * DAY_MS }), { maxLength: 3 }),
        (json, exclude, instead, middle, questions) => {
          const clock = zoneOf(exclude.timezone)
          const [after, before] = [middle - 10 * DAY_MS, middle + 10 * DAY_MS]
          const moved = [
            ...fires(compileTrigger(json), { after: after - 30 * DAY_MS, before: before + 30 * DAY_MS }),
          ].map((at) => {
            let date = dateOf(at, exclude.timezone)
            if (!isExcluded(date, exclude)) return at
            while (isExcluded(date, exclude)) {
              date = new Date(Date.parse(date) + (instead === 'next' ? DAY_MS : -DAY_MS))
                .toISOString()
                .slice(0, 10)
            }
            return clock.toInstant(Date.parse(`${date}T${wallTime(at, clock).slice(11, 19)}Z`))
          })
          const times = [...new Set(moved)]
            .filter((at) => at !== null)
            .filter((at) => at > after && at < before)
            .toSorted((a, b) => a - b)
          const trigger = compileTrigger(restrict(json, { exclude: { ...exclude, instead } }))
          expect([...fires(trigger, { after, before })]).toEqual(times)
          expect(backwards(trigger, after, before)).toEqual(times)
          for (const offset of questions) {
            const next = times.find((time) => time > middle + offset)
            if (next !== undefined) expect(trigger.next(middle + offset)).toBe(next)
          }
        },
      ),
      { numRuns: 400 },
    )
  })

  test('obey the laws of sets', () => {
    const list = (json: TriggerJson): EpochMs[] => [
      ...fires(compileTrigger(json), { after: MIDDLES[0]!, count: 20 }),
    ]
    fc.assert(
      fc.property(leaf, leaf, leaf, (a, b, c) => {
        expect(list(any(a, b))).toEqual(list(any(b, a)))
        expect(list(any(a, a))).toEqual(list(a))
        expect(list(all(a, a))).toEqual(list(a))
        expect(list(any(a, any(b, c)))).toEqual(list(any(a, b, c)))
        expect(list(all(a, any(a, b)))).toEqual(list(a))
        if (checkTrigger(all(a, b)).length === 0) {
          expect(list(all(a, b))).toEqual(list(all(b, a)))
          expect(list(any(a, all(a, b)))).toEqual(list(a))
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('a combination', () => {
  test('of things that never meet is refused', () => {
    for (const triggers of [
      [cron('0 0 29 2 *'), cron('0 12 * * *')],
      [cron('* * * * *'), interval({ minutes: 1 }, { start: new Date(30_000) })],
      [once(new Date(0)), cron('0 9 * * *')],
    ]) {
      expect(checkTrigger(all(...triggers))).toMatchObject([{ path: 'triggers', rule: 'all.neverFires' }])
    }
  })

  test('finds what is rare', () => {
    const friday13 = all(cron('0 0 13 * *'), cron('0 0 * * FRI'), cron('0 0 * 2 *'))
    expect(compileTrigger(friday13).next(Date.parse('2016-01-01'))).toBe(Date.parse('2026-02-13'))
  })

  test('of one that will never fire again leaves the others be', () => {
    // On Sundays and Mondays of Samoa, which since 2012 are Saturdays and Sundays of UTC.
    const past = restrict(
      rrule('FREQ=WEEKLY;BYDAY=SU,MO;BYHOUR=2,9', { dtstart: '2005-01-01T00:30', timezone: 'Pacific/Apia' }),
      { exclude: { weekdays: ['SAT', 'SUN'], timezone: 'UTC' } },
    )
    const half = interval({ hours: 1 }, { start: '2001-01-01T00:30:00Z' })
    const trigger = compileTrigger(all(any(past, cron('30 */5 * * *')), half))
    const after = Date.parse('2026-03-29T00:30Z')
    expect([...fires(trigger, { after, count: 2 })]).toEqual([after + 5 * HOUR_MS, after + 10 * HOUR_MS])
  })

  test('tells which member is wrong, however deep, and which kind of wrong it is', () => {
    const impossible = cron('0 0 30 2 *')
    expect(
      checkTrigger(any(cron('@daily'), all(cron('@daily'), { kind: 'cron', expression: '61 * * * *' }))),
    ).toMatchObject([
      {
        path: 'triggers[1].triggers[1].expression',
        message: expect.stringMatching(/^in triggers\[1\]: in triggers\[1\]: /),
      },
    ])
    expect(() => compileTrigger(any(cron('@daily'), impossible))).toThrow(
      expect.objectContaining({ code: 'NEVER_FIRES' }),
    )
    expect(() => compileTrigger(any(impossible, { kind: 'crom' }))).toThrow(
      expect.objectContaining({
        code: 'INVALID_TRIGGER',
        problems: [expect.anything(), expect.objectContaining({ path: 'triggers[1].kind' })],
      }),
    )
  })

  test.each<[unknown, string, string]>([
    [{ kind: 'any' }, 'triggers', 'triggers.list'],
    [{ kind: 'any', triggers: [] }, 'triggers', 'triggers.list'],
    [{ kind: 'all', triggers: Array(11).fill(cron('@daily')) }, 'triggers', 'triggers.list'],
    [{ kind: 'any', triggers: [null] }, 'triggers[0]', 'trigger.object'],
    [
      any(any(any(any(any(cron('@daily')))))),
      'triggers[0].triggers[0].triggers[0].triggers[0].triggers[0]',
      'trigger.depth',
    ],
    [any(interval({ hours: 1 }, { after: 'completion' })), 'triggers[0].after', 'interval.alone'],
    [{ kind: 'any', triggers: [cron('@daily')], timezone: 'UTC' }, 'timezone', 'field.unknown'],
  ])('%j is refused at %s by %s', (json, path, rule) => {
    expect(checkTrigger(json)).toMatchObject([{ path, rule }])
  })

  test('of four within one another is taken', () => {
    expect(checkTrigger(any(any(any(any(cron('@daily'))))))).toEqual([])
  })
})
