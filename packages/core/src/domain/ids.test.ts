import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hash32, isValidId, isValidRequestId, parseRunId, runIdOf, uuidv7 } from './ids.js'

const scheduleIds = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/)
const requestIds = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_:-]{0,63}$/)
const fireTimes = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 })

describe('a run id', () => {
  test('tells the schedule, the fire time and the request that it was made of', () => {
    fc.assert(
      fc.property(
        scheduleIds,
        fireTimes,
        fc.oneof(fc.constant(''), requestIds),
        (scheduleId, fireTime, requestId) => {
          const id = runIdOf(scheduleId, fireTime, requestId)
          expect(parseRunId(id)).toEqual({ scheduleId, fireTime, requestId })
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('is the only name of its run: what parses is what it came from', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.tuple(fc.string(), fc.string()).map(([a, b]) => `${a}@${b}`),
      fc.tuple(scheduleIds, fc.stringMatching(/^[-+0-9eE.x]{0,20}$/)).map(([a, b]) => `${a}@${b}`),
      fc.tuple(scheduleIds, fireTimes, fc.string()).map(([a, b, c]) => `${a}@${b}.${c}`),
    )
    fc.assert(
      fc.property(hostile, (text) => {
        const identity = parseRunId(text)
        if (identity === null) return
        const { scheduleId, fireTime, requestId } = identity
        expect(runIdOf(scheduleId, fireTime, requestId)).toBe(text)
        expect(isValidId(scheduleId)).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })

  test.each([
    '',
    '@',
    '@5',
    'a@',
    'a@5.',
    'a@.r',
    'a@x',
    'a@1e3',
    'a@0x10',
    'a@ 5',
    'a@007',
    'a@-0',
    'a@9007199254740993',
    'a@12345678901234567',
    'a@5.r.s',
    'a@5@6',
    'a b@5',
    '../a@5',
    'ä@5',
    `${'a'.repeat(129)}@5`,
    `a@5.${'r'.repeat(65)}`,
    'a@5\n',
    "a@5' OR 1=1",
  ])('%j is no run id', (text) => {
    expect(parseRunId(text)).toBeNull()
  })
})

test.each([
  [''],
  ['-a'],
  ['.a'],
  [' a'],
  ['a '],
  ['a/b'],
  ['a\n'],
  ['a@b'],
  ['é'],
  ['a'.repeat(129)],
  [7],
  [null],
])('%j is no id of a schedule', (id) => {
  expect(isValidId(id)).toBe(false)
})

test.each([[''], ['-a'], ['a.b'], ['a@b'], ['a'.repeat(65)], [undefined]])(
  '%j is no id of a request',
  (id) => {
    expect(isValidRequestId(id)).toBe(false)
  },
)

describe('a UUID of version 7', () => {
  test('sorts by time of creation, is unique, and has the bits of its version', () => {
    const start = Date.UTC(2100, 0, 1)
    const ids: string[] = []
    // More than 4096 within one millisecond, a clock that goes back, and one that goes on.
    for (const now of [start, start - 1000, start + 1]) {
      for (let i = 0; i < 5000; i++) ids.push(uuidv7(now))
    }
    expect(new Set(ids)).toHaveLength(15_000)
    expect(ids.toSorted()).toEqual(ids)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('tells the millisecond in which it was made', () => {
    const now = Date.UTC(2101, 5, 1)
    expect(Number.parseInt(uuidv7(now).replace('-', '').slice(0, 12), 16)).toBe(now)
  })
})

test('the hash of a text is the same in every release, for stored due times depend on it', () => {
  expect([hash32(''), hash32('daily@0'), hash32('daily@86400000'), hash32('☃')]).toEqual([
    2872998923, 485210214, 2734782851, 4161361004,
  ])
})
