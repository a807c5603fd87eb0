import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, isPlainObject } from './json.js'

/** The same value with the keys of its objects in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reordered(inner)]),
  )
}

test('equal values have equal canonical JSON, whatever the order of their keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value)
      expect(canonicalJson(reordered(value))).toBe(text)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: 500 },
  )
})

test('different values have different canonical JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 2 }), fc.jsonValue({ maxDepth: 2 }), (a, b) => {
      const [left, right] = [a, b].map((value) => JSON.parse(JSON.stringify(value)) as unknown)
      expect(canonicalJson(left) === canonicalJson(right)).toBe(isDeepStrictEqual(left, right))
    }),
  )
})

test('an absent field and one that is undefined are the same', () => {
  expect(canonicalJson({ b: undefined, a: 1 })).toBe(canonicalJson({ a: 1 }))
})

test.each([
  [{}, true],
  [Object.create(null), true],
  [[], false],
  [null, false],
  [new Date(0), false],
  [new Map(), false],
  ['{}', false],
])('a plain object is one made by braces or without a prototype', (value, is) => {
  expect(isPlainObject(value)).toBe(is)
})
