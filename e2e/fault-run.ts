import { setTimeout as sleep } from 'node:timers/promises'
import { createScheduler, type Run, type Scheduler } from '@evertick/core'
import { examine, type Findings } from './checker.js'
import { readLedger } from './ledger.js'
import { NodeProcess } from './node-process.js'

export const FAULTS = ['kill', 'freeze', 'restart', 'edit'] as const

/**
 * `kill`: kill -9, and start again. `freeze`: stopped for longer than the lease, then let go on. `restart`: SIGTERM,
 * and start again. `edit`: a tenth of the schedules is changed in something that does not move their fire times.
 */
export type Fault = (typeof FAULTS)[number]

export interface FaultRunOptions {
  readonly store: string
  /** A file that does not exist yet. */
  readonly ledger: string
  readonly nodes: number
  readonly schedules: number
  readonly seconds: number
  readonly faults: readonly Fault[]
  readonly pauseBetweenMs: number
  readonly told: (line: string) => void
}

export interface FaultRunReport extends Findings {
  readonly faults: number
  /** Exit codes of the graceful stops at the end. */
  readonly exitCodes: readonly (number | null)[]
  /** Nodes that stopped gracefully and yet have a living session. */
  readonly leftBehind: readonly string[]
}

const EVERY_MS = 1000
const FROZEN_MS = 4500

/** Runs a cluster of real processes under faults, and examines afterwards what it did. */
export async function faultRun(options: FaultRunOptions): Promise<FaultRunReport> {
  const observer = await createScheduler({ store: options.store })
  const ids = Array.from({ length: options.schedules }, (_, i) => `every-second-${i}`)
  await observer.schedules.putAll(
    ids.map((id) => ({
      id,
      task: 'work',
      trigger: { kind: 'interval', every: { milliseconds: EVERY_MS } },
      // Downtime is part of the test: whatever is late still runs, however late it is.
      catchUp: 'all' as const,
      overlap: 'bufferAll' as const,
      history: { maxRuns: 1_000_000 },
    })),
    { allowUnknownTask: true },
  )
  const nodes = Array.from(
    { length: options.nodes },
    (_, i) => new NodeProcess(options.store, options.ledger, `node-${i + 1}`),
  )
  await Promise.all(nodes.map((node) => node.start()))

  const from = Math.ceil((await observer.store.now()) / EVERY_MS) * EVERY_MS
  const faults = await injectFaults(options, nodes, observer, ids)
  const to = Math.floor((await observer.store.now()) / EVERY_MS) * EVERY_MS - EVERY_MS
  for (const id of ids) await observer.schedules.pause(id)
  await everythingEnded(observer)

  const evidence = { schedules: ids, from, to, everyMs: EVERY_MS, runs: await allRuns(observer) }
  const exitCodes = await Promise.all(nodes.map((node) => node.stop()))
  const alive = new Set((await observer.listNodes()).filter((node) => node.alive).map(({ pid }) => pid))
  const leftBehind = nodes.filter(({ pid }) => pid !== undefined && alive.has(pid)).map(({ name }) => name)
  await observer.stop()
  return {
    ...examine({ ...evidence, ledger: await readLedger(options.ledger) }),
    faults,
    exitCodes,
    leftBehind,
  }
}

async function injectFaults(
  { seconds, faults, pauseBetweenMs, told }: FaultRunOptions,
  nodes: readonly NodeProcess[],
  observer: Scheduler,
  ids: readonly string[],
): Promise<number> {
  const until = performance.now() + seconds * 1000
  let count = 0
  for (; performance.now() < until; count++) {
    await sleep(pauseBetweenMs)
    const fault = faults[count % faults.length]!
    // Not in step with the faults, so that every node meets every fault.
    const victim = nodes[Math.floor(count / faults.length + count) % nodes.length]!
    told(`${fault}${fault === 'edit' ? '' : ` ${victim.name}`}`)
    await inject(fault, victim, observer, ids, count)
  }
  return count
}

async function inject(
  fault: Fault,
  victim: NodeProcess,
  { schedules }: Scheduler,
  ids: readonly string[],
  count: number,
): Promise<void> {
  switch (fault) {
    case 'kill':
      await victim.kill()
      await victim.start()
      break
    case 'restart':
      await victim.stop()
      await victim.start()
      break
    case 'freeze':
      victim.freeze()
      await sleep(FROZEN_MS)
      victim.thaw()
      break
    case 'edit':
      for (let i = count % 10; i < ids.length; i += 10) {
        await schedules.patch(ids[i]!, { description: `Edited by fault ${count}` })
      }
      break
  }
}

/** Waits until the runs of the last victim were taken over and done. */
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
    const page = await runs.list(cursor === undefined ? { limit: 1000 } : { limit: 1000, cursor })
    found.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return found
}
