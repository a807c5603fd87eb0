import { expect, test } from 'vitest'
import { HISTORY_RULE, parseHistory } from './history-text.js'

test.each([
  ['maxRuns=5', { maxRuns: 5 }],
  ['maxAge=1h30m', { maxAgeMs: 5_400_000 }],
  [
    'maxRuns=500, maxAge=30d, maxFailures=0, maxFailureAge=90d, maxSkipped=50',
    {
      maxRuns: 500,
      maxAgeMs: 2_592_000_000,
      maxFailures: 0,
      maxFailureAgeMs: 7_776_000_000,
      maxSkipped: 50,
    },
  ],
])('%s is understood', (text, history) => {
  expect(parseHistory(text)).toEqual(history)
})

test.each([
  '',
  'maxRuns',
  'maxRuns=',
  'maxRuns=0',
  'maxRuns=1.5',
  'maxRuns=2000000000',
  'maxRuns=5=6',
  'maxRuns=5,maxRuns=5',
  'maxRuns=5,',
  'maxAge=30',
  'maxAge=10ms',
  'maxAgeMs=30d',
  'toString=1',
])('%j is none', (text) => {
  expect(parseHistory(text)).toBeNull()
})

test('what an error message shows is understood', () => {
  const example = /maxRuns=\S+(?=,)/.exec(HISTORY_RULE)![0]
  expect(Object.keys(parseHistory(example)!).length).toBe(5)
})
