import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HeldCall, StoreVerb } from '../testing/faulty-store.js'
import { TestCluster } from '../testing/test-cluster.js'
import type { Lock } from './lock-types.js'

const VERBS = ['acquireLock', 'renewLock', 'releaseLock'] as const satisfies readonly StoreVerb[]

type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | {
      readonly do: 'disturb'
      readonly fault: 'lose' | 'refuse' | 'hold'
      readonly node: number
      readonly verb: (typeof VERBS)[number]
    }
  | { readonly do: 'acquire'; readonly node: number; readonly waitMs: number }
  | { readonly do: 'release'; readonly which: number }
  | { readonly do: 'letGo'; readonly which: number }
  | { readonly do: 'kill'; readonly node: number }

const node = fc.nat(2)
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 200, 700, 1500, 4000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('disturb' as const),
      fault: fc.constantFrom('lose' as const, 'refuse' as const, 'hold' as const),
      node,
      verb: fc.constantFrom(...VERBS),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      node,
      waitMs: fc.constantFrom(0, 500, 5000, Infinity),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'letGo' as const), which: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), node }) },
)

test('whatever answers are lost or late and whichever holders die, a lock is never held twice, and never for good', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 50 }), async (script) => {
      const cluster = new TestCluster()
      const join = () => cluster.node({ start: false })
      const nodes = [await join(), await join(), await join()]
      const calls: HeldCall[] = []
      const open = new Set<Lock>()
      const fences: number[] = []
      let isPeace = false

      /** Those who may go on with their work, at most one, have the lock in the store under their fence. */
      const check = async (): Promise<void> => {
        const trusting = [...open].filter(({ signal }) => !signal.aborted)
        expect(trusting.length).toBeLessThanOrEqual(1)
        const { items } = await cluster.store.listLocks({ limit: 10 })
        for (const { fence } of trusting) expect(items).toMatchObject([{ fence }])
      }

      for (const step of script) {
        if (step.do === 'pass') await cluster.advance(step.ms)
        else if (step.do === 'letGo') calls.splice(step.which % (calls.length || 1), 1)[0]?.release()
        else if (step.do === 'kill') {
          nodes[step.node]!.kill()
          nodes[step.node] = await join()
        } else if (step.do === 'release') {
          const lock = [...open][step.which % (open.size || 1)]
          if (lock !== undefined) open.delete(lock)
          void lock?.release()
        } else if (step.do === 'acquire') {
          const { locks } = nodes[step.node]!.scheduler
          locks.acquire('l', { ttlMs: 3000, waitMs: step.waitMs }).then(
            (lock) => {
              fences.push(lock.fence)
              if (isPeace) void lock.release()
              else open.add(lock)
            },
            () => {},
          )
        } else {
          const { faults } = nodes[step.node]!
          if (step.fault === 'lose') faults.loseAnswer(step.verb)
          else if (step.fault === 'refuse') faults.refuse(step.verb, 3)
          else calls.push(faults.hold(step.verb))
        }
        await cluster.settle()
        await check()
      }

      // Then peace: faults end, and whoever has the lock lets it go.
      isPeace = true
      for (const { faults } of nodes) faults.heal()
      for (const call of calls) call.release()
      for (const lock of open) void lock.release()
      const last = cluster.pass(nodes[0]!.scheduler.locks.acquire('l', { ttlMs: 3000, waitMs: Infinity }))
      fences.push((await last).fence)
      expect(fences).toEqual([...new Set(fences)].toSorted((x, y) => x - y))
    }),
    { numRuns: 100 },
  )
}, 60_000)
