import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { systemClock } from '../domain/clock.js'
import { Trust } from './trust.js'

test('there is no trust before the first renewal, and it runs out by itself', () => {
  const trust = new Trust()
  expect(trust.leftMs(0)).toBeNull()
  trust.renew(1000)
  expect([trust.leftMs(0), trust.leftMs(999.5), trust.leftMs(1000), trust.leftMs(5000)]).toEqual([
    1000, 0.5, 0, 0,
  ])
})

test('a renewal prolongs it', () => {
  const trust = new Trust()
  trust.renew(1000)
  expect(trust.renew(2000)).toBe(true)
  expect(trust.leftMs(1500)).toBe(500)
})

test('given up is for good, and tells once and again whether there had been trust', () => {
  const [used, unused] = [new Trust(), new Trust()]
  used.renew(1000)
  expect([used.giveUp(), used.giveUp()]).toEqual([true, true])
  expect([unused.giveUp(), unused.giveUp()]).toEqual([false, false])
  for (const trust of [used, unused]) {
    expect(trust.renew(2000)).toBe(false)
    expect(trust.leftMs(0)).toBe(0)
  }
})

test('it ends rather too early than too late', () => {
  const trust = new Trust()
  trust.renew(1000.0009)
  expect(trust.leftMs(1000)).toBe(0)
})

test('silence is counted from the last sign of life', () => {
  const trust = new Trust()
  trust.hear(1000)
  expect([trust.silentMs(1000), trust.silentMs(1700), trust.silentMs(900)]).toEqual([0, 700, 0])
})

test('who shares its memory sees the same', () => {
  const [mine, theirs] = [new Trust(), new Trust()]
  const again = new Trust(mine.memory)
  again.renew(1000)
  again.hear(300)
  expect([mine.leftMs(400), mine.silentMs(400), theirs.leftMs(400)]).toEqual([600, 100, null])
  mine.giveUp()
  expect(again.renew(2000)).toBe(false)
})

test("the system's monotonic clock has the same zero in every thread", async () => {
  const source = `
    const [seconds, nanoseconds] = process.hrtime()
    require('node:worker_threads').parentPort.postMessage(seconds * 1000 + nanoseconds / 1e6)`
  const before = systemClock.monotonic()
  const there = await new Promise<number>((resolve, reject) => {
    new Worker(source, { eval: true }).on('message', resolve).on('error', reject)
  })
  expect(there).toBeGreaterThan(before)
  expect(there).toBeLessThan(systemClock.monotonic())
})
