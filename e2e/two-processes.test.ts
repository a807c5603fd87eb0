import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createScheduler, type Run, type Scheduler } from '@evertick/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NodeProcess } from './cluster.js'

const SCHEDULES = 200
const SECONDS = Number(process.env['EVERTICK_E2E_SECONDS'] ?? 60)
const KILL_EVERY_MS = 4000

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evertick-e2e-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

test('two processes on one SQLite file, one of them killed again and again: one run per fire time, none missing', async () => {
  const store = `sqlite:${join(folder, 'shared.db')}`
  const ledger = join(folder, 'ledger.jsonl')
  const observer = await createScheduler({ store })
  await observer.schedules.putAll(
    Array.from({ length: SCHEDULES }, (_, i) => ({
      id: `every-second-${i}`,
      task: 'work',
      trigger: { kind: 'interval', every: { seconds: 1 } },
      // Downtime is part of the test: whatever is late runs, however long it took.
      catchUp: 'all' as const,
      overlap: 'bufferAll' as const,
    })),
    { allowUnknownTask: true },
  )
  const nodes = [new NodeProcess(store, ledger, 'a'), new NodeProcess(store, ledger, 'b')]
  await Promise.all(nodes.map((node) => node.start()))

  const first = await observer.store.now()
  const killUntil = performance.now() + SECONDS * 1000
  let kills = 0
  while (performance.now() < killUntil) {
    await sleep(KILL_EVERY_MS)
    const victim = nodes[kills++ % nodes.length]!
    await victim.kill()
    await victim.start()
  }
  const last = await observer.store.now()
  await pauseAll(observer)
  await everythingEnded(observer)

  const runs = await allRuns(observer)
  const problems = [...wrongRecords(runs, first, last), ...wrongStarts(await readLedger(ledger))]
  expect(problems.slice(0, 10)).toEqual([])
  expect(kills).toBeGreaterThanOrEqual(Math.floor(SECONDS / 5))

  // A graceful stop ends with 0, and its session with it; those that were killed last may not have expired yet.
  expect(await Promise.all(nodes.map((node) => node.stop()))).toEqual([0, 0])
  const alive = (await observer.listNodes()).filter((node) => node.alive).map(({ pid }) => pid)
  for (const node of nodes) expect(alive).not.toContain(node.pid)
  await observer.stop()
})

async function pauseAll({ schedules }: Scheduler): Promise<void> {
  for (let i = 0; i < SCHEDULES; i++) await schedules.pause(`every-second-${i}`)
}

/** Waits for the runs of the last victim to be taken over and done. */
async function everythingEnded({ store }: Scheduler): Promise<void> {
  for (;;) {
    const { pending, running, retrying } = await store.stats()
    if (pending + running + retrying === 0) return
    await sleep(100)
  }
}

async function allRuns({ runs }: Scheduler): Promise<Run[]> {
  const found: Run[] = []
  let cursor: string | undefined
  do {
    const page = await runs.list({ limit: 1000, ...(cursor === undefined ? {} : { cursor }) })
    found.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return found
}

/** Every second of the window, of every schedule, has one record, and it succeeded. */
function wrongRecords(runs: readonly Run[], first: number, last: number): string[] {
  const problems: string[] = []
  const byFire = new Map<string, Run[]>()
  for (const run of runs) {
    const key = `${run.scheduleId}@${run.fireTime}`
    byFire.set(key, [...(byFire.get(key) ?? []), run])
    if (run.status !== 'succeeded') problems.push(`${run.id} is ${run.status}: ${JSON.stringify(run.error)}`)
  }
  for (let i = 0; i < SCHEDULES; i++) {
    for (let time = Math.ceil(first / 1000) * 1000; time <= last - 1000; time += 1000) {
      const count = byFire.get(`every-second-${i}@${time}`)?.length ?? 0
      if (count !== 1)
        problems.push(`every-second-${i} at ${new Date(time).toISOString()} has ${count} records`)
    }
  }
  return problems
}

interface LedgerLine {
  readonly event: 'start' | 'end'
  readonly node: string
  readonly run: string
  readonly attempt: number
  readonly fence: number
}

/** No attempt began twice, and none began after another attempt of the run had ended well. */
function wrongStarts(lines: readonly LedgerLine[]): string[] {
  const problems: string[] = []
  const started = new Set<string>()
  for (const { event, run, attempt, fence, node } of lines) {
    if (event !== 'start') continue
    const key = `${run} attempt ${attempt}`
    if (started.has(key)) problems.push(`${key} began twice, the second time on ${node} under fence ${fence}`)
    started.add(key)
  }
  return problems
}

async function readLedger(path: string): Promise<LedgerLine[]> {
  const text = await readFile(path, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerLine)
}
