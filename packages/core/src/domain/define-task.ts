import type { StandardSchemaV1 } from '@standard-schema/spec'
import { withDefaults } from './defaults.js'
import { InvalidError } from './errors.js'
import { FieldChecks, shown } from './field-checks.js'
import { ID_RULE, isValidId } from './ids.js'
import { ATTEMPT_TIMEOUT_MS } from './policies.js'
import { RETRY_DEFAULTS, type RetryPolicy } from './retry.js'
import type { Task, TaskOptions } from './task.js'

/** Known to every copy of this package: a task module may have resolved another one than the server. */
const BRAND = Symbol.for('evertick.task')
/** A timer of Node cannot be set for longer than this: about 24 days. */
const MAX_TIMEOUT_MS = 2_000_000_000
const OPTIONS = ['name', 'description', 'input', 'run', 'retry', 'timeoutMs', 'concurrency'] as const
const RETRY_FIELDS = Object.keys(RETRY_DEFAULTS)

/**
 * Names a handler and its defaults. The result is frozen, and may be registered with any number of schedulers.
 * @throws {InvalidError} INVALID_OPTION, naming each option that is wrong.
 */
export function defineTask<Schema extends StandardSchemaV1 | undefined = undefined>(
  options: TaskOptions<Schema>,
): Task<Schema extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<Schema> : unknown> {
  const checks = new FieldChecks()
  if (checks.object('', options, OPTIONS)) {
    if (!isValidId(options.name))
      checks.add('name', 'id', `must be ${ID_RULE}, but is ${shown(options.name)}`)
    if (typeof options.run !== 'function')
      checks.add('run', 'function', `must be a function, but is ${shown(options.run)}`)
    if (options.description !== undefined) checks.text('description', options.description, 1000)
    if (options.input !== undefined && !isStandardSchema(options.input)) {
      checks.add('input', 'schema', 'must be a Standard Schema (zod, valibot, arktype, …)')
    }
    checkRetry(checks, 'retry', options.retry)
    checkTimeout(checks, 'timeoutMs', options.timeoutMs)
    checkConcurrency(checks, options.concurrency)
  }
  if (checks.problems.length > 0) throw new InvalidError('INVALID_OPTION', checks.problems)

  const task = Object.freeze({
    name: options.name,
    description: options.description ?? null,
    inputSchema: options.input ?? null,
    run: options.run,
    retry: completeRetry(options.retry),
    timeoutMs: options.timeoutMs === undefined ? ATTEMPT_TIMEOUT_MS : options.timeoutMs,
    concurrency: Object.freeze({ ...options.concurrency }),
    [BRAND]: true,
  })
  return task
}

/** Whether {@link defineTask} made this value. */
export function isTask(value: unknown): value is Task {
  return typeof value === 'object' && value !== null && BRAND in value
}

/** A partial rule over the defaults; `null` and `undefined` mean no retries. */
export function completeRetry(retry: Partial<RetryPolicy> | null | undefined): RetryPolicy | null {
  return retry === null || retry === undefined ? null : Object.freeze(withDefaults(RETRY_DEFAULTS, retry))
}

export function checkRetry(checks: FieldChecks, field: string, retry: unknown): void {
  if (retry === undefined || retry === null || !checks.object(field, retry, RETRY_FIELDS)) return
  const { maxAttempts, initialDelayMs, maxDelayMs, factor, jitter } = retry
  if (maxAttempts !== undefined) checks.integer(`${field}.maxAttempts`, maxAttempts, 1, 10_000)
  if (initialDelayMs !== undefined)
    checks.integer(`${field}.initialDelayMs`, initialDelayMs, 0, MAX_TIMEOUT_MS)
  if (maxDelayMs !== undefined) checks.integer(`${field}.maxDelayMs`, maxDelayMs, 0, MAX_TIMEOUT_MS)
  if (factor !== undefined) checks.number(`${field}.factor`, factor, 1, 100)
  if (jitter !== undefined) checks.number(`${field}.jitter`, jitter, 0, 1)
}

export function checkTimeout(checks: FieldChecks, field: string, timeoutMs: unknown): void {
  if (timeoutMs !== undefined && timeoutMs !== null) checks.integer(field, timeoutMs, 1, MAX_TIMEOUT_MS)
}

function checkConcurrency(checks: FieldChecks, concurrency: unknown): void {
  if (concurrency === undefined || !checks.object('concurrency', concurrency, ['cluster', 'perNode'])) return
  const { cluster, perNode } = concurrency
  if (cluster !== undefined) checks.integer('concurrency.cluster', cluster, 1, 1_000_000)
  if (perNode !== undefined) checks.integer('concurrency.perNode', perNode, 1, 1_000_000)
}

function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  // arktype's schemas are functions.
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as Partial<StandardSchemaV1>)['~standard']?.validate === 'function'
  )
}
