import { beforeEach, describe, expect, test } from 'vitest'
import { Held, TestCluster, type TestMember } from '../testing/test-cluster.js'

let cluster: TestCluster

beforeEach(() => {
  cluster = new TestCluster()
})

/** Asks for `count` runs of a schedule that would fire only in a hundred days. */
async function request(member: TestMember, held: Held, count: number, schedule = {}): Promise<void> {
  const id = `${held.task.name}-${Object.values(schedule).join('-') || 'plain'}`
  await cluster.schedule(member, {
    id,
    task: held.task.name,
    trigger: { kind: 'interval', every: { days: 100 } },
    ...schedule,
  })
  for (let i = 0; i < count; i++) await member.scheduler.schedules.runNow(id)
  await cluster.settle()
}

/** Ends one attempt after another, each at once; answers how many were under way at most. */
async function finishAll(held: Held): Promise<number> {
  let most = 0
  for (let ended = 0; ended < held.attempts.length; ended++) {
    most = Math.max(most, held.attempts.length - ended)
    held.attempts[ended]!.succeed()
    await cluster.settle()
  }
  return most
}

describe('no more runs at once', () => {
  test('than the node has slots', async () => {
    const held = new Held('held')
    const node = await cluster.node({ tasks: [held.task], node: { slots: 3 } })
    await request(node, held, 10)
    await cluster.advance(1000)
    expect(held.attempts).toHaveLength(3)
    expect(await finishAll(held)).toBe(3)
    expect(held.attempts).toHaveLength(10)
  })

  test('than the task allows on a node, and a slot that becomes free is used at once', async () => {
    const held = new Held('held', { concurrency: { perNode: 2 } })
    const node = await cluster.node({ tasks: [held.task], deaf: true })
    await request(node, held, 10)
    await cluster.advance(2000)
    expect(held.attempts).toHaveLength(2)
    // Without time going on: no poll may be needed.
    expect(await finishAll(held)).toBe(2)
    expect(held.attempts).toHaveLength(10)
  })

  test('than the task allows in the cluster', async () => {
    const held = new Held('held', { concurrency: { cluster: 3 } })
    const nodes = [await cluster.node({ tasks: [held.task] }), await cluster.node({ tasks: [held.task] })]
    await request(nodes[0]!, held, 12)
    await cluster.advance(2000)
    expect(held.attempts).toHaveLength(3)
    let most = 0
    for (let ended = 0; ended < held.attempts.length; ended++) {
      most = Math.max(most, held.attempts.length - ended)
      held.attempts[ended]!.succeed()
      await cluster.advance(500)
    }
    expect([most, held.attempts.length]).toEqual([3, 12])
  })

  test('of one task, and others go on', async () => {
    const slow = new Held('slow', { concurrency: { perNode: 1 } })
    const quick = new Held('quick')
    const node = await cluster.node({ tasks: [slow.task, quick.task] })
    await request(node, slow, 5)
    await request(node, quick, 5)
    expect([slow.attempts.length, quick.attempts.length]).toEqual([1, 5])
  })
})

test('what is more urgent starts first', async () => {
  const held = new Held('held')
  const node = await cluster.node({ tasks: [held.task], node: { slots: 1 } })
  await request(node, held, 1)
  for (const priority of [-5, 0, 7, 3]) await request(node, held, 1, { priority })
  await cluster.advance(1000)
  await finishAll(held)
  const order = held.attempts.slice(1).map(({ context }) => context.run.scheduleId)
  expect(order).toEqual(['held-7', 'held-3', 'held-0', 'held--5'])
})

test('a fire does not overtake what waits with the same priority', async () => {
  const held = new Held('held')
  const node = await cluster.node({ tasks: [held.task], node: { slots: 1 } })
  await request(node, held, 3)
  await cluster.schedule(node, { task: held.task, maxFires: 1 })
  await cluster.advance(10_000)
  await finishAll(held)
  expect(held.attempts.map(({ context }) => context.run.scheduleId)).toEqual([
    'held-plain',
    'held-plain',
    'held-plain',
    'job',
  ])
})

describe('a group', () => {
  test('keeps a run for the nodes that offer it', async () => {
    const held = new Held('held')
    const plain = await cluster.node({ tasks: [held.task] })
    await cluster.schedule(plain, { task: held.task, group: 'gpu', maxFires: 1 })
    await cluster.advance(12_000)
    expect(await cluster.runs()).toMatchObject([{ status: 'pending' }])
    await cluster.node({ tasks: [held.task], node: { groups: ['gpu'] } })
    await cluster.advance(500)
    expect(await cluster.runs()).toMatchObject([{ status: 'running', node: 'node-2' }])
  })

  test('of its own alone keeps a node from running what asks for none', async () => {
    const held = new Held('held')
    const node = await cluster.node({ tasks: [held.task], node: { groups: ['gpu'] } })
    await cluster.schedule(node, { task: held.task, maxFires: 1 })
    await cluster.advance(12_000)
    expect(await cluster.runs()).toMatchObject([{ status: 'pending' }])
  })
})
