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

test('a replica takes over without the last writes: what living nodes saw does not happen again', async () => {
  const report = await faultRun({
    store: 'sentinel',
    folder,
    nodes: 3,
    schedules: 500,
    everyMs: 2500,
    seconds: 15,
    leaseMs: 3000,
    faults: ['redis-failover', 'kill'],
    pauseBetweenMs: 1000,
    told: () => {},
  })
  expect(problemsOf(report.broken).slice(0, 10)).toEqual([])
  expect(report.faults.filter(({ kind }) => kind === 'redis-failover').length).toBeGreaterThan(1)
  expect(report.fireTimes).toBeGreaterThan(2000)
  expect(report.exitCodes).toEqual([0, 0, 0])
})
