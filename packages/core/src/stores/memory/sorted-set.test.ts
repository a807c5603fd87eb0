import { array, assert, boolean, integer, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SortedSet } from './sorted-set.js'

const byValue = (a: number, b: number): number => a - b
// Few values and many steps, so that deletions hit; enough of them to split chunks.
const steps = array(record({ add: boolean(), value: integer({ min: 0, max: 3000 }) }), {
  minLength: 500,
  maxLength: 5000,
  size: 'max',
})

describe('SortedSet', () => {
  test('it is a sorted list without repeats, whatever is added and deleted', () => {
    assert(
      property(steps, integer({ min: -1, max: 3001 }), (script, bound) => {
        const set = new SortedSet(byValue)
        const model = new Set<number>()
        for (const { add, value } of script) {
          if (add) {
            set.add(value)
            model.add(value)
          } else {
            expect(set.delete(value)).toBe(model.delete(value))
          }
        }
        const sorted = [...model].toSorted(byValue)
        expect(set.size).toBe(sorted.length)
        expect([set.first(), set.last()]).toEqual([sorted[0], sorted.at(-1)])
        expect([...set.ascending()]).toEqual(sorted)
        expect([...set.descending()]).toEqual(sorted.toReversed())
        expect([...set.ascending((value) => value > bound)]).toEqual(sorted.filter((value) => value > bound))
        expect([...set.descending((value) => value >= bound)]).toEqual(
          sorted.filter((value) => value < bound).toReversed(),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('many items in falling, rising and mixed order stay in order', () => {
    for (const order of [(i: number) => i, (i: number) => 20_000 - i, (i: number) => (i * 7919) % 20_011]) {
      const set = new SortedSet(byValue)
      const values = Array.from({ length: 20_000 }, (_, i) => order(i))
      for (const value of values) set.add(value)
      expect([...set.ascending()]).toEqual([...new Set(values)].toSorted(byValue))
      for (const value of values) expect(set.delete(value)).toBe(true)
      expect([set.size, set.first(), set.last()]).toEqual([0, undefined, undefined])
    }
  })

  test('an empty set has nothing to show or to delete', () => {
    const set = new SortedSet(byValue)
    expect([...set.ascending(), ...set.descending()]).toEqual([])
    expect(set.delete(1)).toBe(false)
  })
})
