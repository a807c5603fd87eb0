import { expect, test } from 'vitest'
import { Effort, metered, Search } from './effort.js'

test('a search ends with what it finds, and with nothing after its own limit', () => {
  const effort = new Effort()
  effort.begin()
  let steps = 0
  expect(new Search(effort, 10).run(0, () => (++steps === 3 ? 'found' : undefined))).toBe('found')
  expect(new Search(effort, 10).run(0, () => void steps++)).toBeNull()
  expect(steps).toBe(13)
})

test('within one question nothing is looked for again beyond where nothing was found', () => {
  const effort = new Effort()
  const search = new Search(effort, 10)
  let steps = 0
  const ask = (from: number): null => search.run<never>(from, () => void steps++)
  effort.begin()
  ask(5)
  ask(5)
  ask(6)
  expect(steps).toBe(10)
  ask(4)
  expect(steps).toBe(20)
  effort.begin()
  ask(5)
  expect(steps).toBe(30)
})

test('searches within searches do not multiply, and each question begins with the whole effort', () => {
  const effort = new Effort()
  let steps = 0
  const inner = Array.from({ length: 100 }, () => new Search(effort, 10_000))
  const outer = new Search(effort, 10_000)
  const costly = (): null =>
    outer.run<never>(0, () => {
      for (const search of inner) search.run(0, () => void steps++)
      return undefined
    })
  const trigger = metered({ next: costly, previous: costly }, effort)
  expect(effort.isShared).toBe(true)
  expect(trigger.next(0)).toBeNull()
  const cost = steps
  expect(cost).toBeGreaterThan(10_000)
  expect(cost).toBeLessThanOrEqual(50_000)
  expect(trigger.previous(0)).toBeNull()
  expect(steps).toBe(2 * cost)
})
