import { beforeEach, describe, expect, test } from 'vitest'
import { defineTask } from '../domain/define-task.js'
import { EvertickError, SessionExpiredError } from '../domain/errors.js'
import { trustedUntil, type Fence } from '../domain/lease.js'
import type { ClaimedRun, Dispatch } from '../store/contract.js'
import { ManualClock } from '../testing/manual-clock.js'
import { Dispatcher } from './dispatcher.js'
import { Session } from './session.js'
import { Slots } from './slots.js'

const LEASE_MS = 10_000
const task = defineTask({ name: 'task', run: () => {} })

let clock: ManualClock
let session: Session
let slots: Slots
let dispatcher: Dispatcher
let started: string[]
let released: string[]
let lost: number

beforeEach(() => {
  clock = new ManualClock()
  lost = 0
  session = new Session(clock, () => lost++)
  renew()
  slots = new Slots(2, new Map([['task', task]]))
  started = []
  released = []
  dispatcher = new Dispatcher({
    clock,
    node: 'a',
    groups: ['default'],
    slots,
    session,
    leaseMs: 10_000,
    start: (run) => {
      slots.take(run.task)
      started.push(run.runId)
    },
    release: (run) => released.push(run.runId),
  })
})

function renew(): void {
  session.trust.renew(trustedUntil(clock.monotonic(), LEASE_MS))
}

function claimed(runId: string): ClaimedRun {
  return {
    runId,
    fence: 1 as Fence,
    scheduleId: 'daily',
    kind: 'scheduled',
    fireTime: 0,
    task: 'task',
    attempt: 1,
    delivery: 'atLeastOnce',
    dueAt: 0,
    createdAt: 0,
    startedAt: 0,
    spec: null,
  }
}

/** What the next call offers the store. */
async function offered(): Promise<Dispatch | null> {
  let offer: Dispatch | null = null
  await dispatcher.dispatch(async (dispatch) => {
    offer = dispatch
    return { claimed: [] }
  })
  return offer
}

/** The clock has gone on, but no timer has fired yet: the process has only just woken up. */
function standStill(): void {
  clock.monotonic = () => LEASE_MS
}

const unavailable = new EvertickError('STORE_UNAVAILABLE', 'The answer was lost')

describe('what a node takes', () => {
  test('it starts', async () => {
    await dispatcher.dispatch(async () => ({ claimed: [claimed('one'), claimed('two')] }))
    expect([started, released]).toEqual([['one', 'two'], []])
  })

  test('is never more than its free slots, and nothing without one', async () => {
    await dispatcher.dispatch(async () => ({ claimed: [claimed('one')] }))
    expect(await offered()).toMatchObject({
      slots: 1,
      tasks: new Map([['task', { slots: 1, clusterLimit: null }]]),
    })
    await dispatcher.dispatch(async () => ({ claimed: [claimed('two')] }))
    expect(await offered()).toBeNull()
  })

  test('is asked for by one call at a time, so that no slot is promised twice', async () => {
    const order: string[] = []
    let answer!: () => void
    const first = dispatcher.dispatch(async (dispatch) => {
      order.push(`first ${dispatch?.slots}`)
      await new Promise<void>((resolve) => (answer = resolve))
      return { claimed: [claimed('one')] }
    })
    const second = dispatcher.dispatch(async (dispatch) => {
      order.push(`second ${dispatch?.slots}`)
      return { claimed: [] }
    })
    await clock.advance(0)
    expect(order).toEqual(['first 2'])
    answer()
    await Promise.all([first, second])
    expect(order).toEqual(['first 2', 'second 1'])
  })

  test('is nothing once its session is no longer to be trusted', async () => {
    await clock.advance(LEASE_MS)
    expect(await offered()).toBeNull()
    expect(lost).toBe(1)
  })

  test('is given back when the process stood still while the answer was on its way', async () => {
    await dispatcher.dispatch(async () => {
      standStill()
      return { claimed: [claimed('stale')] }
    })
    expect([started, released, lost]).toEqual([[], ['stale'], 1])
  })

  test('is given back when the session ended while the answer was on its way', async () => {
    await dispatcher.dispatch(async () => {
      session.lose(session.id)
      return { claimed: [claimed('stale')] }
    })
    expect([started, released]).toEqual([[], ['stale']])
  })

  test('is given back also when a new session has begun by then', async () => {
    await dispatcher.dispatch(async () => {
      session.lose(session.id)
      renew()
      return { claimed: [claimed('stale')] }
    })
    expect([started, released]).toEqual([[], ['stale']])
  })

  test('ends, when the first of several blocked the process for longer than its lease', async () => {
    const blocking = new Dispatcher({
      clock,
      node: 'a',
      groups: [],
      slots,
      session,
      leaseMs: 10_000,
      start: (run) => {
        started.push(run.runId)
        standStill()
      },
      release: (run) => released.push(run.runId),
    })
    await blocking.dispatch(async () => ({ claimed: [claimed('one'), claimed('two')] }))
    expect([started, released]).toEqual([['one'], ['two']])
  })
})

describe('a call whose answer was lost', () => {
  async function loseAnswer(): Promise<string> {
    let requestId = ''
    const call = dispatcher.dispatch(async (dispatch) => {
      requestId = dispatch!.requestId
      throw unavailable
    })
    await expect(call).rejects.toBe(unavailable)
    return requestId
  }

  test('is repeated under its request id until it is answered, and never again after that', async () => {
    const requestId = await loseAnswer()
    expect(await loseAnswer()).toBe(requestId)
    expect((await offered())!.requestId).toBe(requestId)
    expect((await offered())!.requestId).not.toBe(requestId)
  })

  test('is repeated even without a free slot, for what it took is taken', async () => {
    const requestId = await loseAnswer()
    slots.take('task')
    slots.take('task')
    expect(await offered()).toMatchObject({ requestId, slots: 0 })
  })

  test('is not repeated in a new session, which holds nothing of the old', async () => {
    const requestId = await loseAnswer()
    session.lose(session.id)
    renew()
    expect((await offered())!.requestId).not.toBe(requestId)
  })

  test('but one that was refused is not repeated', async () => {
    const refused = new EvertickError('REVISION_CONFLICT', 'No')
    let requestId = ''
    const call = dispatcher.dispatch(async (dispatch) => {
      requestId = dispatch!.requestId
      throw refused
    })
    await expect(call).rejects.toBe(refused)
    expect((await offered())!.requestId).not.toBe(requestId)
  })

  test('does not stop the next one', async () => {
    const failing = dispatcher.dispatch(async () => {
      throw new Error('any')
    })
    const next = dispatcher.dispatch(async () => ({ claimed: [claimed('one')] }))
    await expect(failing).rejects.toThrow('any')
    await next
    expect(started).toEqual(['one'])
  })
})

test('a session that the store does not know any more is given up', async () => {
  const { id } = session
  const call = dispatcher.dispatch(async () => {
    throw new SessionExpiredError(id)
  })
  await expect(call).rejects.toMatchObject({ code: 'SESSION_EXPIRED' })
  expect(lost).toBe(1)
  expect(session.id).not.toBe(id)
})

describe('closing', () => {
  test('waits for the call under way and gives back what it brings', async () => {
    let answer!: () => void
    const call = dispatcher.dispatch(async () => {
      await new Promise<void>((resolve) => (answer = resolve))
      return { claimed: [claimed('late')] }
    })
    await clock.advance(0)
    let closed = false
    const closing = dispatcher.close().then(() => (closed = true))
    await clock.advance(0)
    expect(closed).toBe(false)
    answer()
    await Promise.all([call, closing])
    expect([started, released]).toEqual([[], ['late']])
  })

  test('leaves nothing to be taken afterwards', async () => {
    await dispatcher.close()
    expect(await offered()).toBeNull()
  })
})
