import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { problemsOf } from './checker/examine.js'
import { faultRun } from './fault-run.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-e2e-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

test('two processes on one SQLite file, killed in turn: one run per fire time, none missing', async () => {
  const report = await faultRun({
    store: 'sqlite',
    folder,
    nodes: 2,
    schedules: 200,
    everyMs: 1000,
    seconds: 20,
    leaseMs: 3000,
    faults: ['kill'],
    pauseBetweenMs: 1000,
    told: () => {},
  })
  expect(problemsOf(report.broken).slice(0, 10)).toEqual([])
  expect(report.fireTimes).toBeGreaterThan(200 * 18)
  expect(report.interrupted).toBeGreaterThan(0)
  expect(report.exitCodes).toEqual([0, 0])
  expect(report.leftBehind).toEqual([])
})

test('frozen longer than the lease, restarted, edited: nothing stale is accepted, nothing runs twice', async () => {
  const report = await faultRun({
    store: 'sqlite',
    folder,
    nodes: 3,
    schedules: 50,
    everyMs: 1000,
    seconds: 20,
    leaseMs: 3000,
    faults: ['freeze', 'restart', 'edit', 'recreate', 'kill'],
    pauseBetweenMs: 1000,
    told: () => {},
  })
  expect(problemsOf(report.broken).slice(0, 10)).toEqual([])
  expect(new Set(report.faults.map(({ kind }) => kind)).size).toBe(5)
  expect(report.exitCodes).toEqual([0, 0, 0])
  expect(report.leftBehind).toEqual([])
})
