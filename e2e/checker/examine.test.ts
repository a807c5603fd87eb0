import type { Run } from '@evertick/core'
import { expect, test } from 'vitest'
import type { AttemptLine, LedgerLine } from '../ledger.js'
import type { Entry } from '../timetable.js'
import type { Evidence, FaultRecord } from './evidence.js'
import { examine, problemsOf, type Findings } from './examine.js'

const LEASE_MS = 10_000

const entry = (id: string, over: Partial<Entry> = {}): Entry => ({
  id,
  everyMs: 1000,
  phaseMs: 0,
  bodyMs: 20,
  overlap: 'allow',
  delivery: 'atLeastOnce',
  ...over,
})

const run = (schedule: string, fireTime: number, over: Partial<Run> = {}): Run =>
  ({
    id: `${schedule}@${fireTime}`,
    scheduleId: schedule,
    fireTime,
    createdAt: fireTime,
    status: 'succeeded',
    fence: fireTime,
    error: null,
    attempts: [],
    ...over,
  }) as unknown as Run

const AT = { start: 5, end: 25, accepted: 26, refused: 26 }

const line = (
  event: AttemptLine['event'],
  schedule: string,
  fireTime: number,
  over: Partial<AttemptLine> = {},
): AttemptLine => ({
  event,
  node: 'a',
  run: `${schedule}@${fireTime}`,
  at: fireTime + AT[event],
  attempt: 1,
  fence: fireTime,
  version: 0,
  createdAt: fireTime,
  ...over,
})

/** An attempt that went well, 5 ms late. */
const attempt = (schedule: string, fireTime: number, over: Partial<AttemptLine> = {}): AttemptLine[] =>
  (['start', 'end', 'accepted'] as const).map((event) => line(event, schedule, fireTime, over))

const fault = (kind: string, from: number, to: number, over: Partial<FaultRecord> = {}): FaultRecord => ({
  kind,
  befalls: 'node',
  victim: 'a',
  cutsOff: true,
  from,
  to,
  ...over,
})

const TIMES = [1000, 2000, 3000]
const of = <Item>(make: (schedule: string, time: number) => Item[]): Item[] =>
  ['s', 'serial', 'once'].flatMap((schedule) => TIMES.flatMap((time) => make(schedule, time)))

/** Three schedules that kept their timetable. */
const good: Evidence = {
  entries: [entry('s'), entry('serial', { overlap: 'bufferAll' }), entry('once', { delivery: 'atMostOnce' })],
  from: 1000,
  to: 3000,
  leaseMs: LEASE_MS,
  renewMs: 3000,
  runs: of((schedule, time) => [run(schedule, time)]),
  ledger: of<LedgerLine>(attempt),
  faults: [],
  edits: [],
  deadlocks: 0,
}

const withoutRun = (id: string): Run[] => good.runs.filter((other) => other.id !== id)
const without = (id: string, ...events: string[]): LedgerLine[] =>
  good.ledger.filter((line) => !('run' in line && line.run === id && events.includes(line.event)))
const changed = (schedule: string, time: number, over: Partial<Run>): Run[] => [
  ...withoutRun(`${schedule}@${time}`),
  run(schedule, time, over),
]

test('finds nothing wrong with a timetable that was kept', () => {
  const findings = examine(good)
  expect(problemsOf(findings.broken)).toEqual([])
  expect(problemsOf(findings.slow)).toEqual([])
  expect(findings).toMatchObject({ fireTimes: 9, attempts: 9, interrupted: 0 })
  expect(findings.measures.latenessOutside).toEqual({ count: 6, p50: 5, p99: 5, max: 5 })
  expect(findings.measures.latenessInside.count).toBe(0)
})

type Kind = keyof Findings['broken'] | keyof Findings['slow']

test.each<[Kind, string, Partial<Evidence>]>([
  ['missing', 'no record', { runs: withoutRun('s@2000') }],
  ['doubled', 'two records', { runs: [...good.runs, run('s', 2000)] }],
  ['offGrid', 'a record between fire times', { runs: [...good.runs, run('s', 2500)] }],
  ['offGrid', 'a record of an unknown schedule', { runs: [...good.runs, run('other', 2000)] }],
  ['unsuccessful', 'missed', { runs: changed('s', 2000, { status: 'missed' }) }],
  ['unsuccessful', 'still open', { runs: changed('s', 2000, { status: 'running' }) }],
  ['unsuccessful', 'lost, though delivered at least once', { runs: changed('s', 2000, { status: 'lost' }) }],
  ['contradictory', 'success that no handler told', { ledger: without('s@2000', 'end', 'accepted') }],
  ['contradictory', 'success without a start', { ledger: without('s@2000', 'start', 'end', 'accepted') }],
  ['contradictory', 'a start without a record', { ledger: [...good.ledger, ...attempt('s', 4000)] }],
  [
    'doubleStarts',
    'an attempt twice',
    { ledger: [...good.ledger, line('start', 's', 2000, { node: 'b', fence: 9 })] },
  ],
  [
    'doubleStarts',
    'a fence twice',
    { ledger: [...good.ledger, line('start', 's', 2000, { node: 'b', attempt: 2 })] },
  ],
  [
    'doubleStarts',
    'again, though delivered at most once',
    { ledger: [...good.ledger, line('start', 'once', 2000, { attempt: 2, fence: 2001 })] },
  ],
  ['early', 'before its fire time', { ledger: [line('start', 's', 2000, { at: 1990 }), ...good.ledger] }],
  [
    'sideBySide',
    'the next began before the end',
    { ledger: [...without('serial@1000', 'end'), line('end', 'serial', 1000, { at: 2010 })] },
  ],
  ['outdated', 'created after the edit returned', { edits: [{ schedule: 's', version: 1, at: 1500 }] }],
  [
    'staleAccepted',
    'from two nodes',
    {
      ledger: [...good.ledger, ...attempt('s', 2000, { node: 'b', attempt: 2, fence: 2001 })],
      runs: changed('s', 2000, { fence: 2001 }),
    },
  ],
  ['staleAccepted', 'under an older fence', { runs: changed('s', 2000, { fence: 2001 }) }],
  ['deadlocks', 'one', { deadlocks: 1 }],
  [
    'lateFires',
    'another node started late while one was out',
    {
      ledger: [...without('s@2000', 'start'), line('start', 's', 2000, { at: 3100 })],
      faults: [fault('kill', 1500, 2500, { victim: 'b' })],
    },
  ],
  [
    'lateFires',
    'the record itself was late while a node was out',
    { runs: changed('s', 2000, { createdAt: 3100 }), faults: [fault('blackhole', 1500, 2500)] },
  ],
  [
    'slowTakeovers',
    'later than the lease and 1 s',
    {
      ledger: [
        ...without('s@2000', 'end', 'accepted'),
        line('start', 's', 2000, { node: 'b', attempt: 2, fence: 2001, at: 13_011 }),
      ],
      faults: [fault('kill', 2010, 20_000)],
    },
  ],
  [
    'slowTakeovers',
    'of a run whose body had not begun',
    {
      ledger: [
        ...without('s@2000', 'start', 'end', 'accepted'),
        line('start', 's', 2000, { node: 'b', attempt: 2, fence: 2001, at: 13_011 }),
      ],
      runs: changed('s', 2000, {
        attempts: [
          {
            attempt: 1,
            node: 'a',
            startedAt: 2000,
            endedAt: 13_000,
            error: { code: 'ABANDONED', message: '' },
          },
        ],
      }),
      faults: [fault('kill', 2010, 20_000)],
    },
  ],
  [
    'slowReturns',
    'nothing within 2 s',
    {
      to: 9000,
      faults: [fault('redis-kill', 500, 2500, { befalls: 'everything', victim: null })],
      ledger: attempt('s', 3000, { at: 4600 }),
    },
  ],
  [
    'falseFailovers',
    'during a short fault',
    {
      ledger: [...good.ledger, { event: 'sessionLost', node: 'a', at: 2000 }],
      faults: [fault('reset', 1500, 2500)],
    },
  ],
  [
    'falseFailovers',
    'on another node than the victim',
    {
      ledger: [...good.ledger, { event: 'sessionLost', node: 'b', at: 2000 }],
      faults: [fault('blackhole', 1500, 25_000)],
    },
  ],
])('tells of %s: %s', (kind, _, planted) => {
  const { broken, slow } = examine({ ...good, ...planted })
  expect({ ...broken, ...slow }[kind]).not.toEqual([])
})

test.each<[string, Partial<Evidence>]>([
  ['lost, delivered at most once', { runs: changed('once', 2000, { status: 'lost' }) }],
  ['created before the edit returned', { edits: [{ schedule: 's', version: 1, at: 4000 }] }],
  [
    'refused, and run again',
    {
      ledger: [
        ...without('s@2000', 'accepted'),
        line('refused', 's', 2000),
        ...attempt('s', 2000, { node: 'b', attempt: 2, fence: 2001 }),
      ],
      runs: changed('s', 2000, { fence: 2001 }),
    },
  ],
  [
    'late because of its own node',
    {
      ledger: [...without('s@2000', 'start', 'end', 'accepted'), ...attempt('s', 2000, { at: 3100 })],
      faults: [fault('freeze', 1500, 2500)],
    },
  ],
  [
    'a session lost in a fault longer than the lease',
    {
      ledger: [...good.ledger, { event: 'sessionLost', node: 'a', at: 20_000 }],
      faults: [fault('blackhole', 1500, 15_000)],
    },
  ],
])('does not complain: %s', (_, given) => {
  const { broken, slow } = examine({ ...good, ...given })
  expect([...problemsOf(broken), ...problemsOf(slow)]).toEqual([])
})

test('measures takeovers from the fault to the next start', () => {
  const { measures, slow } = examine({
    ...good,
    ledger: [
      ...without('s@2000', 'end', 'accepted'),
      ...attempt('s', 2000, { node: 'b', attempt: 2, fence: 2001, at: 11_010 }),
    ],
    runs: changed('s', 2000, { fence: 2001 }),
    faults: [fault('kill', 2010, 20_000)],
  })
  expect(measures.takeover).toEqual({ count: 1, p50: 9000, p99: 9000, max: 9000 })
  expect(slow.slowTakeovers).toEqual([])
})

test('tells lateness within faults and their aftermath from that without', () => {
  const { measures } = examine({ ...good, faults: [fault('kill', 900, 1500)] })
  expect(measures.latenessInside.count).toBe(4)
  expect(measures.latenessOutside.count).toBe(2)
})
