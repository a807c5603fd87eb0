import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.js'
import { NodeLoad } from './node-load.js'

const FULL = { slots: 10, slotsInUse: 10, latenessMs: 0 }

let clock: ManualClock
let load: NodeLoad

beforeEach(() => {
  clock = new ManualClock()
  load = new NodeLoad(clock)
})

afterEach(() => load.stop())

test('a node that has just begun tells of no load: what it took to begin is none', () => {
  expect(load.sample(FULL)).toMatchObject({ ...FULL, load: 0, cpu: 0, eventLoopDelayMs: 0 })
})

test('load that stays is told in full after a few heartbeats, and a short peak is not', async () => {
  const told: number[] = []
  for (let beat = 0; beat < 4; beat++) {
    await clock.advance(3000)
    told.push(load.sample(FULL).load)
  }
  expect(told).toEqual([0.5, 0.75, 0.875, 0.938])
})

test('a heartbeat that is hurried does not count twice, and what it tells is not lost', async () => {
  await clock.advance(3000)
  expect(load.sample(FULL).load).toBe(0.5)
  await clock.advance(10)
  expect(load.sample({ ...FULL, latenessMs: 700 })).toMatchObject({ load: 0.5, latenessMs: 0 })
  await clock.advance(3000)
  expect(load.sample({ ...FULL, latenessMs: 20 })).toMatchObject({ load: 0.75, latenessMs: 700 })
})
