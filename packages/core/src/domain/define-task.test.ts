import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { checkInput } from './check-input.js'
import { completeRetry, defineTask, isTask } from './define-task.js'
import { EvertickError } from './errors.js'
import type { JsonValue } from './json.js'
import { ATTEMPT_TIMEOUT_MS } from './policies.js'
import { RETRY_DEFAULTS } from './retry.js'
import type { Task } from './task.js'

const run = (): void => {}

function refusal(options: unknown): EvertickError {
  try {
    defineTask(options as never)
  } catch (error) {
    if (error instanceof EvertickError) return error
    throw error
  }
  throw new Error('The task was accepted')
}

describe('a task', () => {
  test('has its defaults filled in', () => {
    expect(defineTask({ name: 'report', run })).toMatchObject({
      name: 'report',
      description: null,
      inputSchema: null,
      run,
      retry: null,
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      concurrency: {},
    })
  })

  test('keeps what it was given, and completes its retries', () => {
    const options = { name: 'report', description: 'Daily', run, retry: { maxAttempts: 2 }, timeoutMs: null }
    expect(defineTask({ ...options, concurrency: { cluster: 1, perNode: 2 } })).toMatchObject({
      description: 'Daily',
      retry: { ...RETRY_DEFAULTS, maxAttempts: 2 },
      timeoutMs: null,
      concurrency: { cluster: 1, perNode: 2 },
    })
    expect(defineTask({ name: 'report', run, retry: {} }).retry).toEqual(RETRY_DEFAULTS)
    expect(defineTask({ name: 'report', run, retry: null }).retry).toBeNull()
  })

  test('is frozen, and is known as one only when defineTask made it', () => {
    const task = defineTask({ name: 'report', run, retry: {} })
    expect(Object.isFrozen(task) && Object.isFrozen(task.retry) && Object.isFrozen(task.concurrency)).toBe(
      true,
    )
    expect(isTask(task)).toBe(true)
    for (const other of [{ name: 'report', run }, null, undefined, 'report', run]) {
      expect(isTask(other)).toBe(false)
    }
  })

  test('does not share its options with the caller', () => {
    const concurrency = { cluster: 1 }
    const retry = { maxAttempts: 2 }
    const task = defineTask({ name: 'report', run, concurrency, retry })
    concurrency.cluster = 5
    retry.maxAttempts = 5
    expect(task).toMatchObject({ concurrency: { cluster: 1 }, retry: { maxAttempts: 2 } })
  })

  test.each([
    ['name', 'id', { name: 'send mail', run }],
    ['name', 'id', { run }],
    ['run', 'function', { name: 'a' }],
    ['run', 'function', { name: 'a', run: 'run' }],
    ['description', 'string', { name: 'a', run, description: 5 }],
    ['input', 'schema', { name: 'a', run, input: { type: 'object' } }],
    ['input', 'schema', { name: 'a', run, input: null }],
    ['retry', 'object', { name: 'a', run, retry: 3 }],
    ['retry.maxAttempts', 'integer.range', { name: 'a', run, retry: { maxAttempts: Infinity } }],
    ['retry.delay', 'field.unknown', { name: 'a', run, retry: { delay: 1 } }],
    ['timeoutMs', 'integer.range', { name: 'a', run, timeoutMs: 0 }],
    ['concurrency', 'object', { name: 'a', run, concurrency: 1 }],
    ['concurrency.cluster', 'integer.range', { name: 'a', run, concurrency: { cluster: 0 } }],
    ['concurrency.perNode', 'integer.range', { name: 'a', run, concurrency: { perNode: 1.5 } }],
    ['handler', 'field.unknown', { name: 'a', run, handler: run }],
    ['', 'object', undefined],
    ['', 'object', run],
  ])('with a wrong %j is refused by the rule %s', (path, rule, options) => {
    expect(refusal(options)).toMatchObject({ name: 'InvalidError', code: 'INVALID_OPTION' })
    expect(refusal(options).problems).toContainEqual({ path, rule, message: expect.any(String) })
  })
})

test('a field of a retry policy that is undefined means its default', () => {
  expect(completeRetry({ maxAttempts: undefined, factor: 3 })).toEqual({ ...RETRY_DEFAULTS, factor: 3 })
})

const schemas = {
  zod: defineTask({
    name: 'zod',
    input: z.object({ to: z.string(), copies: z.number().default(1) }),
    run({ input }) {
      expectTypeOf(input).toEqualTypeOf<{ to: string; copies: number }>()
    },
  }),
  valibot: defineTask({
    name: 'valibot',
    input: v.object({ to: v.string(), copies: v.optional(v.number(), 1) }),
    run({ input }) {
      expectTypeOf(input).toEqualTypeOf<{ to: string; copies: number }>()
    },
  }),
  arktype: defineTask({
    name: 'arktype',
    input: type({ to: 'string', copies: 'number = 1' }),
    run({ input }) {
      expectTypeOf(input).toEqualTypeOf<{ to: string; copies: number }>()
    },
  }),
}

describe.each(Object.entries(schemas))('an input schema of %s', (_library, task) => {
  test('decides what the handler is given', async () => {
    expect(await checkInput(task as Task, { to: 'anna' })).toEqual({ to: 'anna', copies: 1 })
  })

  test('names the field that is wrong, with its value', async () => {
    const check = async (input: unknown): Promise<unknown> => checkInput(task, input)
    await expect(check({ to: 5 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      retryable: false,
      problems: [
        {
          path: 'input.to',
          rule: 'input.schema',
          message: expect.stringMatching(new RegExp(`^input.to does not fit task ${task.name}: .*5\\)?$`)),
        },
      ],
    })
    await expect(check(null)).rejects.toMatchObject({ problems: [{ path: 'input' }] })
  })
})

describe('the input of a task', () => {
  test('is typed by its schema, and is any JSON without one', () => {
    expectTypeOf(schemas.zod).toEqualTypeOf<Task<{ to: string; copies: number }>>()
    defineTask({
      name: 'any',
      run({ input, fireTime, signal }) {
        expectTypeOf(input).toEqualTypeOf<JsonValue>()
        expectTypeOf(fireTime).toEqualTypeOf<Date>()
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      },
    })
  })

  test('is what a schema transforms it into', async () => {
    const task = defineTask({
      name: 'dated',
      input: z.string().transform((text) => new Date(text)),
      run({ input }) {
        expectTypeOf(input).toEqualTypeOf<Date>()
      },
    })
    expect(await checkInput(task as Task, '2026-01-01')).toEqual(new Date('2026-01-01'))
  })

  test('may be checked by a schema that takes its time', async () => {
    const task = defineTask({
      name: 'slow',
      input: z.string().refine(async (text) => text === 'yes', 'is not yes'),
      run,
    })
    expect(await checkInput(task as Task, 'yes')).toBe('yes')
    await expect(checkInput(task as Task, 'no')).rejects.toMatchObject({
      problems: [{ path: 'input', message: 'input does not fit task slow: is not yes (it is "no")' }],
    })
  })

  test('deep inside is named by its path', async () => {
    const task = defineTask({
      name: 'deep',
      input: z.object({ list: z.array(z.object({ n: z.number() })) }),
      run,
    })
    expect(() => checkInput(task as Task, { list: [{ n: 1 }, { n: 'two' }] })).toThrow(
      /^input\.list\.1\.n .*it is "two"/,
    )
    expect(() => checkInput(task as Task, { list: 'none' })).toThrow(/^input\.list /)
  })
})
