import { assert, json, nat, property } from 'fast-check'
import { expect, test } from 'vitest'
import { jsonFaultAt } from './json-fault.js'

test.each([
  ['{"a": oops}', 6],
  ['{a: 1}', 1],
  ["{'a': 1}", 1],
  ['[1, 2,]', 6],
  ['{"a": 1,}', 8],
  ['{"a" 1}', 5],
  ['[1 2]', 3],
  ['{"a": 1} x', 9],
  ['[1}', 2],
  [']', 0],
  ['"a\nb"', 0],
  ['01', 1],
  ['{"a":', 5],
  ['[', 1],
  ['', 0],
])('%j stops being JSON at %i', (text, at) => {
  expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
  expect(jsonFaultAt(text)).toBe(at)
})

test('JSON has no fault before its end', () => {
  assert(
    property(json(), nat(4), (text, indent) => {
      const spaced = JSON.stringify(JSON.parse(text), null, indent)
      expect(jsonFaultAt(spaced)).toBe(spaced.length)
    }),
  )
})
