import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LedgerReader } from './ledger.js'

let folder: string
let path: string
let ledger: LedgerReader

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-ledger-'))
  path = join(folder, 'a.jsonl')
  ledger = new LedgerReader(path)
})

afterEach(() => rm(folder, { recursive: true }))

const write = (event: string, fence: number): Promise<void> =>
  appendFile(path, `${JSON.stringify({ event, node: 'a', at: 1, run: 's@1', attempt: 1, fence })}\n`)

test('tells what is in flight: started, and not ended', async () => {
  expect(ledger.inFlight()).toBe(0)
  await write('start', 1)
  expect(ledger.inFlight()).toBe(1)
  await write('start', 2)
  await write('end', 1)
  expect(ledger.inFlight()).toBe(1)
  await write('end', 2)
  await write('accepted', 2)
  expect(ledger.inFlight()).toBe(0)
  expect(ledger.read().map(({ event }) => event)).toEqual(['start', 'start', 'end', 'end', 'accepted'])
})

test('a line counts when it is there as a whole', async () => {
  await appendFile(path, '{"event":"start","run":"s@1",')
  expect(ledger.inFlight()).toBe(0)
  await appendFile(path, '"fence":1}\n')
  expect(ledger.inFlight()).toBe(1)
})

test('what a dead node had in flight is forgotten, and its lines are kept', async () => {
  await write('start', 1)
  ledger.forget()
  expect(ledger.inFlight()).toBe(0)
  expect(ledger.read()).toHaveLength(1)
})
