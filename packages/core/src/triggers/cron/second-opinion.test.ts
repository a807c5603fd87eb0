import { CronExpressionParser } from 'cron-parser'
import { Cron } from 'croner'
import { describe, expect, test } from 'vitest'
import type { EpochMs } from '../../domain/clock.js'
import { wallTime, zoneOf } from '../zone.js'
import { cron } from './index.js'
import { compileTrigger } from '../registry.js'

// The others take up to milliseconds for each near a change of the clocks.
const COUNT = 24

/** The first fire times after an instant; or, from a library that gives up, the words with which it did. */
type Opinion = (expression: string, timezone: string, after: EpochMs) => EpochMs[] | string

const evertick: Opinion = (expression, timezone, after) => {
  const trigger = compileTrigger(cron(expression, { timezone }))
  return collect((last) => trigger.next(last), after)
}

const OPINIONS: Readonly<Record<string, Opinion>> = {
  croner: (expression, timezone, after) => {
    const job = new Cron(expression, { timezone, paused: true })
    return collect((last) => job.nextRun(new Date(last))?.getTime() ?? null, after)
  },
  'cron-parser': (expression, timezone, after) => {
    const dates = CronExpressionParser.parse(expression, { tz: timezone, currentDate: new Date(after) })
    try {
      return collect(() => dates.next().getTime(), after)
    } catch (error) {
      return (error as Error).message
    }
  },
}

function collect(next: (last: EpochMs) => EpochMs | null, after: EpochMs): EpochMs[] {
  const found: EpochMs[] = []
  for (let at = next(after); at !== null && found.length < COUNT; at = next(at)) found.push(at)
  return found
}

/** The first place at which an opinion differs from ours, in words; `null` when there is none. */
function differenceOf(opinion: Opinion, expression: string, zone: string, from: string): string | null {
  const ours = evertick(expression, zone, Date.parse(from)) as EpochMs[]
  const theirs = opinion(expression, zone, Date.parse(from))
  if (typeof theirs === 'string') return theirs
  const text = (at: EpochMs | undefined): string => (at === undefined ? 'none' : wallTime(at, zoneOf(zone)))
  const i = ours.findIndex((at, index) => theirs[index] !== at)
  return i === -1 ? null : `${text(ours[i])}, theirs ${text(theirs[i])}`
}

// What all three can read.
const EXPRESSIONS = [
  '*/5 * * * *',
  '*/20 0-4 * * *',
  '*/15 2 * * *',
  '30 * * * *',
  '30 2 * * *',
  '15 2,3 * * *',
  '0 0 * * *',
  '0 9 * * MON-FRI',
  '0 0 1 * *',
  '0 0 L * *',
  '0 12 * * 5L',
  '0 12 * * MON#2',
  '0 0 13 * FRI',
  '0 0 */2 * MON',
  '0 0 29 2 *',
  '0 0 31 * 7',
]

const PLACES = [
  ['UTC', '2026-01-10T00:00:00Z'],
  ['Europe/Berlin', '2026-03-28T12:00:00Z'],
  ['Europe/Berlin', '2026-10-24T12:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T00:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T00:00:00Z'],
  ['America/Sao_Paulo', '2018-11-03T12:00:00Z'],
  ['Pacific/Apia', '2011-12-28T12:00:00Z'],
] as const

/** Where they differ, ours first, by the reason. Everything that is not here is the same. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  'croner moves a single time from a gap to its end (here: gap "after"), we by the length of the gap, as RFC 5545':
    ['croner: 30 2 * * * in Europe/Berlin: 2026-03-29T03:30:00+02:00, theirs 2026-03-29T03:00:00+02:00'],
  'croner takes a list of hours for an interval, which skips gaps and repeats overlaps; we, for fixed times':
    [
      'croner: 15 2,3 * * * in Europe/Berlin: 2026-10-25T03:15:00+01:00, theirs 2026-10-25T02:15:00+01:00',
      'croner: 15 2,3 * * * in Australia/Lord_Howe: 2026-10-04T02:45:00+11:00, theirs 2026-10-04T03:15:00+11:00',
    ],
  'cron-parser leaves out the second pass where hours are named, though minutes are open': [
    'cron-parser: */20 0-4 * * * in Europe/Berlin: 2026-10-25T02:00:00+01:00, theirs 2026-10-25T03:00:00+01:00',
    'cron-parser: */15 2 * * * in Europe/Berlin: 2026-10-25T02:00:00+01:00, theirs 2026-10-26T02:00:00+01:00',
  ],
  'cron-parser fires once after a gap for open minutes in it; for us those times do not exist': [
    'cron-parser: */15 2 * * * in Europe/Berlin: 2026-03-30T02:00:00+02:00, theirs 2026-03-29T03:00:00+02:00',
  ],
  'cron-parser expects changes of whole hours: half an hour makes it miss fire times, or give up': [
    'cron-parser: */20 0-4 * * * in Australia/Lord_Howe: 2026-04-05T01:40:00+10:30, theirs 2026-04-05T02:00:00+10:30',
    'cron-parser: */20 0-4 * * * in Australia/Lord_Howe: 2026-10-04T02:40:00+11:00, theirs 2026-10-04T03:00:00+11:00',
    'cron-parser: */15 2 * * * in Australia/Lord_Howe: Invalid expression, loop limit exceeded',
    'cron-parser: 30 * * * * in Australia/Lord_Howe: 2026-04-05T01:30:00+10:30, theirs 2026-04-05T02:30:00+10:30',
    'cron-parser: 30 * * * * in Australia/Lord_Howe: 2026-10-04T02:30:00+11:00, theirs 2026-10-04T03:30:00+11:00',
    'cron-parser: 15 2,3 * * * in Australia/Lord_Howe: Invalid expression, loop limit exceeded',
    'cron-parser: 15 2,3 * * * in Australia/Lord_Howe: 2026-10-04T02:45:00+11:00, theirs 2026-10-04T03:15:00+11:00',
  ],
}

describe('croner and cron-parser say the same', () => {
  test('except where the reason is known', () => {
    const found: string[] = []
    for (const [library, opinion] of Object.entries(OPINIONS)) {
      for (const expression of EXPRESSIONS) {
        for (const [zone, from] of PLACES) {
          const difference = differenceOf(opinion, expression, zone, from)
          if (difference !== null) found.push(`${library}: ${expression} in ${zone}: ${difference}`)
        }
      }
    }
    expect(found.toSorted()).toEqual(Object.values(KNOWN).flat().toSorted())
  }, 300_000)

  test.each([
    '0 0 15W * *',
    '0 0 1W * *',
    '0 0 31W * *',
    '0 0 LW * *',
    '0 0 1-7 * +MON',
    '0 0 0 29 2 * 2030-2090',
  ])('croner of %s, which cron-parser cannot read', (expression) => {
    expect(differenceOf(OPINIONS['croner']!, expression, 'Europe/Berlin', '2026-01-01T00:00:00Z')).toBeNull()
  })
})
