import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { problemsOf } from './checker.js'
import { faultRun } from './fault-run.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-e2e-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

test('two processes on one SQLite file, killed in turn for a minute: one run per fire time, none missing', async () => {
  const report = await faultRun({
    store: `sqlite:${join(folder, 'shared.db')}`,
    ledger: join(folder, 'ledger.jsonl'),
    nodes: 2,
    schedules: 200,
    seconds: 60,
    faults: ['kill'],
    pauseBetweenMs: 4000,
    told: () => {},
  })
  expect(problemsOf(report).slice(0, 10)).toEqual([])
  expect(report.fireTimes).toBeGreaterThan(200 * 55)
  expect(report.faults).toBeGreaterThan(10)
  expect(report.exitCodes).toEqual([0, 0])
  expect(report.leftBehind).toEqual([])
})

test('frozen longer than the lease, restarted, edited: nothing stale is accepted, nothing runs twice', async () => {
  const report = await faultRun({
    store: `sqlite:${join(folder, 'shared.db')}`,
    ledger: join(folder, 'ledger.jsonl'),
    nodes: 3,
    schedules: 50,
    seconds: 30,
    faults: ['freeze', 'restart', 'edit', 'kill'],
    pauseBetweenMs: 1500,
    told: () => {},
  })
  expect(problemsOf(report).slice(0, 10)).toEqual([])
  expect(report.exitCodes).toEqual([0, 0, 0])
  expect(report.leftBehind).toEqual([])
})
