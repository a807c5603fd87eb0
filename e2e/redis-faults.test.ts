import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { problemsOf } from './checker/examine.js'
import { faultRun } from './fault-run.js'
import { faultsOf } from './faults.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-e2e-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

test('three nodes on one Redis under every fault: nothing missing, nothing twice, nothing stale accepted', async () => {
  const faults = faultsOf('redis')
  const report = await faultRun({
    store: 'redis',
    folder,
    nodes: 3,
    schedules: 1000,
    everyMs: 5000,
    seconds: 60,
    leaseMs: 3000,
    faults,
    pauseBetweenMs: 1000,
    told: () => {},
  })
  expect(problemsOf(report.broken).slice(0, 10)).toEqual([])
  expect([...new Set(report.faults.map(({ kind }) => kind))].toSorted()).toEqual(faults.toSorted())
  expect(report.fireTimes).toBeGreaterThan(10_000)
  expect(report.interrupted).toBeGreaterThan(0)
  expect(report.measures.takeover.count).toBeGreaterThan(0)
  expect(report.exitCodes).toEqual([0, 0, 0])
  expect(report.leftBehind).toEqual([])
})
