import { describe, expect, test } from 'vitest'
import type { NodeJson, StatsJson } from '../http/schemas/cluster.js'
import type { ScheduleJson } from '../http/schemas/schedule.js'
import { diagnose, type Check, type Findings } from './diagnose.js'

const NOW = '2026-05-01T12:00:00.000Z'

function node(name: string, changes: Partial<NodeJson> = {}): NodeJson {
  return {
    node: name,
    session: `session-of-${name}`,
    alive: true,
    leader: false,
    left: false,
    host: 'host',
    pid: 1,
    version: '1.2.3',
    tzdata: '2026a',
    groups: ['default'],
    tasks: [],
    slots: 1,
    slotsInUse: 0,
    eventLoopDelayMs: 0,
    cpu: 0,
    memoryBytes: 0,
    latenessMs: 0,
    load: 0,
    startedAt: NOW,
    lastBeatAt: NOW,
    leaseUntil: NOW,
    runsHeld: 0,
    heldRuns: [],
    ...changes,
  }
}

const stats: StatsJson = {
  now: NOW,
  node: 'a',
  store: { kind: 'memory', location: 'memory', durable: false, shared: false },
  schedules: { active: 3, paused: 0, finished: 0, broken: 0 },
  runs: { pending: 0, running: 0, retrying: 0 },
  tzdata: { '2026a': 3 },
  overdueMs: 0,
  unclaimed: {},
}

const healthy: Findings = {
  nodes: [node('a'), node('b'), node('old', { alive: false, left: true })],
  stats,
  broken: [],
  overdue: [],
  version: '1.2.3',
  clockAheadMs: 40,
}

/** What is not as it should be. */
function complaints(findings: Partial<Findings>): Check[] {
  return diagnose({ ...healthy, ...findings }).filter(({ status }) => status !== 'ok')
}

function only(findings: Partial<Findings>): Check {
  const found = complaints(findings)
  expect(found).toHaveLength(1)
  return found[0]!
}

test('where all is well, every check says so', () => {
  expect(complaints({})).toEqual([])
  expect(diagnose(healthy).map(({ name }) => name)).toEqual([
    'live nodes',
    'dead nodes',
    'versions',
    'time zone data',
    'stored fire times',
    'clocks',
    'overdue schedules',
    'broken schedules',
    'unclaimed tasks',
    'durability',
  ])
})

describe('nodes', () => {
  test('all gone are wrong while there is something to do', () => {
    expect(only({ nodes: [] })).toMatchObject({ name: 'live nodes', status: 'wrong' })
    const idle = { ...stats, schedules: { ...stats.schedules, active: 0 } }
    expect(only({ nodes: [], stats: idle })).toMatchObject({ name: 'live nodes', status: 'note' })
  })

  test('that died are named, unless they left or came back', () => {
    const dead = node('dead', { alive: false })
    expect(only({ nodes: [node('a'), dead] })).toMatchObject({
      name: 'dead nodes',
      status: 'wrong',
      message: expect.stringContaining(`dead (last heard of at ${NOW})`) as string,
    })
    expect(complaints({ nodes: [node('a'), dead, node('dead')] })).toEqual([])
  })

  test('of different releases are named by release', () => {
    const nodes = [node('a'), node('b', { version: '1.2.4' })]
    expect(only({ nodes })).toMatchObject({
      name: 'versions',
      status: 'wrong',
      message: expect.stringContaining('1.2.3: a; 1.2.4: b') as string,
    })
    expect(only({ version: '1.2.4' })).toMatchObject({ name: 'versions', status: 'note' })
  })

  test('with different time zone data are named by it', () => {
    const nodes = [
      node('a'),
      node('b', { tzdata: '2025b' }),
      node('c', { tzdata: '2024a', alive: false, left: true }),
    ]
    expect(only({ nodes })).toMatchObject({
      name: 'time zone data',
      status: 'wrong',
      message: expect.stringContaining('2025b: b; 2026a: a') as string,
    })
  })
})

test('stored fire times that no live node would compute so are counted', () => {
  expect(only({ stats: { ...stats, tzdata: { '2025b': 2, '2026a': 1 } } })).toMatchObject({
    name: 'stored fire times',
    status: 'note',
    message: expect.stringContaining('2 with 2025b') as string,
  })
})

test.each([
  [6000, 'ahead of'],
  [-6000, 'behind'],
])('a clock that is %i ms off is told', (clockAheadMs, where) => {
  expect(only({ clockAheadMs })).toMatchObject({
    name: 'clocks',
    status: 'wrong',
    message: expect.stringContaining(`6 s ${where}`) as string,
  })
})

describe('schedules', () => {
  const schedule = (id: string, changes: object): ScheduleJson => ({ id, ...changes }) as ScheduleJson

  test('that are overdue are named', () => {
    const overdue = Array.from({ length: 7 }, (_, i) => schedule(`late-${i}`, { dueAt: NOW }))
    const { status, message } = only({ stats: { ...stats, overdueMs: 90_000 }, overdue })
    expect(status).toBe('wrong')
    expect(message).toMatch(/by 90 s: late-0 \(due at .*late-4 .* and 2 more/)
    expect(complaints({ stats: { ...stats, overdueMs: 59_000 } })).toEqual([])
  })

  test('that are broken are named with the reason', () => {
    const { status, message } = only({
      stats: { ...stats, schedules: { ...stats.schedules, broken: 1 } },
      broken: [schedule('odd', { stateReason: 'NEVER_FIRES: no' })],
    })
    expect([status, message]).toEqual(['wrong', expect.stringContaining('1 schedule: odd (NEVER_FIRES: no)')])
  })

  test('whose task nobody knows are told by task', () => {
    expect(only({ stats: { ...stats, unclaimed: { mail: 3 } } })).toMatchObject({
      name: 'unclaimed tasks',
      status: 'wrong',
      message: expect.stringContaining('mail (3 runs wait)') as string,
    })
  })
})

test('a server that may lose what it acknowledged is told of, memory of one process is not', () => {
  const store = { kind: 'redis', location: 'redis://a', durable: false, shared: true }
  expect(only({ stats: { ...stats, store } })).toMatchObject({
    name: 'durability',
    status: 'note',
    message: expect.stringContaining('redis://a does not write all') as string,
  })
  expect(complaints({ stats: { ...stats, store: { ...store, durable: true } } })).toEqual([])
})
