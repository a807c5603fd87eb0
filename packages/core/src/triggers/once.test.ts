import { describe, expect, test } from 'vitest'
import { fires } from './fires.js'
import { once } from './once.js'
import { checkTrigger, compileTrigger } from './registry.js'

describe('once', () => {
  test('fires at its instant, and never again', () => {
    const trigger = compileTrigger(once('2026-12-01T09:00:00+08:00'))
    const at = Date.UTC(2026, 11, 1, 1)
    expect(trigger.next(0)).toBe(at)
    expect(trigger.next(at - 1)).toBe(at)
    expect(trigger.next(at)).toBeNull()
    expect([trigger.previous(at), trigger.previous(at + 1), trigger.previous(Infinity)]).toEqual([
      null,
      at,
      at,
    ])
    expect([trigger.count!(0, at), trigger.count!(at, at + 1), trigger.count!(0, at - 1)]).toEqual([1, 0, 0])
  })

  test.each([
    ['2026-12-01T09:00:00Z', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01t09:00:00.5z', '2026-12-01T09:00:00.500Z'],
    ['2026-12-01 09:00+0530', '2026-12-01T03:30:00.000Z'],
    ['2026-12-01T09:00:00.123456789-03:30', '2026-12-01T12:30:00.123Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('reads %s as %s', (at, expected) => {
    expect(compileTrigger(once(at)).next(-Infinity)).toBe(Date.parse(expected))
  })

  test.each([
    ['2026-12-01T09:00:00', 'Asia/Shanghai', '2026-12-01T09:00:00+08:00'],
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T03:30:00+02:00'],
    ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T02:30:00+02:00'],
  ])('reads %s in %s as %s', (at, timezone, expected) => {
    expect(compileTrigger(once(at, { timezone })).next(0)).toBe(Date.parse(expected))
  })

  test.each([
    [{ gap: 'shift' }, '2026-03-29T02:30', ['2026-03-29T01:30:00.000Z']],
    [{ gap: 'after' }, '2026-03-29T02:30', ['2026-03-29T01:00:00.000Z']],
    [{ overlap: 'auto' }, '2026-10-25T02:30', ['2026-10-25T00:30:00.000Z']],
    [{ overlap: 'last' }, '2026-10-25T02:30', ['2026-10-25T01:30:00.000Z']],
    [{ overlap: 'both' }, '2026-10-25T02:30', ['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z']],
  ] as const)('with dst %j reads %s in Berlin as %j', (dst, at, expected) => {
    const trigger = compileTrigger(once(at, { timezone: 'Europe/Berlin', dst }))
    expect([...fires(trigger, { after: 0 })].map((time) => new Date(time).toISOString())).toEqual(expected)
    expect(trigger.previous(Infinity)).toBe(Date.parse(expected.at(-1)!))
    expect(trigger.count!(0, Infinity)).toBe(expected.length)
  })

  test('takes a Date, and refuses one that is none', () => {
    expect(once(new Date(0))).toEqual({ kind: 'once', at: '1970-01-01T00:00:00.000Z' })
    expect(() => once(new Date(Number.NaN))).toThrow(
      'at must lie in the years 1 to 9999 of UTC, but was "Invalid Date"',
    )
  })

  test.each([
    [{ at: '2026-12-01T09:00:00' }, 'at', 'time.instant'],
    [{ at: '2026-02-29T09:00:00Z' }, 'at', 'time.instant'],
    [{ at: '2026-13-01T09:00:00Z' }, 'at', 'time.instant'],
    [{ at: '2026-12-01T24:00:00Z' }, 'at', 'time.instant'],
    [{ at: '2026-12-01T09:00:00+08:60' }, 'at', 'time.instant'],
    [{ at: '2026-12-01' }, 'at', 'time.instant'],
    [{ at: 1_764_000_000_000 }, 'at', 'time.instant'],
    [{}, 'at', 'time.instant'],
    [{ at: '9999-12-31T23:59:59-01:00' }, 'at', 'time.range'],
    [{ at: 'tomorrow', timezone: 'UTC' }, 'at', 'time.local'],
    [{ at: '2026-12-01T09:00:00Z', timezone: 'Asia/Shanghai' }, 'timezone', 'time.oneZone'],
    [{ at: '2011-12-30T09:00:00', timezone: 'Pacific/Apia' }, 'at', 'time.exists'],
    [{ at: '2026-12-01T09:00:00', timezone: 'Asia/Shanghay' }, 'timezone', 'timezone.known'],
    [{ at: '2026-03-29T02:30', timezone: 'Europe/Berlin', dst: { gap: 'skip' } }, 'at', 'time.exists'],
    [{ at: '2026-12-01T09:00:00Z', dst: { gap: 'skip' } }, 'dst', 'dst.timezone'],
    [{ at: '2026-12-01T09:00', timezone: 'UTC', dst: { gap: 'jump' } }, 'dst.gap', 'dst.gap'],
    [{ at: '2026-12-01T09:00:00Z', on: 1 }, 'on', 'field.unknown'],
  ])('%j is refused at %s by %s', (fields, path, rule) => {
    expect(checkTrigger({ kind: 'once', ...fields })).toMatchObject([{ path, rule }])
  })
})
