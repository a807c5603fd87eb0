import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../domain/logger.js'
import { LEASE_DEFAULTS } from '../domain/lease.js'
import { Session } from '../engine/session.js'
import type { HeartbeatAnswer } from '../store/contract.js'
import { ManualClock } from '../testing/manual-clock.js'
import { KeepAliveThread } from './keep-alive-thread.js'
import type { ToThread } from './messages.js'

// The thread's program is replaced, to see what reaches it and what it may do; e2e/heartbeat.test.ts has the real one.
const program = (body: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort as port } from 'node:worker_threads'; ${body}`)}`,
  )

let clock: ManualClock
let session: Session
let thread: KeepAliveThread
let answered: unknown[]
let complaints: { fields: { err?: Error }; message: string }[]
let listeners: (() => void)[]

beforeEach(() => {
  clock = new ManualClock()
  session = new Session(clock, () => {})
  answered = []
  complaints = []
  listeners = []
})

afterEach(async () => {
  const stopping = thread.stop()
  await clock.advance(5000)
  await stopping
})

const tell = (): void => {
  for (const listener of listeners.splice(0)) listener()
}

function start(file: URL): void {
  const complain = (fields: object, message: string): void => {
    complaints.push({ fields, message })
    tell()
  }
  thread = new KeepAliveThread(file, 'sqlite:/nowhere', {
    clock,
    random: () => 0.5,
    log: { ...silentLogger, error: complain },
    timing: LEASE_DEFAULTS,
    session,
    describe: () => ({
      node: 'a',
      host: 'host.example',
      pid: 1,
      version: '1.2.3',
      tzdata: '2026a',
      groups: ['default'],
      tasks: ['task'],
      slots: 1,
      slotsInUse: 0,
      eventLoopDelayMs: 0,
      cpu: 0,
      memoryBytes: 1,
      latenessMs: 0,
      load: 0,
    }),
    answered: (answer) => {
      answered.push(answer)
      tell()
    },
    expired: (id) => {
      session.lose(id)
      thread.wake()
    },
  })
  thread.start()
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => listeners.push(resolve))
}

/** Sends back all that it is told, in place of an answer. */
const ECHO = program(
  `port.on('message', (told) => port.postMessage({ kind: 'answered', session: told.session, answer: told }))`,
)

const echoed = (index: number): ToThread => answered[index] as HeartbeatAnswer & ToThread

test('the thread is told of the session and the node for each heartbeat, at once and when woken', async () => {
  start(ECHO)
  const told = { kind: 'node', session: session.id, node: { tasks: ['task'] } }
  await until(() => answered.length === 1)
  await clock.advance(LEASE_DEFAULTS.renewMs)
  await until(() => answered.length === 2)
  thread.wake()
  await until(() => answered.length === 3)
  expect([echoed(0), echoed(1), echoed(2)]).toMatchObject([told, told, told])
})

test('this thread gives signs of life in between', async () => {
  start(ECHO)
  await until(() => answered.length === 1)
  await clock.advance(2900)
  expect(answered).toHaveLength(1)
  expect(session.trust.silentMs(clock.monotonic())).toBeLessThanOrEqual(500)
})

test('the thread keeps no process alive', () => {
  const ports = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length
  const before = ports()
  start(ECHO)
  expect(ports()).toBe(before)
})

test('trust lies in memory that both threads share', async () => {
  start(
    program(`port.on('message', ({ session, trust }) => {
      new BigInt64Array(trust)[0] = 9_000_000n
      port.postMessage({ kind: 'answered', session, answer: null })
    })`),
  )
  expect(session.isTrusted()).toBe(false)
  await until(() => answered.length === 1)
  expect(session.isTrusted()).toBe(true)
})

test('a session that the thread finds expired is followed by a new one, which it is told of', async () => {
  const first = session.id
  start(
    program(`port.on('message', ({ session }) => port.postMessage(session === '${first}'
      ? { kind: 'expired', session }
      : { kind: 'answered', session, answer: session }))`),
  )
  await until(() => answered.length > 0)
  expect(answered[0]).toBe(session.id)
  expect(session.id).not.toBe(first)
})

test('an answer that was on its way while its session was lost counts for nothing', async () => {
  start(
    program(`port.on('message', ({ session }) => {
      port.postMessage({ kind: 'answered', session: 'lost', answer: 'lost' })
      port.postMessage({ kind: 'answered', session, answer: session })
    })`),
  )
  await until(() => answered.length > 0)
  expect(answered[0]).toBe(session.id)
})

test('a thread that dies is started again, after a pause, and told all anew; what it died of is logged', async () => {
  // Where it says that it lives, it is in its second life.
  start(
    program(`port.on('message', ({ session, trust }) => {
      const cell = new BigInt64Array(trust)
      if (cell[0] === 0n) { cell[0] = 9_000_000n; throw new Error('out of order') }
      port.postMessage({ kind: 'answered', session, answer: session })
    })`),
  )
  await until(() => complaints.length === 1)
  expect(complaints[0]!.fields.err).toMatchObject({ message: 'out of order' })
  expect(answered).toEqual([])
  await clock.advance(50)
  await until(() => answered.length > 0)
  expect(answered[0]).toBe(session.id)
})

test('what the thread logs is logged here, errors with their code', async () => {
  start(
    program(`port.once('message', () => port.postMessage({ kind: 'log', level: 'error', message: 'A step failed',
      fields: { tries: 2, err: { name: 'EvertickError', message: 'away', code: 'STORE_UNAVAILABLE' } } }))`),
  )
  await until(() => complaints.length === 1)
  expect(complaints[0]).toMatchObject({
    message: 'A step failed',
    fields: { tries: 2, err: { code: 'STORE_UNAVAILABLE' } },
  })
  expect(complaints[0]!.fields.err).toBeInstanceOf(Error)
})

test('a thread that does not heed being stopped is ended', async () => {
  start(
    program(
      `port.on('message', ({ session }) => { port.postMessage({ kind: 'answered', session, answer: null }); while (true); })`,
    ),
  )
  await until(() => answered.length === 1)
  const stopping = thread.stop()
  await clock.advance(5000)
  await stopping
})
