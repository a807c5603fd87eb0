import type { Run } from '@evertick/core'
import { expect, test } from 'vitest'
import { examine, problemsOf, type Evidence } from './checker.js'
import type { LedgerLine } from './ledger.js'

const run = (fireTime: number, over: Partial<Run> = {}): Run =>
  ({
    id: `s@${fireTime}`,
    scheduleId: 's',
    fireTime,
    status: 'succeeded',
    fence: fireTime,
    error: null,
    ...over,
  }) as Run

const lines = (fireTime: number, over: Partial<LedgerLine> = {}): LedgerLine[] =>
  (['start', 'end', 'accepted'] as const).map((event) =>
    Object.assign(
      { event, node: 'a', run: `s@${fireTime}`, attempt: 1, fence: fireTime, at: fireTime + 5 },
      over,
    ),
  )

const good: Evidence = {
  schedules: ['s'],
  from: 1000,
  to: 3000,
  everyMs: 1000,
  runs: [run(1000), run(2000), run(3000)],
  ledger: [...lines(1000), ...lines(2000), ...lines(3000)],
}

test('finds nothing wrong with a timetable that was kept', () => {
  const findings = examine(good)
  expect(problemsOf(findings)).toEqual([])
  expect(findings).toMatchObject({ fireTimes: 3, attempts: 3, lateness: { p50: 5, p99: 5, max: 5 } })
})

test.each<[keyof ReturnType<typeof examine>, Partial<Evidence>]>([
  ['missing', { runs: [run(1000), run(3000)] }],
  ['doubled', { runs: [...good.runs, run(2000)] }],
  ['offGrid', { runs: [...good.runs, run(2500)] }],
  ['unsuccessful', { runs: [run(1000), run(2000, { status: 'missed' }), run(3000)] }],
  ['wrongStarts', { ledger: [...good.ledger, ...lines(2000, { event: 'start', node: 'b', fence: 9 })] }],
  ['wrongStarts', { ledger: [...good.ledger, ...lines(2000, { event: 'start', node: 'b', attempt: 2 })] }],
  ['wrongStarts', { ledger: lines(2000, { event: 'start', at: 1999 }) }],
  ['staleAccepted', { ledger: [...good.ledger, ...lines(2000, { event: 'accepted', fence: 9 })] }],
  ['staleAccepted', { runs: [run(1000), run(2000, { fence: 2001 }), run(3000)] }],
])('tells of %s', (kind, planted) => {
  const findings = examine({ ...good, ...planted })
  expect(findings[kind]).not.toEqual([])
})
