import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.js'
import type { Trigger } from '../../domain/trigger.js'
import { civilFromDays, DAY_MS, FIRST_INSTANT as FIRST, LAST_INSTANT as LAST, MINUTE_MS } from '../civil.js'
import { DST_GAPS, DST_OVERLAPS, readDst } from '../dst.js'
import { zoneOf } from '../zone.js'
import { cron } from './index.js'
import { compileTrigger } from '../registry.js'
import { compileCron } from './reference/compile.js'
import { PLACES } from './reference/places.js'
import { SeededRandom } from './reference/random.js'
import { writeCron } from './reference/written-cron.js'

const place = fc.constantFrom(...PLACES)
const written = fc
  .tuple(fc.integer(), fc.integer({ min: 1971, max: 2100 }))
  .map(([seed, year]) => writeCron(new SeededRandom(seed), { year, secondsUnit: 1 }))
const nearChange = fc
  .tuple(place, fc.integer({ min: -DAY_MS, max: DAY_MS }))
  .map(([[, around], offset]) => Date.parse(around) + offset)
const anytime = fc.oneof(fc.integer({ min: Date.UTC(1890, 0, 1), max: Date.UTC(2100, 0, 1) }), nearChange)

describe('whatever the expression, the zone and the choice', () => {
  test('fire times rise, the same ones are found from wherever one asks, and backwards as forwards', () => {
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    let checked = 0
    fc.assert(
      fc.property(written, place, anytime, fraction, (expression, [zone], after, fraction) => {
        const trigger = compileCron(expression, zone)
        if (trigger === null) return
        let last = after
        for (let i = 0; i < 5; i++) {
          const at = trigger.next(last)
          if (at === null) break
          checked++
          expect(at).toBeGreaterThan(last)
          expect(trigger.next(last + Math.floor(fraction * (at - last)))).toBe(at)
          // A search that comes from afar jumps; one from nearby looks at everything on the way.
          expect(trigger.next(Math.max(last, at - DAY_MS))).toBe(at)
          expect(trigger.previous(at + 1)).toBe(at)
          const before = trigger.previous(at)
          if (i > 0) expect(before).toBe(last)
          else if (before !== null) {
            expect(before).toBeLessThanOrEqual(after)
            expect(trigger.next(before)).toBe(at)
          }
          last = at
        }
      }),
      { numRuns: 2000 },
    )
    expect(checked).toBeGreaterThan(2000)
  })

  test('what was asked before changes no answer', () => {
    fc.assert(
      fc.property(
        written,
        place,
        fc.array(anytime, { minLength: 2, maxLength: 6 }),
        (each, [zone], times) => {
          const used = compileCron(each, zone)
          for (const at of times) {
            expect(used?.next(at)).toBe(compileCron(each, zone)?.next(at))
            expect(used?.previous(at)).toBe(compileCron(each, zone)?.previous(at))
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

test('a cron that names one reading of the clock fires when the zone says that it is shown', () => {
  const choice = fc.record({ gap: fc.constantFrom(...DST_GAPS), overlap: fc.constantFrom(...DST_OVERLAPS) })
  const minutes = fc.oneof(fc.integer({ min: -1440, max: 1440 }), fc.integer({ min: -90, max: 90 }))
  const recent = fc.constantFrom(...PLACES.filter(([, around]) => around > '1971'))
  const found = new Set<number>()
  fc.assert(
    fc.property(recent, minutes, choice, ([name, around], minute, dst) => {
      const zone = zoneOf(name)
      const middle = Date.parse(around)
      const wall = Math.floor((middle + zone.offsetAt(middle)) / MINUTE_MS + minute) * MINUTE_MS
      const { year, month, day } = civilFromDays(Math.floor(wall / DAY_MS))
      const date = new Date(wall)
      const time = `${date.getUTCMinutes()} ${date.getUTCHours()} ${day} ${month}`
      const trigger = compileTrigger(cron(`0 ${time} ? ${year}`, { timezone: name, dst }))
      const fires: number[] = []
      for (let at = trigger.next(-Infinity); at !== null; at = trigger.next(at)) fires.push(at)
      expect(fires).toEqual(zone.resolve(wall, readDst(dst)))
      found.add(fires.length)
    }),
    { numRuns: 2000 },
  )
  expect(found).toEqual(new Set([0, 1, 2]))
})

describe('at the ends of time', () => {
  const dense = compileTrigger(cron('* * * * *', { timezone: 'Europe/Berlin' }))
  const TRIGGERS: readonly (readonly [string, Trigger])[] = [
    ['every minute', dense],
    ['29 February', compileTrigger(cron('0 0 29 2 *', { timezone: 'America/New_York' }))],
    ['the fifth Monday of February', compileTrigger(cron('0 0 * 2 MON#5'))],
    ['every second in Kiritimati', compileTrigger(cron('* * * * * *', { timezone: 'Pacific/Kiritimati' }))],
  ]

  test.each(TRIGGERS)('%s answers any number', (_name, trigger) => {
    expect(trigger.next(LAST)).toBeNull()
    expect(trigger.previous(FIRST)).toBeNull()
    expect([Infinity, Number.NaN, 8.64e15].map((at) => trigger.next(at))).toEqual([null, null, null])
    expect([-Infinity, Number.NaN, -8.64e15].map((at) => trigger.previous(at))).toEqual([null, null, null])
    const first = trigger.next(-Infinity)!
    const last = trigger.previous(Infinity)!
    expect([trigger.next(-8.64e15), trigger.next(first - 1), trigger.previous(first)]).toEqual([
      first,
      first,
      null,
    ])
    expect([trigger.previous(8.64e15), trigger.previous(last + 1), trigger.next(last)]).toEqual([
      last,
      last,
      null,
    ])
  })

  test('the last minute of the year 9999 is reached from either side', () => {
    expect(dense.next(LAST - 60_000)).toBe(LAST - 59_999)
    expect(dense.previous(Infinity)).toBe(LAST - 59_999)
  })
})

test('an expression that can never fire is refused at once', () => {
  for (const expression of ['0 0 31 2 *', '0 0 L-30 2 *', '0 0 1 * +MON#2', '0 0 0 29 2 ? 2100']) {
    let code: string | undefined
    try {
      compileTrigger(cron(expression))
    } catch (error) {
      code = codeOf(error)
    }
    expect([expression, code]).toEqual([expression, 'NEVER_FIRES'])
  }
})

describe('the fields besides the expression', () => {
  const next = (json: Parameters<typeof compileTrigger>[0]): string =>
    new Date(compileTrigger(json).next(Date.UTC(2026, 0, 1))!).toISOString()

  test('dayMatch says how the two day fields go together, as a plus does', () => {
    expect(next(cron('0 0 13 * FRI'))).toBe('2026-01-02T00:00:00.000Z')
    expect(next(cron('0 0 13 * FRI', { dayMatch: 'or' }))).toBe('2026-01-02T00:00:00.000Z')
    expect(next(cron('0 0 13 * FRI', { dayMatch: 'and' }))).toBe('2026-02-13T00:00:00.000Z')
    expect(next(cron('0 0 13 * +FRI'))).toBe('2026-02-13T00:00:00.000Z')
  })

  test.each([
    [{ dayMatch: 'xor' }, 'dayMatch must be "or" or "and", but was "xor"; did you mean "or"?'],
    [{ dayMatch: 'or' }, 'dayMatch must not be "or" when a "+" before the day of week says "and"'],
    [{ dst: 'skip' }, 'dst must be an object such as {"gap":"skip","overlap":"last"}, but was "skip"'],
    [
      { dst: { gap: 'shft' } },
      'dst.gap must be one of shift, after, skip, but was "shft"; did you mean "shift"?',
    ],
    [{ dst: { overlap: 2 } }, 'dst.overlap must be one of auto, first, last, both, but was 2'],
    [{ dst: { gaps: 'skip' } }, 'dst has no field "gaps" (it has gap, overlap); did you mean "gap"?'],
  ])('%j is refused', (fields, message) => {
    expect(() => compileTrigger({ ...cron('0 0 13 * +FRI'), ...(fields as object) })).toThrow(message)
  })
})
