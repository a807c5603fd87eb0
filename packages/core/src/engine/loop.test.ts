import { beforeEach, expect, test } from 'vitest'
import type { Logger } from '../domain/logger.js'
import { ManualClock } from '../testing/manual-clock.js'
import { Loop, type NotTried } from './loop.js'

let clock: ManualClock
let steps: number[]
let next: () => Promise<number | NotTried>
let errors: object[]
let told: string[]
let loop: Loop

beforeEach(() => {
  clock = new ManualClock()
  steps = []
  errors = []
  told = []
  next = async () => Infinity
  const log: Logger = {
    debug() {},
    info: (_, message) => void told.push(message),
    warn() {},
    error: (fields) => void errors.push(fields),
  }
  loop = new Loop({
    name: 'test',
    clock,
    random: () => 1,
    log,
    step: () => {
      steps.push(clock.monotonic())
      return next()
    },
  })
})

test('a loop sleeps for as long as its step says', async () => {
  next = async () => 100
  loop.start()
  await clock.advance(350)
  expect(steps).toEqual([0, 100, 200, 300])
  await loop.stop()
})

test('a loop that sleeps until woken does so, and a wake during a step is not lost', async () => {
  let finish!: () => void
  loop.start()
  await clock.advance(1_000_000)
  expect(steps).toHaveLength(1)
  next = () => new Promise((resolve) => (finish = () => resolve(Infinity)))
  loop.wake()
  await clock.advance(0)
  expect(steps).toHaveLength(2)
  loop.wake()
  finish()
  await clock.advance(0)
  expect(steps).toHaveLength(3)
  finish()
  await loop.stop()
})

test('a step that fails is repeated after growing pauses, up to five seconds, and is told of', async () => {
  next = () => Promise.reject(new Error('broken'))
  loop.start()
  await clock.advance(25_000)
  expect(steps.slice(0, 10)).toEqual([0, 50, 150, 350, 750, 1550, 3150, 6350, 11_350, 16_350])
  expect(errors[0]).toMatchObject({ loop: 'test', failures: 1, pauseMs: 50 })
  next = async () => 10
  await clock.advance(10_000)
  expect(steps.length).toBeGreaterThan(100)
  await loop.stop()
})

test('a step that throws before it waits is no different', async () => {
  next = () => {
    throw new Error('broken')
  }
  loop.start()
  await clock.advance(60)
  expect(steps).toHaveLength(2)
  await loop.stop()
})

test('being woken while a step fails does not end the pause after it', async () => {
  next = async () => {
    loop.wake()
    throw new Error('broken')
  }
  loop.start()
  await clock.advance(49)
  expect(steps).toHaveLength(1)
  await clock.advance(1)
  expect(steps).toHaveLength(2)
  next = async () => Infinity
  await loop.stop()
})

test('stopping waits for the step under way, and no other begins', async () => {
  let finish!: () => void
  next = () => new Promise((resolve) => (finish = () => resolve(0)))
  loop.start()
  loop.start()
  await clock.advance(0)
  let stopped = false
  const stopping = loop.stop().then(() => (stopped = true))
  await clock.advance(1000)
  expect(stopped).toBe(false)
  finish()
  await stopping
  await clock.advance(10_000)
  expect(steps).toHaveLength(1)
})

test('stopping twice, or without having started, ends at once', async () => {
  await loop.stop()
  loop.start()
  await Promise.all([loop.stop(), loop.stop()])
  expect(steps.length).toBeLessThanOrEqual(1)
})

test('the pauses after failures may be held shorter', async () => {
  next = () => Promise.reject(new Error('broken'))
  const hasty = new Loop({
    name: 'hasty',
    clock,
    random: () => 1,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    longestPauseMs: 120,
    step: () => {
      steps.push(clock.monotonic())
      return next()
    },
  })
  hasty.start()
  await clock.advance(500)
  expect(steps).toEqual([0, 50, 150, 270, 390])
  next = async () => Infinity
  await hasty.stop()
})

test('trouble lasts until a step that tried something succeeded, and only then it is told to work again', async () => {
  next = () => Promise.reject(new Error('broken'))
  loop.start()
  await clock.advance(100)
  expect(loop.trouble).toMatchObject({ since: 0, error: { message: 'broken' } })
  next = async () => ({ sleepMs: 10 })
  await clock.advance(1000)
  expect(steps.length).toBeGreaterThan(50)
  expect(loop.trouble).toMatchObject({ since: 0 })
  expect(told).toEqual([])
  next = async () => 10
  await clock.advance(10)
  expect(loop.trouble).toBeNull()
  expect(told).toEqual(['Working again'])
  await loop.stop()
})
