import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import { EvertickError } from '../domain/errors.js'
import type { EpochMs } from '../domain/clock.js'
import { TestCluster, type TestMember } from '../testing/test-cluster.js'
import type { ScheduleInput } from './types.js'

type Edit = 'put' | 'patch' | 'pause' | 'resume' | 'delete'

interface Step {
  readonly edit: Edit
  readonly by: number
  readonly ms: number
}

const steps: fc.Arbitrary<Step> = fc.record({
  edit: fc.constantFrom<Edit>('put', 'patch', 'pause', 'resume', 'delete', 'put'),
  by: fc.nat(1),
  ms: fc.constantFrom(0, 1, 300, 1000, 1700),
})

const task = defineTask({ name: 'note', run: () => {} })

/** Fires every second; its input tells which version of the definition made a run. */
function version(n: number): ScheduleInput {
  return { id: 'job', task, trigger: { kind: 'interval', every: { seconds: 1 } }, input: n, overlap: 'allow' }
}

describe('edits while it fires', () => {
  test('count from when they return: no run is made by what was there before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 25 }), async (script) => {
        const cluster = new TestCluster()
        const made: { runId: string; input: number }[] = []
        const noting = defineTask({
          name: 'note',
          run: ({ run, input }) => void made.push({ runId: run.id, input: input as number }),
        })
        const nodes = [await cluster.node({ tasks: [noting] }), await cluster.node({ tasks: [noting] })]
        let newest = 0
        // The definition in force after each edit returned; `null` while nothing may fire.
        let inForce: number | null = null
        for (const { edit, by, ms } of script) {
          const { schedules } = nodes[by]!.scheduler
          const before = made.length
          // Time goes on while the edit is under way, so that fires come before, between and after its steps.
          const passing = cluster.advance(ms)
          try {
            if (edit === 'put') await schedules.put(version(++newest))
            else if (edit === 'patch') await schedules.patch('job', { input: ++newest })
            else if (edit === 'pause') await schedules.pause('job')
            else if (edit === 'resume') await schedules.resume('job')
            else await schedules.delete('job')
          } catch (error) {
            if (
              !(error instanceof EvertickError) ||
              !['SCHEDULE_NOT_FOUND', 'ILLEGAL_STATE'].includes(error.code)
            )
              throw error
          }
          const stored = await schedules.get('job')
          inForce = stored?.state === 'active' ? (stored.definition.input as number) : null
          const createdBefore = (await cluster.runs()).length
          await passing
          await cluster.advance(1500)
          const later = (await cluster.runs()).slice(createdBefore)
          for (const run of later) expect((JSON.parse(run.spec!) as { input: number }).input).toBe(inForce)
          if (inForce !== null) expect(later.length).toBeGreaterThan(0)
          expect(made.length).toBeGreaterThanOrEqual(before)
        }
        const runs = await cluster.runs()
        expect(new Set(runs.map(({ fireTime }) => fireTime)).size).toBe(runs.length)
        expect(made.map(({ runId }) => runId).toSorted()).toEqual(runs.map(({ id }) => id).toSorted())
        for (const { scheduler } of nodes) await scheduler.stop()
      }),
      { numRuns: 40 },
    )
  })

  test('by many at once are all made, one after another', async () => {
    const cluster = new TestCluster()
    const nodes = [await cluster.node({ tasks: [task] }), await cluster.node({ tasks: [task] })]
    await nodes[0]!.scheduler.schedules.put(version(0))
    const edits = Array.from({ length: 12 }, (_, i) =>
      nodes[i % 2]!.scheduler.schedules.patch('job', {
        [i % 2 === 0 ? 'priority' : 'description']: i % 2 === 0 ? i : `by ${i}`,
      }),
    )
    const results = await Promise.all(edits)
    expect(new Set(results.map(({ revision }) => revision)).size).toBe(12)
    expect((await nodes[0]!.scheduler.schedules.get('job'))!.revision).toBe(13)
  })

  test('do not move the next fire time, whichever node fires meanwhile', async () => {
    const cluster = new TestCluster()
    const node = await cluster.node({ tasks: [task] })
    await node.scheduler.schedules.put(version(0))
    for (let i = 1; i <= 30; i++) {
      await node.scheduler.schedules.patch('job', { input: i })
      await cluster.advance(333)
    }
    const times = (await cluster.runs()).map(({ fireTime }) => cluster.since(fireTime))
    expect(times).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((s) => s * 1000))
  })

  test('in the middle of a plan make it worthless: the old definition creates nothing', async () => {
    const cluster = new TestCluster()
    const node = await cluster.node({ tasks: [task] })
    const editor: TestMember = await cluster.node({ start: false })
    await node.scheduler.schedules.put(version(1))
    const commit = node.faults.hold('commit')
    await cluster.advance(1000)
    await commit.arrived
    const edited: EpochMs = cluster.clock.now()
    await editor.scheduler.schedules.patch('job', { input: 2 }, { allowUnknownTask: true })
    commit.release()
    await cluster.settle()
    const runs = await cluster.runs()
    expect(
      runs.map(({ fireTime, spec }) => [fireTime, (JSON.parse(spec!) as { input: number }).input]),
    ).toEqual([[edited, 2]])
  })

  test('that only lose their answer are made once, for asking again finds them made', async () => {
    const cluster = new TestCluster()
    const node = await cluster.node({ tasks: [task], start: false })
    node.faults.loseAnswer('putSchedules')
    await expect(node.scheduler.schedules.put(version(1))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
    expect(await node.scheduler.schedules.put(version(1))).toMatchObject({ revision: 1 })
  })
})
