import { beforeEach, describe, expect, test } from 'vitest'
import { LEASE_DEFAULTS } from '../domain/lease.js'
import { Held, TestCluster } from '../testing/test-cluster.js'

let cluster: TestCluster
let held: Held

beforeEach(() => {
  cluster = new TestCluster()
  held = new Held('held')
})

describe('when a node dies', () => {
  test('its run is taken over within the lease and a second, under a higher fence', async () => {
    const doomed = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(doomed, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000)
    const other = await cluster.node({ tasks: [held.task] })
    doomed.kill()
    await cluster.advance(LEASE_DEFAULTS.leaseMs - LEASE_DEFAULTS.renewMs - 1)
    expect(held.attempts).toHaveLength(1)
    await cluster.advance(LEASE_DEFAULTS.renewMs + 1000)
    expect(held.attempts).toHaveLength(2)
    const [first, second] = held.attempts
    expect(second!.context.attempt).toBe(2)
    expect(second!.context.run.id).toBe(first!.context.run.id)
    expect(second!.context.fireTime).toEqual(first!.context.fireTime)
    expect(second!.context.fence).toBeGreaterThan(first!.context.fence)
    second!.succeed('saved')
    await cluster.settle()
    expect(await cluster.runs()).toMatchObject([
      {
        status: 'succeeded',
        node: 'node-2',
        result: 'saved',
        attempts: [{ node: 'node-1', error: { code: 'ABANDONED' } }],
      },
    ])
    expect(other.events).toContainEqual({
      type: 'run.recovered',
      runId: cluster.id(10_000),
      scheduleId: 'job',
      status: 'retrying',
    })
  })

  test('a run that may run only once becomes lost, and is not run again', async () => {
    const doomed = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(doomed, { task: held.task, maxFires: 1, delivery: 'atMostOnce' })
    await cluster.advance(10_000)
    const other = await cluster.node({ tasks: [held.task] })
    doomed.kill()
    await cluster.advance(60_000)
    expect(held.attempts).toHaveLength(1)
    expect(await cluster.runs()).toMatchObject([{ status: 'lost', error: { code: 'ABANDONED' } }])
    expect(other.events).toContainEqual(expect.objectContaining({ type: 'run.recovered', status: 'lost' }))
  })

  test('the fires of all schedules go on at once, without waiting for its death to be noticed', async () => {
    const doomed = await cluster.node({ tasks: [held.task] })
    await cluster.node({ tasks: [held.task] })
    await cluster.schedule(doomed, {
      task: held.task,
      overlap: 'allow',
      trigger: { kind: 'interval', every: { seconds: 1 } },
    })
    await cluster.advance(5000)
    doomed.kill()
    const before = held.attempts.length
    await cluster.advance(4000)
    const later = held.attempts.slice(before)
    expect(later.map(({ context }) => cluster.since(context.fireTime.getTime()))).toEqual([
      6000, 7000, 8000, 9000,
    ])
    for (const run of (await cluster.runs()).slice(5))
      expect(run.startedAt! - run.fireTime).toBeLessThanOrEqual(1000)
  })

  test('a run that kills its nodes one after another is given up', async () => {
    const nodes = [await cluster.node({ tasks: [held.task] })]
    await cluster.schedule(nodes[0]!, { task: held.task, maxFires: 1 })
    await cluster.advance(10_000)
    for (let deaths = 1; deaths <= 6; deaths++) {
      expect(held.attempts).toHaveLength(deaths)
      nodes.at(-1)!.kill()
      nodes.push(await cluster.node({ tasks: [held.task] }))
      await cluster.advance(12_000)
    }
    expect(held.attempts).toHaveLength(6)
    expect(await cluster.runs()).toMatchObject([{ status: 'failed', error: { code: 'ABANDONED' } }])
  })

  test('what it leased and never heard of is run by another', async () => {
    const doomed = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(doomed, { task: held.task, maxFires: 1 })
    doomed.faults.loseAnswer('commit')
    await cluster.advance(10_000)
    doomed.kill()
    await cluster.node({ tasks: [held.task] })
    await cluster.advance(12_000)
    held.last.succeed()
    await cluster.settle()
    expect(await cluster.runs()).toMatchObject([{ status: 'succeeded', node: 'node-2' }])
  })
})
