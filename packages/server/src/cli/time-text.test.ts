import { expect, test } from 'vitest'
import { durationMs, durationText, parseDuration, relativeText } from './time-text.js'

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [3250, '3.2 s'],
  [9999, '9.9 s'],
  [59_999, '59 s'],
  [250_000, '4 min 10 s'],
  [3_600_000, '1 h'],
  [7_500_000, '2 h 5 min'],
  [273_600_000, '3 d 4 h'],
])('%i ms reads %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})

test.each([
  [0, 'now'],
  [499, 'now'],
  [-1000, '1 s ago'],
  [3000, 'in 3 s'],
  [59_700, 'in 1 min'],
  [-120_000, '2 min ago'],
  [7_200_000, 'in 2 h'],
  [-200_000_000, '2 d ago'],
])('%i ms from now reads %s', (ms, text) => {
  expect(relativeText(1_000_000_000_000 + ms, 1_000_000_000_000)).toBe(text)
})

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['5m', 300_000],
  ['5min', 300_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  ['1w', 604_800_000],
])('%s is %i ms', (text, ms) => {
  expect(durationMs(parseDuration(text)!)).toBe(ms)
})

test.each(['', '30', 's', '1.5h', '-5s', '1h 30m', '5m5m', '5 minutes', '9999999999s'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeNull()
  },
)
