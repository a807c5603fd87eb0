import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RETRY_DEFAULTS, retryDelayMs, type RetryPolicy } from './retry.js'

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  maxAttempts: fc.integer({ min: 2, max: 10_000 }),
  initialDelayMs: fc.oneof(fc.constant(0), fc.nat(2_000_000_000)),
  maxDelayMs: fc.nat(2_000_000_000),
  factor: fc.double({ min: 1, max: 100, noNaN: true }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
})

describe('the delay before the next attempt', () => {
  test('is always a whole number between nothing and the longest delay', () => {
    fc.assert(
      fc.property(
        policies,
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (policy, n, chance) => {
          const attempt = 1 + (n % (policy.maxAttempts - 1))
          const delayMs = retryDelayMs(policy, attempt, () => chance)
          expect(Number.isSafeInteger(delayMs)).toBe(true)
          expect(delayMs).toBeGreaterThanOrEqual(0)
          expect(delayMs).toBeLessThanOrEqual(policy.maxDelayMs)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('stays nothing through thousands of attempts when it began as nothing', () => {
    const policy = { ...RETRY_DEFAULTS, initialDelayMs: 0, maxAttempts: 10_000 }
    expect(retryDelayMs(policy, 9_999, () => 0.5)).toBe(0)
  })

  test('grows by the factor until it reaches the longest delay', () => {
    const policy = { ...RETRY_DEFAULTS, maxAttempts: 12, jitter: 0 }
    const delays = Array.from({ length: 11 }, (_, i) => retryDelayMs(policy, i + 1, Math.random))
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((s) => s * 1000))
  })

  test('never shrinks from one attempt to the next, where nothing is left to chance', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const exact = { ...policy, jitter: 0 }
        let last = 0
        for (let attempt = 1; attempt < Math.min(policy.maxAttempts, 200); attempt++) {
          const delayMs = retryDelayMs(exact, attempt, Math.random)!
          expect(delayMs).toBeGreaterThanOrEqual(last)
          last = delayMs
        }
      }),
    )
  })

  test('leaves to chance the share that the jitter says', () => {
    const policy = { ...RETRY_DEFAULTS, initialDelayMs: 1000 }
    expect(retryDelayMs({ ...policy, jitter: 1 }, 1, () => 0.75)).toBe(250)
    expect(retryDelayMs({ ...policy, jitter: 0.2 }, 1, () => 0.5)).toBe(900)
    expect(retryDelayMs({ ...policy, jitter: 0 }, 1, () => 0.5)).toBe(1000)
  })

  test('does not exist after the last attempt, or without a retry policy', () => {
    expect(retryDelayMs(RETRY_DEFAULTS, 4, () => 0)).toBe(8000)
    expect(retryDelayMs(RETRY_DEFAULTS, 5, () => 0)).toBeNull()
    expect(retryDelayMs(RETRY_DEFAULTS, 6, () => 0)).toBeNull()
    expect(retryDelayMs(null, 1, () => 0)).toBeNull()
  })
})
