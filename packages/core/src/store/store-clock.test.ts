import { expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.js'
import { StoreClock } from './store-clock.js'

const START = Date.UTC(2026, 0, 1)

test('follows the wall clock, also when it jumps forward', async () => {
  const clock = new ManualClock(START)
  const store = new StoreClock(clock)
  await clock.advance(10)
  expect(store.now()).toBe(START + 10)
  clock.set(START + 300_000)
  expect(store.now()).toBe(START + 300_000)
})

test('goes on at half its speed after the wall clock was set back, until that has caught up', async () => {
  const clock = new ManualClock(START)
  const store = new StoreClock(clock)
  expect(store.now()).toBe(START)
  clock.set(START - 10_000)
  expect(store.now()).toBe(START)
  await clock.advance(4000)
  expect(store.now()).toBe(START + 2000)
  // 20 s after the jump, slowed time is 10 s on, and so is the wall clock; from then on they are one.
  await clock.advance(6000)
  // The wall clock is back where it was, but time has gone on.
  expect(clock.now()).toBe(START)
  expect(store.now()).toBe(START + 5000)
  await clock.advance(10_000)
  expect(store.now()).toBe(START + 10_000)
  await clock.advance(1000)
  expect(store.now()).toBe(START + 11_000)
})

test('never goes back, whatever the wall clock does', async () => {
  const clock = new ManualClock(START)
  const store = new StoreClock(clock)
  let last = store.now()
  for (const jump of [-1, -300_000, 5, 300_000, -299_999, 0, -7]) {
    clock.set(clock.now() + jump)
    for (let i = 0; i < 5; i++) {
      const now = store.now()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
      await clock.advance(333)
    }
  }
})
