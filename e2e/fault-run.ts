import { setTimeout as sleep } from 'node:timers/promises'
import { createScheduler, type LeaseTiming, type Scheduler } from '@evertick/core'
import { whenAvailable } from '@evertick/core/testing'
import { allRuns } from './all-runs.js'
import type { Evidence, FaultRecord } from './checker/evidence.js'
import { examine, type Findings } from './checker/examine.js'
import { Cluster, type Member, type StoreKind } from './cluster.js'
import { Editor } from './editor.js'
import { FAULTS, type Fault } from './faults.js'
import { monotonicMs, readClocks, wallTimes } from './shared-clock.js'
import { Successor } from './successor.js'
import { scheduleOf, timetable, type Entry } from './timetable.js'

export interface FaultRunOptions {
  readonly store: StoreKind
  /** An empty one, for the store, the ledgers and the logs of the nodes. */
  readonly folder: string
  readonly nodes: number
  readonly schedules: number
  /** How often each of them fires. */
  readonly everyMs: number
  /** At least: each fault comes once, however slow the machine is. */
  readonly seconds: number
  readonly leaseMs: number
  readonly faults: readonly Fault[]
  readonly pauseBetweenMs: number
  readonly told: (line: string) => void
}

export interface FaultRunReport extends Findings {
  readonly faults: readonly FaultRecord[]
  /** Exit codes of the graceful stops at the end. */
  readonly exitCodes: readonly (number | null)[]
  /** Nodes that stopped gracefully and yet have a living session. */
  readonly leftBehind: readonly string[]
}

/** Times the lease. What is long ends when others have just taken over: then late writes of the victim arrive. */
const LONG = 1.15
const SHORT = 0.2
const RENEW = 0.3
/** Nodes that start together learn of one another with their next heartbeats, and are slow while they warm up. */
const WARM_UP_MS = 2000
const AWAIT_FLIGHT_MS = 5000

/** Runs a cluster of real processes under faults, and examines afterwards what it did. */
export async function faultRun(options: FaultRunOptions): Promise<FaultRunReport> {
  const { store, folder, nodes, faults } = options
  const lease = { leaseMs: options.leaseMs, renewMs: Math.round(options.leaseMs * RENEW) }
  const cluster = await Cluster.create({ store, folder, nodes, lease, skewed: faults.includes('skew') })
  try {
    const observer = await createScheduler({ store: cluster.url })
    try {
      return await observe(options, lease, cluster, observer)
    } finally {
      await observer.stop()
    }
  } finally {
    await cluster.dispose()
  }
}

async function observe(
  options: FaultRunOptions,
  lease: Pick<LeaseTiming, 'leaseMs' | 'renewMs'>,
  cluster: Cluster,
  observer: Scheduler,
): Promise<FaultRunReport> {
  const entries = timetable(options.schedules, options.everyMs, options.leaseMs)
  const firstReading = readClocks()
  await Promise.all(cluster.members.map(({ process }) => process.start()))
  await observer.schedules.putAll(entries.map(scheduleOf), { allowUnknownTask: true })

  const editor = new Editor(observer.schedules, entries)
  const successor = new Successor(observer, entries)
  await sleep(WARM_UP_MS)
  const from = await observer.store.now()
  const records = await injectFaults(options, cluster, editor, successor)
  // The last fault may have ended a moment ago, and the line to the store not be up again.
  const to = await whenAvailable(() => observer.store.now())
  await caughtUp(observer, to, 2 * lease.leaseMs + 30_000)
  await pauseAll(observer, entries)
  await everythingEnded(observer, 2 * lease.leaseMs + 30_000)

  const runs = [...successor.deleted, ...(await allRuns(observer))]
  const exitCodes = await Promise.all(cluster.members.map(({ process }) => process.stop()))
  const sessions = await observer.listNodes()
  const leftBehind = cluster.members.filter(({ process: { pid } }) => {
    // One that was given up before ends by itself.
    const last = sessions
      .filter((session) => session.pid === pid)
      .toSorted((a, b) => b.startedAt - a.startedAt)[0]
    return last?.alive === true
  })

  const wall = wallTimes(firstReading, readClocks())
  const faults = records.map((record) =>
    Object.assign(record, { from: wall(record.from), to: wall(record.to) }),
  )
  const evidence: Evidence = {
    entries,
    from,
    // What was due in the last moment may not have fired when all were paused.
    to: to - options.everyMs,
    ...lease,
    runs,
    ledger: cluster.members
      .flatMap(({ ledger }) => ledger.read())
      .map((line) => Object.assign(line, { at: wall(line.at) })),
    faults,
    edits: editor.edits.map((edit) => Object.assign(edit, { at: wall(edit.at) })),
    deadlocks: cluster.deadlocks,
  }
  return { ...examine(evidence), faults, exitCodes, leftBehind: leftBehind.map(({ name }) => name) }
}

async function injectFaults(
  { seconds, faults, pauseBetweenMs, leaseMs, told }: FaultRunOptions,
  cluster: Cluster,
  editor: Editor,
  successor: Successor,
): Promise<FaultRecord[]> {
  const until = monotonicMs() + seconds * 1000
  const records: FaultRecord[] = []
  if (faults.length === 0) await sleep(seconds * 1000)
  for (let i = 0; monotonicMs() < until || i < faults.length; i++) {
    await sleep(pauseBetweenMs)
    const kind = faults[i % faults.length]!
    const count = Math.floor(i / faults.length)
    const { befalls, cutsOff } = FAULTS[kind]
    // Neighbours differ, and each is long in one round and short in the next.
    const isLong = (i + count) % 2 === 0
    const lastMs = Math.round(leaseMs * (isLong ? LONG : SHORT))
    // Not in step with the faults, so that every node meets every fault.
    const victim = await inFlight(cluster.members, i + count)
    const name = befalls === 'node' || befalls === 'clock' ? victim.name : null
    const from = monotonicMs()
    const after = await FAULTS[kind].inject({ cluster, victim, isLong, lastMs, count, editor, successor })
    const tookS = ((monotonicMs() - from) / 1000).toFixed(1)
    told(`${kind}${name === null ? '' : ` ${name}`} for ${tookS} s`)
    records.push({ kind, befalls, victim: name, cutsOff, from, to: monotonicMs() })
    await after?.()
  }
  return records
}

/** The node whose turn it is, or the next one: whoever has a run in flight, as its ledger tells. */
async function inFlight(members: readonly Member[], turn: number): Promise<Member> {
  const until = monotonicMs() + AWAIT_FLIGHT_MS
  while (monotonicMs() < until) {
    for (const offset of members.keys()) {
      const member = members[(turn + offset) % members.length]!
      if (member.ledger.inFlight() > 0) return member
    }
    await sleep(5)
  }
  throw new Error(`No node had a run in flight within ${AWAIT_FLIGHT_MS} ms`)
}

/** Waits until whatever was due by then has fired: a paused schedule fires no more, and the last fault may have left much. */
async function caughtUp({ store }: Scheduler, time: number, limitMs: number): Promise<void> {
  const until = monotonicMs() + limitMs
  while (monotonicMs() < until) {
    const { oldestDueAt } = await whenAvailable(() => store.stats())
    if (oldestDueAt === null || oldestDueAt > time) return
    await sleep(100)
  }
}

async function pauseAll({ schedules }: Scheduler, entries: readonly Entry[]): Promise<void> {
  for (let i = 0; i < entries.length; i += 50)
    await Promise.all(entries.slice(i, i + 50).map(({ id }) => schedules.pause(id)))
}

/** Waits until the runs of the last victims were taken over and done; what is not by then is told of by the checker. */
async function everythingEnded({ store }: Scheduler, limitMs: number): Promise<void> {
  const until = monotonicMs() + limitMs
  while (monotonicMs() < until) {
    const { pending, running, retrying } = await store.stats()
    if (pending + running + retrying === 0) return
    await sleep(100)
  }
}
