import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import type { TaskContext } from '../domain/task.js'
import type { StoreVerb } from '../testing/faulty-store.js'
import { Held, TestCluster, type TestMember } from '../testing/test-cluster.js'

let cluster: TestCluster

beforeEach(() => {
  cluster = new TestCluster()
})

const VERBS: readonly StoreVerb[] = [
  'peek',
  'commit',
  'claim',
  'finish',
  'report',
  'heartbeat',
  'recover',
  'prune',
  'now',
  'getSchedules',
]

function cutOff(member: TestMember): void {
  for (const verb of VERBS) member.faults.refuse(verb, Infinity)
}

describe('while the store is away', () => {
  test('no loop ends, readiness says so, and everything goes on by itself afterwards', async () => {
    const fired: number[] = []
    const task = defineTask({
      name: 'note',
      run: ({ fireTime }) => void fired.push(cluster.since(fireTime.getTime())),
    })
    const node = await cluster.node({ tasks: [task] })
    await cluster.schedule(node, { task, overlap: 'allow' })
    await cluster.advance(10_000)
    expect(await node.scheduler.health()).toMatchObject({ ready: true, problems: [] })

    cutOff(node)
    await cluster.advance(60_000)
    const ill = await node.scheduler.health()
    expect(ill.ready).toBe(false)
    expect(ill.lastPeekAgeMs).toBeGreaterThan(59_000)
    expect(ill.problems).toEqual([
      expect.stringContaining('The store last answered what is due'),
      'The node has no session with the store',
      expect.stringContaining('The store did not answer now'),
    ])

    node.faults.heal()
    await cluster.advance(15_000)
    expect(await node.scheduler.health()).toMatchObject({ ready: true, problems: [] })
    expect(fired).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000])
  })

  test('readiness tells of a node that has not begun, and of fires that nobody makes', async () => {
    const idle = await cluster.node({ start: false })
    expect((await idle.scheduler.health()).problems).toEqual([
      'The store has not been asked yet what is due',
      'The node has no session with the store',
    ])
  })

  test('readiness tells of fires that cannot be made', async () => {
    const node = await cluster.node()
    await cluster.schedule(node, { task: 'any' })
    node.faults.refuse('commit', Infinity)
    await cluster.advance(90_000)
    const { ready, overdueMs, problems } = await node.scheduler.health()
    expect(ready).toBe(false)
    expect(overdueMs).toBeGreaterThan(60_000)
    expect(problems).toEqual([
      `A schedule is overdue by ${overdueMs} ms`,
      expect.stringMatching(/^fire-due has failed for \d+ ms: The store did not answer commit/),
    ])
  })

  test('readiness tells of runs that cannot be leased, by a store that answers all else', async () => {
    const node = await cluster.node({ tasks: [defineTask({ name: 'note', run: () => {} })] })
    node.faults.refuse('claim', Infinity)
    await cluster.advance(4000)
    expect((await node.scheduler.health()).ready).toBe(true)
    await cluster.advance(6000)
    expect((await node.scheduler.health()).problems).toEqual([
      expect.stringMatching(/^claim-runs has failed for \d+ ms: The store did not answer claim/),
    ])
    node.faults.heal()
    await cluster.advance(6000)
    expect((await node.scheduler.health()).ready).toBe(true)
  })

  test('an outcome is kept until the store takes it', async () => {
    const held = new Held('held')
    const node = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000)
    node.faults.refuse('finish', Infinity)
    held.last.succeed('precious')
    await cluster.advance(7000)
    expect((await cluster.runs())[0]!.status).toBe('running')
    node.faults.heal()
    await cluster.advance(1000)
    expect((await cluster.runs())[0]).toMatchObject({ status: 'succeeded', result: 'precious' })
    expect(held.attempts).toHaveLength(1)
  })
})

describe('a lost answer', () => {
  test.each(['commit', 'claim', 'finish', 'heartbeat', 'peek', 'recover'] as const)(
    'of %s neither doubles nor loses a run',
    async (verb) => {
      const starts: string[] = []
      const task = defineTask({
        name: 'note',
        run: ({ run, fence }) => void starts.push(`${run.id} ${fence}`),
      })
      const node = await cluster.node({ tasks: [task] })
      await cluster.schedule(node, { task })
      // Before each of the five fires, and before a claim of what was asked for by hand.
      for (let i = 0; i < 5; i++) {
        node.faults.loseAnswer(verb, 2)
        await cluster.advance(5000)
        await node.scheduler.schedules.runNow('job')
        await cluster.advance(5000)
      }
      await cluster.advance(5000)
      const runs = await cluster.runs()
      expect(runs).toHaveLength(10)
      expect(runs.every(({ status, attempt }) => status === 'succeeded' && attempt === 1)).toBe(true)
      expect(starts).toHaveLength(10)
      expect(new Set(starts)).toHaveLength(10)
      expect(node.events.filter(({ type }) => type === 'run.succeeded')).toHaveLength(10)
      expect(node.events.filter(({ type }) => type === 'run.leaseLost')).toEqual([])
    },
  )
})

type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | {
      readonly do: 'lose' | 'refuse'
      readonly node: number
      readonly verb: StoreVerb
      readonly times: number
    }
  | { readonly do: 'kill' | 'request'; readonly node: number }
  | { readonly do: 'end'; readonly which: number; readonly well: boolean }

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 400, 1000, 3000, 12_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('lose' as const, 'refuse' as const),
      node: fc.nat(2),
      verb: fc.constantFrom<StoreVerb>(
        'commit',
        'claim',
        'finish',
        'heartbeat',
        'peek',
        'recover',
        'getSchedules',
      ),
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'request' as const), node: fc.nat(2) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(), well: fc.boolean() }),
  },
)

test('whatever answers are lost and whichever nodes die, no fire is lost or doubled, and no lease is used twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async (script) => {
      cluster = new TestCluster()
      const open: { context: TaskContext; end: (well: boolean) => void }[] = []
      const starts: string[] = []
      const task = defineTask({
        name: 'note',
        retry: { maxAttempts: 3, initialDelayMs: 100, jitter: 0 },
        run: (context) =>
          new Promise<void>((resolve, reject) => {
            starts.push(`${context.run.id} ${context.fence}`)
            open.push({ context, end: (well) => (well ? resolve() : reject(new Error('no'))) })
          }),
      })
      const join = (): Promise<TestMember> => cluster.node({ tasks: [task] })
      const nodes = [await join(), await join(), await join()]
      const trigger = { kind: 'interval', every: { seconds: 2 } }
      const policies = { catchUp: 'all', overlap: 'allow', trigger, task } as const
      await cluster.schedule(nodes[0]!, policies)
      await cluster.schedule(nodes[0]!, { ...policies, id: 'once', delivery: 'atMostOnce' })

      const requested = new Set<string>()
      for (const step of script) {
        if (step.do === 'pass') await cluster.advance(step.ms)
        else if (step.do === 'lose') nodes[step.node]!.faults.loseAnswer(step.verb, step.times)
        else if (step.do === 'refuse') nodes[step.node]!.faults.refuse(step.verb, step.times)
        else if (step.do === 'end') open.splice(step.which % (open.length || 1), 1)[0]?.end(step.well)
        else if (step.do === 'kill') {
          nodes[step.node]!.kill()
          nodes[step.node] = await join()
        } else {
          const by = nodes[step.node]!
          const requestId = `request-${requested.size}`
          const ask = (): Promise<unknown> =>
            by.scheduler.schedules.runNow('job', { requestId }).then(
              () => requested.add(requestId),
              () => {},
            )
          // Asking again is what a caller does who heard nothing.
          await ask()
          await ask()
        }
        await cluster.settle()
      }

      // Then peace: faults end, and everything that is under way succeeds.
      for (const { faults } of nodes) faults.heal()
      const end = cluster.clock.now()
      for (let i = 0; i < 40; i++) {
        for (const attempt of open.splice(0)) attempt.end(true)
        await cluster.advance(1000)
      }
      for (const attempt of open.splice(0)) attempt.end(true)
      await cluster.settle()

      expect(new Set(starts).size).toBe(starts.length)
      for (const id of ['job', 'once']) {
        const runs = (await cluster.runs(id)).filter(({ fireTime }) => fireTime <= end)
        const scheduled = runs.filter(({ kind }) => kind === 'scheduled')
        const due = Math.floor((end - cluster.startedAt) / 2000)
        expect(scheduled.map(({ fireTime }) => cluster.since(fireTime) / 2000)).toEqual(
          Array.from({ length: due }, (_, i) => i + 1),
        )
        for (const run of runs)
          expect(run).toMatchObject({ status: expect.stringMatching(/succeeded|failed|lost/) })
        const manual = runs.filter(({ kind }) => kind === 'manual').map(({ requestId }) => requestId)
        if (id === 'job') expect(new Set(manual)).toEqual(requested)
        expect(new Set(manual).size).toBe(manual.length)
      }
      // What may run only once never began a second time after its node was gone: attempts grow only by its own retries.
      const once = (await cluster.runs('once')).filter(({ status }) => status === 'lost')
      for (const run of once)
        // One that was leased, and whose node died before it heard of that, never began.
        expect(starts.filter((start) => start.startsWith(`${run.id} `)).length).toBeLessThanOrEqual(
          run.attempt,
        )
    }),
    { numRuns: 60 },
  )
}, 60_000)

describe('while the store has no room', () => {
  test('readiness and an event say so, and what was missed meanwhile follows the catch-up rule', async () => {
    const fired: number[] = []
    const task = defineTask({
      name: 'note',
      run: ({ fireTime }) => void fired.push(cluster.since(fireTime.getTime())),
    })
    const node = await cluster.node({ tasks: [task] })
    await cluster.schedule(node, { task, overlap: 'allow', catchUp: 'latest', misfireGraceMs: 1000 })
    for (const verb of ['commit', 'claim'] as const) node.faults.full(verb, Infinity)
    await cluster.advance(35_000)
    expect(await node.scheduler.health()).toMatchObject({
      ready: false,
      problems: ['The store has no room: nothing new fires or starts until there is'],
    })

    node.faults.heal()
    await cluster.advance(6000)
    expect(await node.scheduler.health()).toMatchObject({ ready: true, problems: [] })
    expect(fired).toEqual([30_000, 40_000])
    const { items } = await node.scheduler.runs.list({ status: ['missed'] })
    expect(items.map(({ missed }) => missed?.count)).toEqual([2])
    expect(node.events.filter(({ type }) => type === 'store.full').length).toBe(1)
  })

  test('it has room only when all who write find it', async () => {
    const node = await cluster.node({ tasks: [defineTask({ name: 'note', run: () => {} })] })
    node.faults.full('claim', Infinity)
    await cluster.advance(20_000)
    // Nothing is due, and so the other loop has nothing to write.
    expect((await node.scheduler.health()).ready).toBe(false)
    node.faults.heal()
    await cluster.advance(6000)
    expect((await node.scheduler.health()).ready).toBe(true)
    expect(node.events.filter(({ type }) => type === 'store.full').length).toBe(1)
  })
})
