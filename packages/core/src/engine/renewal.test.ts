import { beforeEach, describe, expect, test } from 'vitest'
import type { SessionId } from '../domain/ids.js'
import { silentLogger } from '../domain/logger.js'
import { MemoryStore } from '../stores/memory/index.js'
import type { NodeRecord } from '../store/contract.js'
import { ManualClock } from '../testing/manual-clock.js'
import { Renewal } from './renewal.js'
import { Trust } from './trust.js'

const timing = { leaseMs: 10_000, renewMs: 3000, maxBlockMs: 20_000 }
const node = {
  node: 'a',
  host: 'host.example',
  pid: 1,
  version: '1.2.3',
  tzdata: '2026a',
  groups: ['default'],
  tasks: [],
  slots: 1,
  slotsInUse: 0,
  eventLoopDelayMs: 7,
  cpu: 0,
  memoryBytes: 1,
  latenessMs: 0,
  load: 0,
}

let clock: ManualClock
let store: MemoryStore
let session: SessionId
let trust: Trust
let answered: SessionId[]
let expired: SessionId[]
let complaints: string[]
let renewal: Renewal

beforeEach(() => {
  clock = new ManualClock()
  store = new MemoryStore({ clock })
  session = 'first'
  trust = new Trust()
  answered = []
  expired = []
  complaints = []
  renewal = new Renewal({
    store,
    clock,
    log: { ...silentLogger, error: (_, message) => complaints.push(message) },
    timing,
    sleepMs: timing.renewMs,
    current: () => ({ session, trust, node }),
    answered: (id) => answered.push(id),
    expired: (id) => expired.push(id),
  })
})

async function listed(): Promise<NodeRecord> {
  return (await store.listNodes())[0]!
}

/** Beats as a loop would, for so long. */
async function beatFor(ms: number): Promise<void> {
  const end = clock.monotonic() + ms
  while (clock.monotonic() < end) {
    const sleepMs = await renewal.step()
    await clock.advance(Math.min(sleepMs, end - clock.monotonic()))
  }
}

test('each beat renews the session, and trust is counted from when it was sent', async () => {
  trust.hear(0)
  expect(await renewal.step()).toBe(timing.renewMs)
  expect(trust.leftMs(0)).toBe(9000)
  await clock.advance(3000)
  await renewal.step()
  expect(trust.leftMs(3000)).toBe(9000)
  expect(answered).toEqual(['first', 'first'])
})

describe('a main thread that is silent', () => {
  test('is renewed for as long as handlers may block, then let die', async () => {
    trust.hear(0)
    await beatFor(60_000)
    const { alive, lastBeatAt, startedAt } = await listed()
    expect(alive).toBe(false)
    expect(lastBeatAt - startedAt).toBeGreaterThan(timing.maxBlockMs - timing.renewMs)
    expect(lastBeatAt - startedAt).toBeLessThanOrEqual(timing.maxBlockMs)
    expect(complaints).toEqual([expect.stringContaining('makes no progress')])
    expect(expired.at(-1)).toBe('first')
  })

  test('is renewed again when it is heard while its session lives', async () => {
    trust.hear(0)
    await beatFor(timing.maxBlockMs + 5000)
    expect((await listed()).alive).toBe(true)
    trust.hear(clock.monotonic())
    await beatFor(8000)
    expect((await listed()).alive).toBe(true)
    expect(expired).toEqual([])
  })

  test('is told of as the delay of its event loop and as load, once two signs of life are missing', async () => {
    trust.hear(0)
    await clock.advance(900)
    await renewal.step()
    expect(await listed()).toMatchObject({ ...node, eventLoopDelayMs: 7, load: 0 })
    await clock.advance(3600)
    await renewal.step()
    expect(await listed()).toMatchObject({ eventLoopDelayMs: 4500, load: 0.5 })
    await clock.advance(3000)
    await renewal.step()
    expect(await listed()).toMatchObject({ eventLoopDelayMs: 7500, load: 0.75 })
    trust.hear(clock.monotonic())
    await renewal.step()
    expect(await listed()).toMatchObject({ ...node, eventLoopDelayMs: 7, load: 0 })
  })
})

test('a session whose trust has run out is not brought back, though the store would still renew it', async () => {
  trust.hear(0)
  await renewal.step()
  await clock.advance(9500)
  trust.hear(clock.monotonic())
  expect((await listed()).alive).toBe(true)
  expect(await renewal.step()).toBe(Infinity)
  expect(expired).toEqual(['first'])
  expect(trust.renew(100_000)).toBe(false)
  expect((await listed()).lastBeatAt).toBe((await listed()).startedAt)
})

test('an answer that comes after the session was given up renews nothing', async () => {
  trust.hear(0)
  const step = renewal.step()
  trust.giveUp()
  await step
  expect(answered).toEqual([])
  expect(trust.leftMs(0)).toBe(0)
})

test('a session that the store has forgotten is given up; the next one is renewed', async () => {
  trust.hear(0)
  await renewal.step()
  await store.leave('first')
  expect(await renewal.step()).toBe(Infinity)
  expect(expired).toEqual(['first'])
  expect(trust.leftMs(0)).toBe(0)
  session = 'second'
  trust = new Trust()
  trust.hear(0)
  await renewal.step()
  expect(answered).toEqual(['first', 'second'])
})
