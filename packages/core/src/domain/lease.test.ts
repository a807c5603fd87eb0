import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LEASE_DEFAULTS, nextFence, trustedUntil } from './lease.js'

describe('a fence', () => {
  test('rises with every grant, even where the clock stands still or goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4_102_444_800_000), { minLength: 1 }), (clock) => {
        let last = 0
        for (const now of clock) {
          const fence = nextFence(last, now)
          expect(fence).toBeGreaterThan(last)
          expect(Number.isSafeInteger(fence)).toBe(true)
          last = fence
        }
      }),
    )
  })

  test('rises above those that a store forgot, once its clock has moved on', () => {
    const lost = nextFence(nextFence(0, 1_800_000_000_000), 1_800_000_000_000)
    expect(nextFence(0, 1_800_000_000_001)).toBeGreaterThan(lost)
  })
})

describe('trust in a lease', () => {
  test('always ends before the lease can, counted from when its renewal was sent', () => {
    fc.assert(
      fc.property(fc.nat(10 ** 12), fc.integer({ min: 200, max: 2_000_000_000 }), (sentAt, leaseMs) => {
        const until = trustedUntil(sentAt, leaseMs)
        expect(until).toBeLessThan(sentAt + leaseMs)
        expect(until).toBeGreaterThan(sentAt)
      }),
    )
  })

  test('leaves a second or a tenth, whichever is more', () => {
    expect(trustedUntil(0, 10_000)).toBe(9000)
    expect(trustedUntil(0, 60_000)).toBe(54_000)
    expect(trustedUntil(0, 3000)).toBe(2000)
  })

  test('survives two lost renewals with the defaults', () => {
    expect(trustedUntil(0, LEASE_DEFAULTS.leaseMs)).toBeGreaterThan(2 * LEASE_DEFAULTS.renewMs)
  })
})
