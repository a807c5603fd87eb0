import { expect, test } from 'vitest'
import { loadOf, type NodeMeasures } from './load.js'

const idle: NodeMeasures = { eventLoopDelayMs: 0, cpu: 0, slots: 10, slotsInUse: 0, latenessMs: 0 }

test('the load of a node is that of its scarcest resource', () => {
  expect(loadOf(idle)).toBe(0)
  expect(loadOf({ ...idle, slotsInUse: 7 })).toBe(0.7)
  expect(loadOf({ ...idle, cpu: 0.4, slotsInUse: 3 })).toBe(0.4)
  expect(loadOf({ ...idle, eventLoopDelayMs: 50, slotsInUse: 1 })).toBe(0.25)
  expect(loadOf({ ...idle, latenessMs: 1000, cpu: 0.1 })).toBe(0.5)
})

test('the load of a node is never above 1', () => {
  expect(loadOf({ ...idle, cpu: 3.5 })).toBe(1)
  expect(loadOf({ ...idle, eventLoopDelayMs: 20_000 })).toBe(1)
  expect(loadOf({ ...idle, latenessMs: 3_600_000 })).toBe(1)
  expect(loadOf({ ...idle, slotsInUse: 12 })).toBe(1)
})
