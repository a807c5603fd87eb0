import { describe, expect, test } from 'vitest'
import { ManualClock } from './manual-clock.js'

describe('ManualClock', () => {
  test('time stands still until it is moved, and both clocks move together', async () => {
    const clock = new ManualClock(1000)
    expect([clock.now(), clock.monotonic()]).toEqual([1000, 0])
    await clock.advance(250)
    expect([clock.now(), clock.monotonic()]).toEqual([1250, 250])
  })

  test('timers fire in their order, each at its own time', async () => {
    const clock = new ManualClock(0)
    const fired: [string, number][] = []
    const timer = (name: string, delayMs: number): void =>
      void clock.setTimer(() => fired.push([name, clock.now()]), delayMs)
    timer('late', 300)
    timer('early', 100)
    timer('early too', 100)
    timer('after the end', 301)
    await clock.advance(300)
    expect(fired).toEqual([
      ['early', 100],
      ['early too', 100],
      ['late', 300],
    ])
    expect(clock.now()).toBe(300)
    await clock.advance(1)
    expect(fired.at(-1)).toEqual(['after the end', 301])
  })

  test('a timer fires once', async () => {
    const clock = new ManualClock()
    let fired = 0
    clock.setTimer(() => fired++, 10)
    await clock.advance(10)
    await clock.advance(100)
    expect(fired).toBe(1)
  })

  test('a timer that is cancelled does not fire', async () => {
    const clock = new ManualClock()
    let fired = 0
    const cancel = clock.setTimer(() => fired++, 10)
    clock.setTimer(cancel, 9)
    await clock.advance(20)
    expect(fired).toBe(0)
  })

  test('a delay of nothing, or less, waits for the next advance', async () => {
    const clock = new ManualClock()
    const fired: string[] = []
    clock.setTimer(() => fired.push('zero'), 0)
    clock.setTimer(() => fired.push('negative'), -5)
    expect(fired).toEqual([])
    await clock.advance(0)
    expect(fired).toEqual(['zero', 'negative'])
  })

  test('what a timer sets off settles before the next one fires, and may set timers within the same advance', async () => {
    const clock = new ManualClock(0)
    const steps: string[] = []
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, ms))
    const worker = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await sleep(100)
        // Many continuations deep, as a chain of awaits in the code under test is.
        for (let depth = 0; depth < 50; depth++) await Promise.resolve()
        steps.push(`worker ${clock.now()}`)
      }
    }
    const working = worker()
    clock.setTimer(() => steps.push(`timer ${clock.now()}`), 150)
    await clock.advance(300)
    expect(steps).toEqual(['worker 100', 'timer 150', 'worker 200', 'worker 300'])
    await working
  })

  test('work that was begun before the advance may still set its timer in time', async () => {
    const clock = new ManualClock(0)
    let woke = -1
    void Promise.resolve().then(() => clock.setTimer(() => (woke = clock.now()), 10))
    await clock.advance(10)
    expect(woke).toBe(10)
  })

  test('a jump of the wall clock leaves the monotonic clock and the timers alone', async () => {
    const clock = new ManualClock(10_000)
    const fired: number[] = []
    clock.setTimer(() => fired.push(clock.now()), 100)
    clock.set(500)
    expect([clock.now(), clock.monotonic()]).toEqual([500, 0])
    await clock.advance(99)
    expect(fired).toEqual([])
    await clock.advance(1)
    expect(fired).toEqual([600])
  })

  test('the wall clock shows whole milliseconds, also to a timer that ends between two', async () => {
    const clock = new ManualClock(1000)
    let seen = 0
    clock.setTimer(() => (seen = clock.now()), 1.5)
    await clock.advance(1.75)
    expect([seen, clock.now(), clock.monotonic()]).toEqual([1001, 1001, 1.75])
  })

  test('an error of a timer reaches the test', async () => {
    const clock = new ManualClock()
    clock.setTimer(() => {
      throw new Error('from the timer')
    }, 5)
    await expect(clock.advance(10)).rejects.toThrow('from the timer')
  })
})
