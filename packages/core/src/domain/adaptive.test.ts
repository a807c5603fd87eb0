import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CALM_BELOW, stretchedInterval, thinned } from './adaptive.js'
import { ADAPTIVE_DEFAULTS, type AdaptivePolicy } from './policies.js'
import type { Trigger } from './trigger.js'

const policies: fc.Arbitrary<AdaptivePolicy & { everyMs: number }> = fc
  .record({
    above: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
    factor: fc.double({ min: 1.01, max: 10, noNaN: true }),
    everyMs: fc.integer({ min: 1, max: 86_400_000 }),
    most: fc.double({ min: 2, max: 500, noNaN: true }),
  })
  .map(({ most, above, factor, everyMs }) => ({
    above,
    factor,
    everyMs,
    maxIntervalMs: Math.ceil(everyMs * most),
  }))
const loads = fc.double({ min: 0, max: 1, noNaN: true })
/** The present multiple of the interval; perhaps more than is allowed, for the policy may have been edited. */
const multiples = fc.integer({ min: 1, max: 600 })

function timesOf(policy: AdaptivePolicy & { everyMs: number }, times: number, load: number | null): number {
  const { everyMs } = policy
  return (stretchedInterval(policy, everyMs, times === 1 ? null : times * everyMs, load) ?? everyMs) / everyMs
}

/** The multiples of the interval under one load after another. */
function course(loadsInTurn: readonly (number | null)[], policy: Partial<AdaptivePolicy> = {}): number[] {
  let times = 1
  const complete = { ...ADAPTIVE_DEFAULTS, maxIntervalMs: 10_000, ...policy, everyMs: 1000 }
  return loadsInTurn.map((load) => (times = timesOf(complete, times, load)))
}

describe('the interval of an adaptive schedule', () => {
  test('is longer with each step while the load is high, up to its bound, and returns step by step', () => {
    expect(course([1, 1, 1, 1, 1, 1, 1])).toEqual([2, 3, 5, 8, 10, 10, 10])
    expect(course([1, 1, 1, 1, 0, 0, 0, 0, 0])).toEqual([2, 3, 5, 8, 5, 3, 2, 1, 1])
    expect(course([1, 1, 1, 1], { factor: 1.1 })).toEqual([2, 3, 4, 5])
    expect(course([1, 1], { maxIntervalMs: 2999 })).toEqual([2, 2])
  })

  test('stays as it is at the mark, somewhat below it, and while no load is known', () => {
    const { above } = ADAPTIVE_DEFAULTS
    const slightlyCalm = above * CALM_BELOW
    expect(course([1, 1, above, slightlyCalm + 1e-9, null, slightlyCalm])).toEqual([2, 3, 3, 3, 3, 2])
    expect(course([above, 0.6, null])).toEqual([1, 1, 1])
  })

  test('is a whole multiple of its own one, and within its bound, whatever it was', () => {
    fc.assert(
      fc.property(policies, multiples, fc.option(loads), (policy, present, load) => {
        const times = timesOf(policy, present, load)
        expect(Number.isInteger(times)).toBe(true)
        expect(times).toBeGreaterThanOrEqual(1)
        expect(times * policy.everyMs).toBeLessThanOrEqual(policy.maxIntervalMs)
      }),
    )
  })

  test('is never shorter under more load, nor after it was longer', () => {
    fc.assert(
      fc.property(policies, multiples, multiples, loads, loads, (policy, one, other, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)]
        expect(timesOf(policy, one, more)).toBeGreaterThanOrEqual(timesOf(policy, one, less))
        const [short, long] = [Math.min(one, other), Math.max(one, other)]
        expect(timesOf(policy, long, a)).toBeGreaterThanOrEqual(timesOf(policy, short, a))
      }),
    )
  })

  test('goes on growing to its bound under load, and all the way back without', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const most = Math.floor(policy.maxIntervalMs / policy.everyMs)
        let times = 1
        for (let step = 0; times < most; step++) {
          const next = timesOf(policy, times, 1)
          expect(next).toBeGreaterThan(times)
          expect(step).toBeLessThan(most)
          times = next
        }
        expect(timesOf(policy, most, 1)).toBe(most)
        while (times > 1) {
          const next = timesOf(policy, times, 0)
          expect(next).toBeLessThan(times)
          times = next
        }
        expect(timesOf(policy, 1, 0)).toBe(1)
      }),
    )
  })
})

/** Fires at these instants, which are sorted, and never again. */
function at(times: readonly number[]): Trigger {
  return {
    next: (after) => times.find((time) => time > after) ?? null,
    previous: (before) => times.findLast((time) => time < before) ?? null,
  }
}

describe('a thinned trigger', () => {
  const cases = fc
    .record({
      // Intervals with and without gaps, as excluded dates leave them.
      every: fc.integer({ min: 1, max: 5 }),
      from: fc.nat(50),
      n: fc.integer({ min: 1, max: 60 }),
      left: fc.func(fc.boolean()),
      gaps: fc.boolean(),
      times: fc.integer({ min: 1, max: 12 }),
      start: fc.nat(59),
    })
    .map(({ every, from, n, left, gaps, times, start }) => {
      const all = Array.from({ length: n }, (_, i) => from + i * every)
      const kept = gaps ? all.filter((time) => left(Math.floor(time / (4 * every)))) : all
      const first = kept[start % Math.max(1, kept.length)] ?? from
      return { all: [...new Set([first, ...kept])].sort((a, b) => a - b), first, every, times, gaps }
    })

  /** In the plainest way. */
  function expected({
    all,
    first,
    every,
    times,
  }: {
    all: number[]
    first: number
    every: number
    times: number
  }): number[] {
    const last = all.at(-1)!
    const left = new Set([first])
    for (let multiple = first; multiple <= last; multiple += every * times) {
      left.add(all.find((time) => time >= multiple)!)
    }
    return [...left]
  }

  test('fires at the first fire time at or after each multiple, and at no other time', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const left = expected(c)
        const trigger = thinned(at(c.all), c.first, c.every * c.times)
        for (let instant = c.first - 2; instant <= c.all.at(-1)! + 2; instant++) {
          expect(trigger.next(instant)).toBe(left.find((time) => time > instant) ?? null)
          expect(trigger.previous(instant)).toBe(left.findLast((time) => time < instant) ?? null)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('of an interval without gaps has them exactly that far apart', () => {
    fc.assert(
      fc.property(cases, (c) => {
        fc.pre(!c.gaps)
        const left = expected(c)
        for (const [i, time] of left.entries()) expect(time).toBe(c.first + i * c.every * c.times)
      }),
    )
  })
})
