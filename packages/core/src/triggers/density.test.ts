import { expect, test } from 'vitest'
import { cron } from './cron/index.js'
import { compileTrigger } from './registry.js'
import { densestGap } from './density.js'

const START = Date.UTC(2026, 0, 1)

test.each([
  ['* * * * * *', 1000],
  ['*/5 * * * *', 300_000],
  ['0,7 * * * *', 420_000],
  ['0 0 * * *', 86_400_000],
])('%s fires as often as every %i ms', (expression, expected) => {
  expect(densestGap(compileTrigger(cron(expression)), START, 10)).toBe(expected)
})

test('fewer than two fire times have nothing between them', () => {
  expect(densestGap(compileTrigger(cron('0 0 0 1 1 ? 2027')), START, 10)).toBeNull()
  expect(densestGap(compileTrigger(cron('0 0 0 1 1 ? 2020')), START, 10)).toBeNull()
  expect(densestGap(compileTrigger(cron('* * * * *')), START, 1)).toBeNull()
})
