import { InvalidError } from '../domain/errors.js'
import { FieldChecks, shown } from '../domain/field-checks.js'
import { ID_RULE, isValidId, type LockName } from '../domain/ids.js'
import { LEASE_DEFAULTS } from '../domain/lease.js'
import type { LockOptions } from './lock-types.js'

/** How short and how long the lease of a lock may be, in milliseconds. */
export const LOCK_TTL = Object.freeze({ leastMs: 200, mostMs: 86_400_000, defaultMs: LEASE_DEFAULTS.leaseMs })

const WAIT_MS = 30_000
const LONGEST_WAIT_MS = 2_000_000_000

export interface CompleteLockOptions {
  readonly ttlMs: number
  readonly waitMs: number
}

/** @throws {InvalidError} INVALID_OPTION, naming everything that is wrong. */
export function lockOptions(name: LockName, options: LockOptions): CompleteLockOptions {
  const checks = new FieldChecks()
  if (!isValidId(name)) checks.add('name', 'id', `must be ${ID_RULE}, but is ${shown(name)}`)
  const { ttlMs = LOCK_TTL.defaultMs, waitMs = WAIT_MS } = options
  if (checks.fields('', options, ['ttlMs', 'waitMs', 'signal'])) {
    checks.integer('ttlMs', ttlMs, LOCK_TTL.leastMs, LOCK_TTL.mostMs)
    if (waitMs !== Infinity) checks.integer('waitMs', waitMs, 0, LONGEST_WAIT_MS)
    if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
      checks.add('signal', 'signal', `must be an AbortSignal, but is ${shown(options.signal)}`)
  }
  if (checks.problems.length > 0) throw new InvalidError('INVALID_OPTION', checks.problems)
  return { ttlMs, waitMs }
}
