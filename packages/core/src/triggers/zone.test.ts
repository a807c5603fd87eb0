import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidError } from '../domain/errors.js'
import { HOUR_MS, MINUTE_MS } from './civil.js'
import { DST_GAPS, type DstRule } from './dst.js'
import { wallTime, zoneOf } from './zone.js'
import { CHUNK_MS, ZoneTable } from './zone-table.js'

const at = (text: string): number => Date.parse(text)

function messageOf(name: string): string {
  try {
    zoneOf(name)
  } catch (error) {
    if (error instanceof InvalidError) {
      expect(error).toMatchObject({
        code: 'INVALID_TRIGGER',
        problems: [{ path: 'timezone', rule: 'timezone.known' }],
      })
      return error.message
    }
    throw error
  }
  return ''
}

describe('a zone', () => {
  test.each([
    ['Europe/Berlin', '2026-03-29T00:59:59Z', '2026-03-29T01:59:59+01:00'],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-29T03:00:00+02:00'],
    ['Europe/Berlin', '2026-03-29T01:00:00.250Z', '2026-03-29T03:00:00.250+02:00'],
    ['Europe/Berlin', '1850-01-01T00:00:00Z', '1850-01-01T00:53:28+00:53:28'],
    ['America/St_Johns', '2026-01-01T00:00:00Z', '2025-12-31T20:30:00-03:30'],
    ['UTC', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00+00:00'],
    ['Asia/Manila', '1700-01-01T00:00:00Z', expect.stringMatching(/^1699-12-31T08:0\d:\d\d-15:5\d(:\d\d)?$/)],
    ['Pacific/Kiritimati', '9999-12-31T23:00:00Z', '10000-01-01T13:00:00+14:00'],
  ])('%s shows %s as %s', (zone, instant, expected) => {
    expect(wallTime(at(instant), zoneOf(zone))).toEqual(expected)
  })

  test('is known by any spelling of its case', () => {
    expect(zoneOf('eUROPE/bERLIN')).toBe(zoneOf('Europe/Berlin'))
    expect(zoneOf('etc/utc')).toBe(zoneOf('UTC'))
  })

  test.each([
    ['Europe/Berlin', '2026-07-01T12:00:00', '2026-07-01T12:00:00+02:00'],
    ['Europe/Berlin', '2026-03-29T02:30:00', '2026-03-29T03:30:00+02:00'],
    ['Europe/Berlin', '2026-03-29T03:00:00', '2026-03-29T03:00:00+02:00'],
    ['Europe/Berlin', '2026-10-25T02:00:00', '2026-10-25T02:00:00+02:00'],
    ['Europe/Berlin', '2026-10-25T02:59:59.999', '2026-10-25T02:59:59.999+02:00'],
    ['Europe/Berlin', '2026-10-25T03:00:00', '2026-10-25T03:00:00+01:00'],
    ['Pacific/Apia', '2011-12-29T23:59:59', '2011-12-29T23:59:59-10:00'],
    ['Pacific/Apia', '2011-12-31T00:00:00', '2011-12-31T00:00:00+14:00'],
  ])('%s reads %s at %s', (name, wall, expected) => {
    const zone = zoneOf(name)
    expect(wallTime(zone.toInstant(at(`${wall}Z`))!, zone)).toBe(expected)
  })

  test('has no instant for a date that it left out, whatever the rule', () => {
    const apia = zoneOf('Pacific/Apia')
    const wall = at('2011-12-30T12:00:00Z')
    expect(apia.toInstant(wall)).toBeNull()
    for (const gap of DST_GAPS) expect(apia.resolve(wall, { gap, overlap: 'both' })).toEqual([])
  })

  test.each<[string, string, DstRule, string[]]>([
    ['Europe/Berlin', '2026-03-29T02:30', { gap: 'shift', overlap: 'both' }, ['2026-03-29T03:30:00+02:00']],
    ['Europe/Berlin', '2026-03-29T02:30', { gap: 'after', overlap: 'first' }, ['2026-03-29T03:00:00+02:00']],
    ['Europe/Berlin', '2026-03-29T02:30', { gap: 'skip', overlap: 'first' }, []],
    ['Europe/Berlin', '2026-10-25T02:30', { gap: 'skip', overlap: 'first' }, ['2026-10-25T02:30:00+02:00']],
    ['Europe/Berlin', '2026-10-25T02:30', { gap: 'skip', overlap: 'last' }, ['2026-10-25T02:30:00+01:00']],
    [
      'Europe/Berlin',
      '2026-10-25T02:30',
      { gap: 'skip', overlap: 'both' },
      ['2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00'],
    ],
    ['Europe/Berlin', '2026-07-01T12:00', { gap: 'skip', overlap: 'both' }, ['2026-07-01T12:00:00+02:00']],
    [
      'America/Sao_Paulo',
      '2018-11-04T00:00',
      { gap: 'after', overlap: 'first' },
      ['2018-11-04T01:00:00-02:00'],
    ],
    [
      'Pacific/Kwajalein',
      '1969-09-30T12:00',
      { gap: 'shift', overlap: 'both' },
      ['1969-09-30T12:00:00+11:00', '1969-09-30T12:00:00-12:00'],
    ],
  ])('%s resolves %s by %j to %j', (name, wall, rule, expected) => {
    const zone = zoneOf(name)
    expect(zone.resolve(at(`${wall}Z`), rule).map((each) => wallTime(each, zone))).toEqual(expected)
  })

  test.each([
    ['Europe/Berln', 'but was "Europe/Berln"; did you mean "Europe/Berlin"?'],
    ['Berlin', 'but was "Berlin"; did you mean "Europe/Berlin"?'],
    ['new york', 'but was "new york"; did you mean "America/New_York"?'],
    ['UTV', 'but was "UTV"; did you mean "UTC"?'],
    ['+08:00', 'such as "Europe/Berlin", but was "+08:00"'],
    ['', 'but was ""'],
    ['Mars/Olympus_Mons_Base', 'but was "Mars/Olympus_Mons_Base"'],
    [
      'CST',
      '"CST" is an abbreviation that different zones use; write the zone that is meant, such as "America/Chicago"',
    ],
    ['SystemV/PST8', 'but was "SystemV/PST8"'],
  ])('%j is refused', (name, message) => {
    expect(messageOf(name)).toContain(message)
  })

  test('agrees with Intl at any instant', () => {
    const name = fc.constantFrom(
      'Europe/Berlin',
      'America/Sao_Paulo',
      'Africa/Casablanca',
      'Asia/Gaza',
      'Pacific/Apia',
      'Asia/Tehran',
    )
    const formats = new Map<string, Intl.DateTimeFormat>()
    fc.assert(
      fc.property(name, fc.integer({ min: -5e9, max: 5e9 }), (zone, second) => {
        const format =
          formats.get(zone) ??
          new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
        formats.set(zone, format)
        const shown = at(`${format.format(second * 1000).replace(' ', 'T')}Z`)
        expect(zoneOf(zone).offsetAt(second * 1000)).toBe(shown - second * 1000)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the table of a zone', () => {
  const START = 60 * CHUNK_MS

  test('knows every change of the offset, also at the ends of its chunks', () => {
    const minutes = fc.integer({ min: -20, max: 20 }).map((quarter) => quarter * 15)
    const change = fc.record({
      chunk: fc.integer({ min: -1, max: 1 }),
      hours: fc.oneof(fc.integer({ min: -4, max: 4 }), fc.integer({ min: 100, max: 8000 })),
      offset: minutes,
    })
    fc.assert(
      fc.property(
        minutes,
        fc.array(change, { maxLength: 4 }),
        fc.integer({ min: -30_000, max: 30_000 }),
        (first, changes, minute) => {
          const ordered = changes
            .map(({ chunk, hours, offset }) => ({
              at: START + chunk * CHUNK_MS + hours * HOUR_MS,
              offset: offset * MINUTE_MS,
            }))
            .toSorted((a, b) => a.at - b.at)
            // Offsets that come and go within the sampling step are not found, nor do they exist.
            .filter((each, i, list) => i === 0 || each.at - list[i - 1]!.at > 73 * HOUR_MS)
          const offsetAt = (time: number): number =>
            ordered.findLast((each) => each.at <= time)?.offset ?? first * MINUTE_MS
          const table = new ZoneTable(offsetAt)
          const time = START + minute * 40 * MINUTE_MS
          const segment = table.segmentAt(time)
          expect(segment.offset).toBe(offsetAt(time))
          expect(time >= segment.from && time < segment.until).toBe(true)
          expect(segment.before).toBe(offsetAt(segment.from - 1000))
          expect(segment.shown).toBe(segment.from + segment.before)
          expect(offsetAt(segment.until - 1000)).toBe(segment.offset)
          const returns = ordered
            .filter((each) => each.at >= segment.until)
            .map((each) => each.at + each.offset)
          expect(segment.again).toBe(Math.min(segment.until + segment.offset, ...returns))
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('remembers how far the clocks had come through two changes in a row', () => {
    const [first, second] = [START + 400 * HOUR_MS, START + 401 * HOUR_MS]
    const table = new ZoneTable((time) => (time < first ? 3 : time < second ? 0 : 1) * HOUR_MS)
    expect(table.segmentAt(second)).toMatchObject({ from: second, before: 0, shown: first + 3 * HOUR_MS })
    expect(table.segmentAt(first - 1)).toMatchObject({ until: first, again: first })
    expect(table.segmentAt(first)).toMatchObject({ until: second, again: second })
  })
})
