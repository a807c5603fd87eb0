import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normaliseDefinition, policyOf, specOf, timingOf } from './definition.js'
import { EvertickError, type Problem } from './errors.js'
import {
  ADAPTIVE_DEFAULTS,
  CATCH_UPS,
  DELIVERIES,
  OVERLAPS,
  POLICY_DEFAULTS,
  SIZE_LIMITS,
} from './policies.js'
import type { ScheduleDefinition } from './schedule.js'
import type { TriggerJson } from './trigger.js'

const minimal = { id: 'daily', task: 'report', trigger: { kind: 'cron', expression: '0 9 * * *' } }
const anyTrigger = (): Problem[] => []
const intervalMsOf = ({ everyMs }: TriggerJson): number | null => (everyMs as number | undefined) ?? null

function normalise(input: unknown): ScheduleDefinition {
  return normaliseDefinition(input, anyTrigger, intervalMsOf)
}

function refusal(input: unknown, checkTrigger = anyTrigger): EvertickError {
  try {
    normaliseDefinition(input, checkTrigger, intervalMsOf)
  } catch (error) {
    if (error instanceof EvertickError) return error
    throw error
  }
  throw new Error('The definition was accepted')
}

const YEAR_MS = 366 * 86_400_000

describe('every field', () => {
  const good: [string, unknown[]][] = [
    ['id', ['a', 'A.b:c_d-1', '0'.repeat(128)]],
    ['task', ['send.mail']],
    ['input', [null, 0, '', [], { deep: [{ er: true }] }]],
    ['description', ['', 'x'.repeat(1000)]],
    ['start', ['2026-01-01T00:00Z']],
    ['end', ['2026-12-31T23:59:59.999+14:00']],
    ['maxFires', [1, Number.MAX_SAFE_INTEGER]],
    ['retry', [null, {}, { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0, factor: 1, jitter: 0 }]],
    ['timeoutMs', [null, 1, 2_000_000_000]],
    [
      'history',
      [{}, { maxRuns: 1, maxAgeMs: 1000, maxFailures: 0, maxFailureAgeMs: 1000 * YEAR_MS, maxSkipped: 0 }],
    ],
    ['catchUp', [...CATCH_UPS]],
    ['misfireGraceMs', [0, 10 * YEAR_MS]],
    ['catchUpWindowMs', [0, 100 * YEAR_MS]],
    ['catchUpLimit', [1, 100_000]],
    ['overlap', [...OVERLAPS]],
    ['delivery', [...DELIVERIES]],
    ['priority', [-1000, 0, 1000]],
    ['group', ['default', 'gpu']],
    ['jitterMs', [0, YEAR_MS]],
    ['pauseAfterFailures', [1, 1_000_000]],
  ]
  test.each(good)('%s is kept as it is given', (field, values) => {
    for (const value of values) {
      const definition = normalise({ ...minimal, [field]: value })
      if (field === 'start' || field === 'end') continue
      expect(definition[field as keyof ScheduleDefinition]).toEqual(value)
    }
  })

  const bad: [string, string, string, unknown][] = [
    ['id', 'id', 'nothing', undefined],
    ['id', 'id', '"a b"', 'a b'],
    ['id', 'id', '7', 7],
    ['task', 'id', '""', ''],
    ['description', 'string', '5', 5],
    ['description', 'string.length', '1001', 'x'.repeat(1001)],
    ['start', 'instant', '"tomorrow"', 'tomorrow'],
    ['start', 'instant', '"2026-01-01T00:00:00"', '2026-01-01T00:00:00'],
    ['start', 'instant', '"2026-02-30T00:00:00Z"', '2026-02-30T00:00:00Z'],
    ['start', 'instant', '"2026-13-01T00:00:00Z"', '2026-13-01T00:00:00Z'],
    ['end', 'instant', '1764000000000', 1_764_000_000_000],
    ['end', 'instant', 'null', new Date(Number.NaN)],
    ['maxFires', 'integer.range', '0', 0],
    ['maxFires', 'integer.range', '1.5', 1.5],
    ['retry', 'object', '"always"', 'always'],
    ['retry.maxAttempts', 'integer.range', '0', { maxAttempts: 0 }],
    ['retry.factor', 'number.range', '0.5', { factor: 0.5 }],
    ['retry.jitter', 'number.range', '2', { jitter: 2 }],
    ['retry.initialDelayMs', 'integer.range', '-1', { initialDelayMs: -1 }],
    ['retry.maxDelayMs', 'integer.range', '"5s"', { maxDelayMs: '5s' }],
    ['timeoutMs', 'integer.range', '0', 0],
    ['timeoutMs', 'integer.range', '2000000001', 2_000_000_001],
    ['history', 'object', '10', 10],
    ['history.maxRuns', 'integer.range', '0', { maxRuns: 0 }],
    ['history.maxAgeMs', 'integer.range', '999', { maxAgeMs: 999 }],
    ['history.maxFailures', 'integer.range', '-1', { maxFailures: -1 }],
    ['history.maxSkipped', 'integer.range', '1000000001', { maxSkipped: 1_000_000_001 }],
    ['history.maxFailure', 'field.unknown', 'did you mean maxFailures?', { maxFailure: 1 }],
    ['history.maxFailureAgeMs', 'integer.range', 'null', { maxFailureAgeMs: null }],
    ['catchUp', 'choice', '"newest"', 'newest'],
    ['misfireGraceMs', 'integer.range', '-1', -1],
    ['catchUpWindowMs', 'integer.range', '"1d"', '1d'],
    ['catchUpLimit', 'integer.range', '0', 0],
    ['overlap', 'choice', '"queue"', 'queue'],
    ['delivery', 'choice', '"exactlyOnce"', 'exactlyOnce'],
    ['priority', 'integer.range', '1001', 1001],
    ['group', 'id', '"a/b"', 'a/b'],
    ['jitterMs', 'integer.range', '0.5', 0.5],
    ['adaptive', 'object', 'true', true],
    ['adaptive.maxIntervalMs', 'integer.range', 'nothing', {}],
    ['adaptive.above', 'number.range', '1', { above: 1, maxIntervalMs: 60_000 }],
    ['adaptive.factor', 'number.range', '1', { factor: 1, maxIntervalMs: 60_000 }],
    ['adaptive.below', 'field.unknown', 'not a known field', { below: 0.5, maxIntervalMs: 60_000 }],
    ['pauseAfterFailures', 'integer.range', '0', 0],
    ['input.at', 'json', 'must be JSON', { at: new Date(0) }],
    ['input.n', 'json', 'must be JSON', { n: Number.NaN }],
    ['input.list[1]', 'json', 'must be JSON', { list: [1, undefined] }],
    ['input.big', 'json', 'must be JSON', { big: 5n }],
    ['input.run', 'json', 'must be JSON', { run: () => 0 }],
    ['input.m', 'json', 'must be JSON', { m: new Map() }],
    ['input.__proto__', 'json', 'without a key "__proto__"', JSON.parse('{"__proto__":{"admin":true}}')],
    ['input.list[1].__proto__', 'json', '"__proto__"', JSON.parse('{"list":[1,{"__proto__":null}]}')],
  ]
  test.each(bad)('%s is refused by the rule %s where it is %s', (path, rule, shown, value) => {
    const field = path.split(/[.[]/)[0]!
    const error = refusal({ ...minimal, [field]: value })
    const problem = error.problems.find((candidate) => candidate.path === path)
    expect(problem).toMatchObject({ path, rule })
    expect(problem!.message).toContain(shown)
    expect(problem!.message.startsWith(path)).toBe(true)
    expect(error.message).toContain(problem!.message)
  })
})

describe('a definition', () => {
  test('that is no object is refused', () => {
    for (const input of [null, undefined, 5, 'x', [], new Date(0), () => 0]) {
      expect(refusal(input)).toMatchObject({
        code: 'INVALID_SCHEDULE',
        problems: [{ path: '', rule: 'object' }],
      })
    }
  })

  test('with a misspelt field is refused, with the field that was meant', () => {
    expect(refusal({ ...minimal, catchup: 'all', retry: { maxAtempts: 3 }, colour: 1 })).toMatchObject({
      code: 'INVALID_SCHEDULE',
      problems: [
        { path: 'catchup', rule: 'field.unknown', message: expect.stringContaining('did you mean catchUp?') },
        { path: 'colour', rule: 'field.unknown', message: 'colour is not a known field' },
        { path: 'retry.maxAtempts', message: expect.stringContaining('did you mean maxAttempts?') },
      ],
    })
  })

  test('learns of everything that is wrong with it at once', () => {
    const { problems } = refusal(
      { id: '', task: 5, trigger: {}, overlap: 'no', jitterMs: -1, input: 1n },
      () => [{ path: 'kind', rule: 'kind.known', message: 'kind is missing' }],
    )
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      'id',
      'input',
      'jitterMs',
      'overlap',
      'task',
      'trigger.kind',
    ])
  })

  test('may be adaptive when its trigger is an interval that counts from its start, and no other', () => {
    const every10s = { ...minimal, trigger: { kind: 'interval', everyMs: 10_000 } }
    const adaptive = { above: 0.5, factor: 2, maxIntervalMs: 20_000 }
    expect(normalise({ ...every10s, adaptive }).adaptive).toEqual(adaptive)
    expect(normalise({ ...every10s, adaptive: null }).adaptive).toBeUndefined()
    for (const [kind, found] of [
      ['cron', 'of kind "cron"'],
      ['interval', 'an interval after completion'],
    ] as const) {
      expect(refusal({ ...minimal, trigger: { kind }, adaptive })).toMatchObject({
        code: 'INVALID_SCHEDULE',
        problems: [{ path: 'adaptive', rule: 'adaptive.interval', message: expect.stringContaining(found) }],
      })
    }
    expect(refusal({ ...every10s, adaptive: { maxIntervalMs: 19_999 } })).toMatchObject({
      code: 'INVALID_SCHEDULE',
      problems: [
        {
          path: 'adaptive.maxIntervalMs',
          rule: 'adaptive.twice',
          message: expect.stringMatching(/20000.*19999/),
        },
      ],
    })
  })

  test('with a prototype of its own, or a key that is one, harms nobody', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":1},"id":"a","task":"t","trigger":{}}') as object
    expect(refusal(hostile).problems).toMatchObject([{ path: '__proto__', rule: 'field.unknown' }])
    const input = JSON.parse('{"constructor":{"prototype":{"polluted":1}}}') as object
    expect(normalise({ ...minimal, input }).input).toEqual(input)
    expect('polluted' in {}).toBe(false)
  })

  test('may end when it starts, but not before', () => {
    const instant = '2026-01-01T00:00:00.000Z'
    expect(normalise({ ...minimal, start: instant, end: instant })).toMatchObject({
      start: instant,
      end: instant,
    })
    expect(refusal({ ...minimal, start: instant, end: '2025-12-31T23:59:59.999Z' })).toMatchObject({
      code: 'INVALID_SCHEDULE',
      problems: [{ path: 'end', rule: 'end.afterStart', message: expect.stringContaining(instant) }],
    })
  })

  test('takes dates, and instants with any offset, to UTC with milliseconds', () => {
    expect(
      normalise({ ...minimal, start: new Date(Date.UTC(2026, 0, 1)), end: '2026-06-01T02:00:00.5+02:00' }),
    ).toMatchObject({ start: '2026-01-01T00:00:00.000Z', end: '2026-06-01T00:00:00.500Z' })
    expect(normalise({ ...minimal, start: '2028-02-29T12:00Z' }).start).toBe('2028-02-29T12:00:00.000Z')
  })

  test('means the default by null, except where null is a value', () => {
    const given = { ...minimal, description: null, overlap: null, start: null, history: null, input: null }
    expect(normalise({ ...given, retry: null, timeoutMs: null, group: undefined })).toEqual({
      ...minimal,
      input: null,
      retry: null,
      timeoutMs: null,
    })
    expect(refusal({ ...minimal, id: null }).problems).toMatchObject([{ path: 'id' }])
  })
})

describe('the code of a refusal', () => {
  const neverFires = (): Problem[] => [
    { path: '', rule: 'trigger.neverFires', message: 'trigger never fires' },
  ]
  const wrongTrigger = (): Problem[] => [{ path: 'expression', rule: 'cron', message: 'expression is wrong' }]
  const large = 'x'.repeat(SIZE_LIMITS.input)

  test.each([
    ['INVALID_SCHEDULE', { ...minimal, jitterMs: -1 }, anyTrigger, ['jitterMs']],
    ['INVALID_TRIGGER', minimal, wrongTrigger, ['trigger.expression']],
    ['NEVER_FIRES', minimal, neverFires, ['trigger']],
    ['PAYLOAD_TOO_LARGE', { ...minimal, input: large }, anyTrigger, ['input']],
    ['INVALID_SCHEDULE', { ...minimal, input: large }, wrongTrigger, ['trigger.expression', 'input']],
    ['INVALID_SCHEDULE', { ...minimal, jitterMs: -1 }, neverFires, ['jitterMs', 'trigger']],
    ['INVALID_SCHEDULE', { ...minimal, input: { at: new Date(0) } }, anyTrigger, ['input.at']],
  ] as const)('is %s', (code, input, checkTrigger, paths) => {
    const error = refusal(input, checkTrigger)
    expect(error.code).toBe(code)
    expect(error.problems.map(({ path }) => path)).toEqual(paths)
  })
})

describe('an input', () => {
  test('may have exactly 64 KiB of JSON', () => {
    const fits = 'x'.repeat(SIZE_LIMITS.input - 2)
    expect(normalise({ ...minimal, input: fits }).input).toBe(fits)
    expect(refusal({ ...minimal, input: `${fits}x` }).problems).toEqual([
      { path: 'input', rule: 'size', message: 'input must be at most 65536 bytes of JSON, but has 65537' },
    ])
    // Bytes, not characters.
    expect(refusal({ ...minimal, input: 'ä'.repeat(33_000) }).code).toBe('PAYLOAD_TOO_LARGE')
  })

  test('that goes round in circles, or too deep, is refused and not followed for ever', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    cycle['again'] = [cycle]
    expect(refusal({ ...minimal, input: cycle }).problems).toMatchObject([{ rule: 'json' }])
    let deep: unknown = 0
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(refusal({ ...minimal, input: deep }).problems).toMatchObject([{ rule: 'json' }])
  })
})

const definitions = fc.record(
  {
    id: fc.stringMatching(/^[a-z][a-z.]{0,20}$/),
    task: fc.constant('report'),
    trigger: fc.constant({ kind: 'interval', every: { seconds: 1 } }),
    input: fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('__proto__')),
    description: fc.option(fc.string({ maxLength: 20 })),
    start: fc.option(fc.date({ min: new Date(0), max: new Date('2026-01-01'), noInvalidDate: true })),
    end: fc.option(
      fc.date({ min: new Date('2026-01-01'), max: new Date('9999-01-01'), noInvalidDate: true }),
    ),
    retry: fc.option(fc.record({ maxAttempts: fc.integer({ min: 1, max: 9 }) }, { requiredKeys: [] })),
    overlap: fc.option(fc.constantFrom(...OVERLAPS)),
    history: fc.option(fc.record({ maxRuns: fc.integer({ min: 1, max: 99 }) }, { requiredKeys: [] })),
    maxFires: fc.option(fc.integer({ min: 1 })),
  },
  { requiredKeys: ['id', 'task', 'trigger'] },
)

describe('the canonical form', () => {
  test('is its own canonical form', () => {
    fc.assert(
      fc.property(definitions, (given) => {
        const once = normalise(given)
        expect(normalise(once)).toEqual(once)
        expect(JSON.parse(JSON.stringify(once))).toEqual(once)
      }),
      { numRuns: 300 },
    )
  })

  test('is a copy: what was given is not changed, and changing it later changes nothing', () => {
    fc.assert(
      fc.property(definitions, (given) => {
        const before = structuredClone(given)
        const definition = normalise(given)
        expect(given).toEqual(before)
        const kept = structuredClone(definition)
        Object.assign(given.trigger, { every: 'changed' })
        if (typeof given.input === 'object') Object.assign(given.input ?? {}, { changed: true })
        expect(definition).toEqual(kept)
        Object.assign(given.trigger, before.trigger)
      }),
      { numRuns: 200 },
    )
  })
})

describe('what is made of a definition', () => {
  test('the policy has every rule, decided', () => {
    expect(policyOf(normalise(minimal))).toEqual(POLICY_DEFAULTS)
    expect(policyOf(normalise({ ...minimal, catchUp: 'all', history: { maxRuns: 5 } }))).toEqual({
      ...POLICY_DEFAULTS,
      catchUp: 'all',
      history: { ...POLICY_DEFAULTS.history, maxRuns: 5 },
    })
    const adaptive = { maxIntervalMs: 60_000 }
    const trigger = { kind: 'interval', everyMs: 1000 }
    expect(policyOf(normalise({ ...minimal, trigger, adaptive })).adaptive).toEqual({
      ...ADAPTIVE_DEFAULTS,
      ...adaptive,
    })
  })

  test('the spec of a run holds what differs from the defaults of its task, and nothing else', () => {
    expect(specOf(normalise(minimal))).toBeNull()
    expect(specOf(normalise({ ...minimal, overlap: 'allow', description: 'x' }))).toBeNull()
    expect(JSON.parse(specOf(normalise({ ...minimal, retry: null, timeoutMs: 5 }))!)).toEqual({
      retry: null,
      timeoutMs: 5,
    })
    expect(JSON.parse(specOf(normalise({ ...minimal, input: 1 }), 2)!)).toEqual({ input: 2 })
  })

  test('the timing changes with the trigger, start, end and jitter, and with nothing else', () => {
    const timing = timingOf(normalise(minimal))
    const same = {
      input: 5,
      description: 'x',
      overlap: 'allow',
      task: 'other',
      maxFires: 3,
      priority: 1,
      retry: {},
    }
    for (const [field, value] of Object.entries(same)) {
      expect(timingOf(normalise({ ...minimal, [field]: value })), field).toBe(timing)
    }
    expect(timingOf(normalise({ ...minimal, trigger: { expression: '0 9 * * *', kind: 'cron' } }))).toBe(
      timing,
    )
    const different = {
      start: '2026-01-01T00:00Z',
      end: '2026-01-01T00:00Z',
      jitterMs: 1,
      trigger: { kind: 'once' },
    }
    for (const [field, value] of Object.entries(different)) {
      expect(timingOf(normalise({ ...minimal, [field]: value })), field).not.toBe(timing)
    }
  })
})
