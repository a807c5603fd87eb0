import { expect, test } from 'vitest'
import type { Trigger } from '../domain/trigger.js'
import { fires, nextFire, previousFire } from './fires.js'
import { interval } from './interval.js'
import { compileTrigger } from './registry.js'

const hourly = compileTrigger(interval({ hours: 1 }))
const HOUR = 3_600_000

test('fire times lie strictly between the ends of the range', () => {
  expect([...fires(hourly, { after: 0, before: 3 * HOUR })]).toEqual([HOUR, 2 * HOUR])
  expect(nextFire(hourly, HOUR)).toBe(2 * HOUR)
  expect(previousFire(hourly, 2 * HOUR)).toBe(HOUR)
})

test('no more are given than were asked for', () => {
  expect([...fires(hourly, { after: 0, count: 2 })]).toEqual([HOUR, 2 * HOUR])
  expect([...fires(hourly, { after: 0, count: 0 })]).toEqual([])
})

test('a trigger that has an end gives what it has', () => {
  const ended: Trigger = { next: (after) => (after < 3 ? after + 1 : null), previous: () => null }
  expect([...fires(ended, { after: 0 })]).toEqual([1, 2, 3])
})

test('each is computed only when it is asked for', () => {
  let asked = 0
  const counted: Trigger = { next: (after) => (asked++, after + 1), previous: () => null }
  for (const at of fires(counted, { after: 0 })) if (at === 3) break
  expect(asked).toBe(3)
})
