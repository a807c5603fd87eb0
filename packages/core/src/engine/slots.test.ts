import { expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import { Slots } from './slots.js'

const run = (): void => {}
const plain = defineTask({ name: 'plain', run })
const narrow = defineTask({ name: 'narrow', run, concurrency: { perNode: 1, cluster: 7 } })

test('slots are counted in all and per task', () => {
  const slots = new Slots(3, new Map([plain, narrow].map((task) => [task.name, task])))
  expect(slots.capacities()).toEqual(
    new Map([
      ['plain', { slots: 3, clusterLimit: null }],
      ['narrow', { slots: 1, clusterLimit: 7 }],
    ]),
  )
  expect(slots.anyTaskFull).toBe(false)

  slots.take('narrow')
  expect([slots.inUse, slots.free, slots.anyTaskFull]).toEqual([1, 2, true])
  expect(slots.capacities()).toEqual(new Map([['plain', { slots: 2, clusterLimit: null }]]))

  slots.take('plain')
  slots.take('plain')
  expect([slots.free, slots.capacities().size]).toEqual([0, 0])

  slots.give('narrow')
  expect(slots.capacities().get('narrow')).toEqual({ slots: 1, clusterLimit: 7 })
})

test('a task may not take more than the node has', () => {
  const wide = defineTask({ name: 'wide', run, concurrency: { perNode: 50 } })
  expect(new Slots(2, new Map([['wide', wide]])).capacities().get('wide')!.slots).toBe(2)
})
