import { expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import { TestCluster } from '../testing/test-cluster.js'

const known = defineTask({ name: 'known', run: () => {} })

test('runs of a task that no node knows are kept, and told of once when they have waited for a minute', async () => {
  const cluster = new TestCluster()
  const node = await cluster.node({ tasks: [known] })
  await cluster.schedule(node, { id: 'foreign', task: 'of-another-release', maxFires: 1 })
  await cluster.schedule(node, { id: 'own', task: known })
  await cluster.advance(50_000)
  const told = () => node.events.filter(({ type }) => type === 'task.unclaimed')
  expect(told()).toEqual([])
  for (let minute = 0; minute < 4; minute++) await cluster.advance(60_000)
  expect(told()).toEqual([{ type: 'task.unclaimed', task: 'of-another-release', waiting: 1 }])
  expect((await cluster.runs('foreign')).map(({ status }) => status)).toEqual(['pending'])

  const newer = await cluster.node({
    tasks: [known, defineTask({ name: 'of-another-release', run: () => {} })],
  })
  await cluster.advance(1000)
  expect((await cluster.runs('foreign')).map(({ status }) => status)).toEqual(['succeeded'])
  expect(newer.events.filter(({ type }) => type === 'task.unclaimed')).toEqual([])
})
