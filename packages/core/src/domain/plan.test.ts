import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plan, withJitter, type Plan, type Plannable, type PlanLimits } from './plan.js'
import { CATCH_UPS, POLICY_DEFAULTS } from './policies.js'
import type { Trigger } from './trigger.js'

const UNBOUNDED: PlanLimits = { maxRuns: Infinity, maxSteps: Infinity }

/** Fires at these instants, which are sorted, and never again. */
function at(times: readonly number[], counts = false): Trigger {
  const next = (after: number): number | null => times.find((time) => time > after) ?? null
  const previous = (before: number): number | null => times.findLast((time) => time < before) ?? null
  if (!counts) return { next, previous }
  return {
    next,
    previous,
    count: (after, until) => times.filter((time) => time > after && time <= until).length,
  }
}

interface Case {
  readonly times: readonly number[]
  readonly counts: boolean
  readonly policy: Plannable['policy']
  readonly maxFires: number | null
  readonly fires: number
  readonly now: number
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    // Regular and irregular, sparse and in bursts.
    times: fc.oneof(
      fc.uniqueArray(fc.nat(3000), { minLength: 1, maxLength: 60 }),
      fc
        .record({
          from: fc.nat(500),
          every: fc.integer({ min: 1, max: 300 }),
          n: fc.integer({ min: 1, max: 60 }),
        })
        .map(({ from, every, n }) => Array.from({ length: n }, (_, i) => from + i * every)),
      fc
        .record({
          a: fc.nat(500),
          b: fc.integer({ min: 1500, max: 2500 }),
          n: fc.integer({ min: 1, max: 30 }),
        })
        .map(({ a, b, n }) => [a, b].flatMap((from) => Array.from({ length: n }, (_, i) => from + i))),
    ),
    counts: fc.boolean(),
    catchUp: fc.constantFrom(...CATCH_UPS),
    misfireGraceMs: fc.oneof(fc.constant(0), fc.nat(1500)),
    catchUpWindowMs: fc.oneof(fc.constant(0), fc.nat(4000)),
    catchUpLimit: fc.integer({ min: 1, max: 30 }),
    jitterMs: fc.oneof(fc.constant(0), fc.nat(600)),
    maxFires: fc.option(fc.integer({ min: 1, max: 40 })),
    fires: fc.nat(3),
    late: fc.nat(4000),
  })
  .map(({ times, counts, maxFires, fires, late, ...policy }) => {
    const sorted = [...new Set(times)].sort((a, b) => a - b)
    return { times: sorted, counts, policy, maxFires, fires, now: sorted[0]! + late }
  })

function scheduleOf({ times, counts, policy, maxFires }: Case): Plannable {
  return { id: 'daily', trigger: at(times, counts), policy, maxFires }
}

function planOf(c: Case, limits = UNBOUNDED): Plan {
  return plan(scheduleOf(c), c.times[0]!, c.fires, c.now, limits)
}

/** What the vocabulary says, computed in the plainest way. */
function expected({ times, policy, maxFires, fires, now }: Case): { runs: number[]; missed: number[] } {
  const left = maxFires === null ? Infinity : Math.max(0, maxFires - fires)
  const isMisfire = (time: number): boolean => time + policy.jitterMs < now - policy.misfireGraceMs
  const misfires = times.filter(isMisfire)
  const recent = misfires.filter((time) => time >= now - policy.catchUpWindowMs)
  const latest = misfires.at(-1)
  const caughtUp = {
    none: [],
    latest: latest !== undefined && recent.includes(latest) ? [latest] : [],
    earliest: recent.slice(0, 1),
    all: recent.slice(-policy.catchUpLimit),
  }[policy.catchUp]
  const later = times.slice(misfires.length)
  const notYet = later.findIndex((time) => withJitter({ id: 'daily', policy }, time).dueAt > now)
  const onTime = notYet === -1 ? later : later.slice(0, notYet)
  const runs = [...caughtUp, ...onTime].slice(0, left)
  // What would have come after the last run that is allowed was never to fire, so it is not missed either.
  const end = runs.length === left ? (runs.at(-1) ?? -Infinity) : Infinity
  return { runs, missed: misfires.filter((time) => !runs.includes(time) && time < end) }
}

const timesOf = (runs: Plan['runs']): number[] => runs.map(({ fireTime }) => fireTime)

describe('a plan', () => {
  test('runs and misses exactly what the catch-up rule says', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { runs, missed } = planOf(c)
        const { runs: shouldRun, missed: shouldMiss } = expected(c)
        expect(timesOf(runs)).toEqual(shouldRun)
        expect(missed).toEqual(
          shouldMiss.length === 0
            ? null
            : { count: shouldMiss.length, exact: true, from: shouldMiss[0], to: shouldMiss.at(-1) },
        )
      }),
      { numRuns: 3000 },
    )
  })

  test('accounts for every fire time before the next one exactly once', () => {
    fc.assert(
      fc.property(cases, ({ ...c }) => {
        const { runs, missed, next } = planOf(c)
        const accounted = runs.length + (missed?.count ?? 0)
        const left = c.maxFires === null ? Infinity : Math.max(0, c.maxFires - c.fires)
        if (next !== null) expect(c.times.indexOf(next.fireTime)).toBe(accounted)
        else if (runs.length < left) expect(c.times).toHaveLength(accounted)
        const fired = timesOf(runs)
        expect(fired.every((time, i) => i === 0 || time > fired[i - 1]!)).toBe(true)
        expect(runs.every(({ dueAt }) => dueAt <= c.now)).toBe(true)
        if (missed !== null) {
          expect(fired).not.toContain(missed.from)
          expect(fired).not.toContain(missed.to)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('never goes beyond maxFires, and is finished exactly there', () => {
    fc.assert(
      fc.property(cases, (c) => {
        fc.pre(c.maxFires !== null)
        const { runs, next } = planOf(c)
        const left = Math.max(0, c.maxFires - c.fires)
        expect(runs.length).toBeLessThanOrEqual(left)
        if (runs.length === left) expect(next).toBeNull()
        else if (c.times.some((time) => time > c.now)) expect(next).not.toBeNull()
      }),
      { numRuns: 1000 },
    )
  })

  test('split into many small ones comes to the same', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 5 }), (c, maxRuns) => {
        const schedule = scheduleOf(c)
        const whole = planOf(c)
        const runs: number[] = []
        let missed = 0
        let fireTime = c.times[0]!
        let last: Plan
        do {
          last = plan(schedule, fireTime, c.fires + runs.length, c.now, { maxRuns, maxSteps: Infinity })
          expect(last.runs.length).toBeLessThanOrEqual(maxRuns)
          if (last.next !== null && last.runs.length + (last.missed?.count ?? 0) > 0)
            expect(last.next.fireTime).toBeGreaterThan(fireTime)
          runs.push(...timesOf(last.runs))
          missed += last.missed?.count ?? 0
          fireTime = last.next?.fireTime ?? fireTime
        } while (last.next !== null && last.next.dueAt <= c.now)
        expect({ runs, missed, next: last.next }).toEqual({
          runs: timesOf(whole.runs),
          missed: whole.missed?.count ?? 0,
          next: whole.next,
        })
      }),
      { numRuns: 2000 },
    )
  })

  test('that may count only so far runs the same, and says when its count is not exact', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 20 }), (c, maxSteps) => {
        const exact = planOf(c)
        const short = planOf(c, { maxRuns: Infinity, maxSteps })
        expect(timesOf(short.runs)).toEqual(timesOf(exact.runs))
        expect(short.next).toEqual(exact.next)
        if (short.missed?.exact === false) {
          expect(c.counts).toBe(false)
          expect(short.missed.count).toBeLessThanOrEqual(exact.missed!.count)
          expect(short.missed).toMatchObject({ from: exact.missed!.from, to: exact.missed!.to })
        } else {
          expect(short.missed).toEqual(exact.missed)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('that counts by the trigger agrees with one that steps', () => {
    fc.assert(
      fc.property(cases, (c) => {
        expect(planOf({ ...c, counts: true })).toEqual(planOf({ ...c, counts: false }))
      }),
      { numRuns: 1000 },
    )
  })

  test('of a schedule that is not due yet changes nothing', () => {
    const schedule: Plannable = {
      id: 'daily',
      trigger: at([1000, 2000]),
      policy: POLICY_DEFAULTS,
      maxFires: null,
    }
    expect(plan(schedule, 1000, 0, 999)).toEqual({
      runs: [],
      missed: null,
      next: { fireTime: 1000, dueAt: 1000 },
    })
  })

  test('of a schedule that has fired its last time finishes it', () => {
    const schedule: Plannable = {
      id: 'daily',
      trigger: at([1000, 2000]),
      policy: POLICY_DEFAULTS,
      maxFires: 2,
    }
    expect(plan(schedule, 2000, 2, 2000)).toEqual({ runs: [], missed: null, next: null })
  })

  test('after years of downtime of a schedule of every millisecond is still a short piece of work', () => {
    const year = 365 * 86_400_000
    for (const catchUp of CATCH_UPS) {
      // It ended half a year ago, so that its last fire time lies at the end of a dense stretch far back.
      let asked = 0
      const dense: Trigger = {
        next(after) {
          asked++
          return after < 0 ? 0 : after + 1 > year ? null : after + 1
        },
        previous(before) {
          asked++
          return before <= 0 ? null : Math.min(before - 1, year)
        },
      }
      const policy = { ...POLICY_DEFAULTS, catchUp, catchUpWindowMs: 10 * year }
      const { runs, missed } = plan({ id: 'dense', trigger: dense, policy, maxFires: null }, 0, 0, 1.5 * year)
      expect(asked).toBeLessThan(15_000)
      expect(missed?.exact ?? false).toBe(false)
      const first = { none: undefined, latest: year, earliest: 0, all: year - 999 }[catchUp]
      expect(runs[0]?.fireTime).toBe(first)
    }
  })
})

test('a trigger that was edited since it was read moves no range before its own beginning', () => {
  const edited: Plannable = {
    id: 'edited',
    trigger: at([5000, 6000]),
    policy: { ...POLICY_DEFAULTS, catchUp: 'none' },
    maxFires: null,
  }
  const { missed } = plan(edited, 1000, 0, 4000 + POLICY_DEFAULTS.misfireGraceMs)
  expect(missed).toEqual({ count: 1, exact: true, from: 1000, to: 1000 })
})

describe('jitter', () => {
  const schedule = (id: string, jitterMs: number): Pick<Plannable, 'id' | 'policy'> => ({
    id,
    policy: { ...POLICY_DEFAULTS, jitterMs },
  })

  test('moves when a fire time is due, within its bounds, and never the fire time', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.nat(86_400_000),
        fc.integer({ min: 0, max: 2 ** 42 }),
        (id, jitterMs, time) => {
          const { fireTime, dueAt } = withJitter(schedule(id, jitterMs), time)
          expect(fireTime).toBe(time)
          expect(dueAt).toBeGreaterThanOrEqual(time)
          expect(dueAt).toBeLessThanOrEqual(time + jitterMs)
          expect(Number.isSafeInteger(dueAt)).toBe(true)
          expect(withJitter(schedule(id, jitterMs), time).dueAt).toBe(dueAt)
        },
      ),
    )
  })

  test('spreads schedules over the whole of it', () => {
    const delays = Array.from({ length: 2000 }, (_, i) => withJitter(schedule(`job-${i}`, 9999), 0).dueAt)
    const tenths = Array.from(
      { length: 10 },
      (_, i) => delays.filter((ms) => Math.floor(ms / 1000) === i).length,
    )
    for (const count of tenths) expect(count).toBeGreaterThan(130)
  })
})
