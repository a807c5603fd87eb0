import type { LedgerLine } from '../ledger.js'
import { groupBy, type Attempt, type Evidence, type FaultRecord } from './evidence.js'
import { named } from './records.js'

const LATE_MS = 1000
const TAKEOVER_MS = 1000
const RETURN_MS = 2000
const FREEZES: ReadonlySet<string> = new Set(['freeze', 'pg-freeze'])
/** What a fault leaves behind is counted as of its time for so long. */
const AFTERMATH_MS = 1000

export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface TimingFindings {
  /** While a node was out and the store was not: fires more than 1 s late. */
  readonly lateFires: string[]
  /** Interrupted runs that began again later than the lease and 1 s after their node was out. */
  readonly slowTakeovers: string[]
  /** The first fire time after the return of the store that began took longer than 2 s. */
  readonly slowReturns: string[]
  /** Sessions given up though no fault had lasted as long as a lease must be able to bear. */
  readonly falseFailovers: string[]
}

export interface Measures {
  /**
   * From fire time to the start of the first attempt, in milliseconds; of schedules that do not wait for their own.
   * Inside is what had a fault or its aftermath in between.
   */
  readonly latenessInside: Spread
  readonly latenessOutside: Spread
  /** From the fault to the next start of a run that it interrupted. */
  readonly takeover: Spread
  /** From the return of the store to the first start of a fire time after it. */
  readonly return: Spread
}

/** Holds when things happened against when they should have. */
export function examineTiming(
  evidence: Evidence,
  attempts: readonly Attempt[],
): TimingFindings & { readonly measures: Measures } {
  const takeovers = takeoversOf(evidence, attempts)
  const returns = returnsOf(evidence, attempts)
  const inside: number[] = []
  const outside: number[] = []
  for (const { attempt, entry, startedAt, fireTime } of attempts) {
    if (attempt !== 1 || entry?.overlap !== 'allow') continue
    if (fireTime < evidence.from || fireTime > evidence.to) continue
    const during = evidence.faults.some(
      (fault) => befell(fault) && fault.from <= startedAt && fireTime <= fault.to + AFTERMATH_MS,
    )
    ;(during ? inside : outside).push(startedAt - fireTime)
  }
  return {
    lateFires: lateFires(evidence, attempts),
    slowTakeovers: takeovers
      .filter(({ tookMs, allowedMs }) => tookMs > allowedMs)
      .map(({ attempt, tookMs, fault }) => {
        return `${named(attempt.run)} began again ${seconds(tookMs)} after ${fault.kind} of ${fault.victim}`
      }),
    slowReturns: returns
      .filter((tookMs) => tookMs > RETURN_MS)
      .map((tookMs) => `The first fire after the return of the store began after ${seconds(tookMs)}`),
    falseFailovers: falseFailovers(evidence),
    measures: {
      latenessInside: spread(inside),
      latenessOutside: spread(outside),
      takeover: spread(takeovers.map(({ tookMs }) => tookMs)),
      return: spread(returns),
    },
  }
}

function lateFires({ faults, runs, entries }: Evidence, attempts: readonly Attempt[]): string[] {
  const problems: string[] = []
  const waits = new Set(entries.filter(({ overlap }) => overlap !== 'allow').map(({ id }) => id))
  const first = new Map(attempts.filter(({ attempt }) => attempt === 1).map((found) => [found.run, found]))
  for (const fault of faults.filter(({ befalls, cutsOff }) => befalls === 'node' && cutsOff)) {
    for (const { id, scheduleId, fireTime, createdAt } of runs) {
      if (waits.has(scheduleId) || !isDuring(fireTime, fault)) continue
      const start = first.get(id)
      // What the victim itself had taken is late by the fault: a takeover, if it lasts.
      const began = start === undefined || start.node === fault.victim ? createdAt : start.startedAt
      if (began - fireTime > LATE_MS)
        problems.push(
          `${named(id)} fired ${seconds(began - fireTime)} late during ${fault.kind} of ${fault.victim}`,
        )
    }
  }
  return problems
}

type Held = Pick<Attempt, 'run' | 'node' | 'startedAt' | 'endedAt'>

interface Takeover {
  readonly attempt: Held
  readonly fault: FaultRecord
  readonly tookMs: number
  readonly allowedMs: number
}

/** Runs that were in flight on a node when it was killed, or frozen for longer than its lease. */
function takeoversOf({ faults, leaseMs, runs }: Evidence, attempts: readonly Attempt[]): Takeover[] {
  const held = [...attempts, ...neverBegun(runs, attempts)]
  const takeovers: Takeover[] = []
  const byRun = groupBy(attempts, ({ run }) => run)
  for (const fault of faults) {
    if (fault.kind !== 'kill' && !(FREEZES.has(fault.kind) && fault.to - fault.from > leaseMs)) continue
    for (const attempt of held) {
      if (attempt.node !== fault.victim || attempt.startedAt > fault.from) continue
      if (attempt.endedAt !== null && attempt.endedAt <= fault.from) continue
      const next = byRun.get(attempt.run)?.find(({ startedAt }) => startedAt > fault.from)
      if (next === undefined) continue
      // The next fault may befall whoever takes it over: what overlaps with that is not held against anyone.
      const excusedMs = faults
        .filter((other) => other.from > fault.from && befell(other))
        .map((other) => next.startedAt - Math.max(other.from, fault.from))
        .reduce((sum, ms) => sum + Math.max(0, ms), 0)
      takeovers.push({
        attempt,
        fault,
        tookMs: next.startedAt - fault.from,
        allowedMs: leaseMs + TAKEOVER_MS + excusedMs,
      })
    }
  }
  return takeovers
}

/** Attempts that were leased, and of which no handler wrote anything before their node was out. */
function neverBegun(runs: Evidence['runs'], attempts: readonly Attempt[]): Held[] {
  const begun = new Set(attempts.map(({ run, attempt }) => `${run} ${attempt}`))
  return runs.flatMap(({ id, attempts: past }) =>
    past.flatMap(({ attempt, node, startedAt }) =>
      begun.has(`${id} ${attempt}`) || node === null || startedAt === null
        ? []
        : { run: id, node, startedAt, endedAt: null },
    ),
  )
}

function returnsOf({ faults, to }: Evidence, attempts: readonly Attempt[]): number[] {
  return faults
    .filter(({ befalls, cutsOff }) => befalls === 'everything' && cutsOff)
    .filter((fault) => fault.to + RETURN_MS < to)
    .map((fault) => {
      const first = attempts.find(({ fireTime, attempt }) => fireTime >= fault.to && attempt === 1)
      return first === undefined ? Infinity : first.startedAt - fault.to
    })
}

function falseFailovers({ ledger, faults, leaseMs, renewMs }: Evidence): string[] {
  // The last renewal may have been sent as long ago as this before the fault, and is trusted up to a margin.
  const bearableMs = leaseMs - renewMs - Math.max(1000, leaseMs * 0.1)
  return ledger
    .filter(({ event }) => event === 'sessionLost')
    .filter(
      ({ node, at }) =>
        !faults.some(
          (fault) =>
            fault.cutsOff &&
            fault.to - fault.from > bearableMs &&
            (fault.befalls === 'everything' || fault.victim === node) &&
            isDuring(at, fault, leaseMs),
        ),
    )
    .map(({ node, at }: LedgerLine) => `${node} gave its session up at ${new Date(at).toISOString()}`)
}

function befell({ befalls }: FaultRecord): boolean {
  return befalls === 'node' || befalls === 'everything'
}

function isDuring(time: number, { from, to }: FaultRecord, afterMs = 0): boolean {
  return time >= from && time <= to + afterMs
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const share = (part: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
  return { count: sorted.length, p50: share(0.5), p99: share(0.99), max: share(1) }
}
