import type { Run, Schedule } from '@evertick/core'
import { beforeEach, expect, test } from 'vitest'

interface Start {
  readonly run: string
  readonly attempt: number
  readonly fence: number
  readonly at: number
}

interface Audit {
  readonly problems: readonly { readonly kind: string; readonly text: string }[]
  readonly counts: Readonly<Record<'fireTimes' | 'accounted' | 'taken' | 'again' | 'failed', number>>
  readonly waiting: number
  expect(now: number): void
  close(now: number): void
  started(start: Start): boolean
  toAsk(now: number): string[]
  recorded(records: ReadonlyMap<string, Run | null>): void
  giveUp(): void
}

const { Audit } = (await import(new URL('../scripts/demo/cluster/audit.mjs', import.meta.url).href)) as {
  readonly Audit: new (schedules: readonly Partial<Schedule>[]) => Audit
}

const every = { kind: 'interval', every: { seconds: 1 } }
const ABANDONED = { code: 'ABANDONED', message: 'Node node-1 died or lost its lease' }

let audit: Audit

beforeEach(() => {
  audit = new Audit([
    {
      id: 's',
      definition: { id: 's', task: 'beat', trigger: every },
      nextFireTime: 1000,
    },
  ])
  audit.expect(3000)
})

function start(fireTime: number, over: Partial<Start> = {}): void {
  audit.started({ run: `s@${fireTime}`, attempt: 1, fence: fireTime, at: fireTime + 5, ...over })
}

function record(fireTime: number, over: Partial<Run> = {}): void {
  const run = {
    status: 'succeeded',
    attempt: 1,
    fence: fireTime,
    attempts: [],
    error: null,
    ...over,
  } as unknown
  audit.recorded(new Map([[`s@${fireTime}`, run as Run]]))
}

function kinds(): string[] {
  return audit.problems.map(({ kind }) => kind)
}

test('finds nothing wrong with a timetable that was kept', () => {
  expect(audit.toAsk(10_000)).toEqual(['s@1000', 's@2000', 's@3000'])
  for (const fireTime of [1000, 2000, 3000]) {
    start(fireTime)
    record(fireTime)
  }
  audit.giveUp()
  expect(kinds()).toEqual([])
  expect(audit.counts).toMatchObject({ fireTimes: 3, accounted: 3, taken: 0, again: 0 })
})

test('takes attempts that the record knows for what they are', () => {
  start(1000)
  start(1000, { attempt: 2, fence: 1001 })
  start(1000, { attempt: 3, fence: 1002 })
  const attempts = [
    { attempt: 1, error: ABANDONED },
    { attempt: 2, error: { code: 'INTERNAL', message: 'hung up' } },
  ] as unknown as Run['attempts']
  record(1000, { attempt: 3, fence: 1002, attempts })
  expect(kinds()).toEqual([])
  expect(audit.counts).toMatchObject({ taken: 1, again: 1 })
})

test('waits for what is open, or only not there yet', () => {
  record(1000, { status: 'running' })
  audit.recorded(
    new Map<string, Run | null>([
      ['s@2000', null],
      ['s@3000', null],
    ]),
  )
  expect(kinds()).toEqual([])
  expect(audit.waiting).toBe(3)
})

test('tells of a fire time without a record, once a later one has one', () => {
  start(3000)
  record(3000)
  audit.recorded(new Map([['s@2000', null]]))
  expect(kinds()).toEqual(['missed'])
})

test('tells of a fire time that did not come to its end', () => {
  audit.giveUp()
  expect(kinds()).toEqual(['missed', 'missed', 'missed'])
})

test.each(['missed', 'skipped', 'lost', 'cancelled'] as const)('tells of a record that is %s', (status) => {
  record(1000, { status })
  expect(kinds()).toEqual(['missed'])
})

test('tells of success where nothing ran', () => {
  record(1000)
  expect(kinds()).toEqual(['missed'])
})

test.each<[string, Partial<Start>]>([
  ['the same attempt', { fence: 1001 }],
  ['the same fence', { attempt: 2 }],
  ['an attempt that the record does not know', { attempt: 3, fence: 1003 }],
])('tells of a handler that began twice: %s', (_name, over) => {
  start(1000)
  start(1000, over)
  record(1000, {
    attempt: 2,
    fence: 1000,
    attempts: [{ attempt: 1, error: ABANDONED }] as unknown as Run['attempts'],
  })
  expect(kinds()).toContain('twice')
})

test('tells of a handler that began under another fence than is recorded', () => {
  start(1000, { fence: 999 })
  record(1000)
  expect(kinds()).toEqual(['twice'])
})

test('tells of a handler that begins after its run had ended', () => {
  start(1000)
  record(1000)
  start(1000, { attempt: 2, fence: 1001 })
  expect(kinds()).toEqual(['twice'])
})

test('tells of a handler that began before its time', () => {
  start(1000, { at: 999 })
  expect(kinds()).toEqual(['early'])
})

test('looks at nothing that falls due after its end, nor at what was asked for by hand', () => {
  audit.close(3000)
  start(4000)
  start(4000)
  audit.started({ run: 's@1500.by-hand', attempt: 1, fence: 1, at: 1500 })
  expect(audit.counts.fireTimes).toBe(3)
  expect(kinds()).toEqual([])
})
