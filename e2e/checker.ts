import type { Run } from '@evertick/core'
import type { LedgerLine } from './ledger.js'

export interface Evidence {
  readonly schedules: readonly string[]
  /** Fire times that every schedule has: each from `from` to `to`, both included, in steps of `everyMs`. */
  readonly from: number
  readonly to: number
  readonly everyMs: number
  readonly runs: readonly Run[]
  readonly ledger: readonly LedgerLine[]
}

export interface Findings {
  readonly fireTimes: number
  readonly attempts: number
  /** Fire times without a record. */
  readonly missing: string[]
  /** Fire times with more than one record. */
  readonly doubled: string[]
  /** Records at instants that the trigger did not name. */
  readonly offGrid: string[]
  /** Records that did not end in success. */
  readonly unsuccessful: string[]
  /** Attempts that began twice, under one fence, or before their fire time. */
  readonly wrongStarts: string[]
  /** Outcomes that the store accepted under an older fence than one granted before, or twice for one run. */
  readonly staleAccepted: string[]
  /** Milliseconds from fire time to the start of the first attempt. */
  readonly lateness: { readonly p50: number; readonly p99: number; readonly max: number }
}

/** Holds what the handlers did and what the store recorded against the timetable. */
export function examine(evidence: Evidence): Findings {
  const { schedules, from, to, everyMs, runs, ledger } = evidence
  const count = Math.floor((to - from) / everyMs) + 1
  return {
    fireTimes: schedules.length * count,
    attempts: ledger.filter(({ event }) => event === 'start').length,
    ...examineRecords(evidence),
    ...examineStarts(ledger),
    staleAccepted: examineAnswers(runs, ledger),
    lateness: latenessOf(ledger),
  }
}

export function problemsOf(findings: Findings): string[] {
  const { missing, doubled, offGrid, unsuccessful, wrongStarts, staleAccepted } = findings
  return [...missing, ...doubled, ...offGrid, ...unsuccessful, ...wrongStarts, ...staleAccepted]
}

function examineRecords({
  schedules,
  from,
  to,
  everyMs,
  runs,
}: Evidence): Pick<Findings, 'missing' | 'doubled' | 'offGrid' | 'unsuccessful'> {
  const records = new Map<string, number>()
  const offGrid: string[] = []
  const unsuccessful: string[] = []
  for (const run of runs) {
    const key = keyOf(run.scheduleId, run.fireTime)
    records.set(key, (records.get(key) ?? 0) + 1)
    if (run.fireTime % everyMs !== 0) offGrid.push(`${key} is no fire time of its schedule`)
    if (run.status !== 'succeeded') unsuccessful.push(`${key} is ${run.status}: ${run.error?.message ?? ''}`)
  }
  const missing: string[] = []
  for (const schedule of schedules) {
    for (let time = from; time <= to; time += everyMs) {
      const key = keyOf(schedule, time)
      if (!records.has(key)) missing.push(`${key} has no record`)
    }
  }
  const doubled = [...records].filter(([, n]) => n > 1).map(([key, n]) => `${key} has ${n} records`)
  return { missing, doubled, offGrid, unsuccessful }
}

function examineStarts(ledger: readonly LedgerLine[]): Pick<Findings, 'wrongStarts'> {
  const wrongStarts: string[] = []
  const byAttempt = new Set<string>()
  const byFence = new Set<string>()
  for (const { event, run, attempt, fence, node, at } of ledger) {
    if (event !== 'start') continue
    for (const [seen, key] of [
      [byAttempt, `${run} attempt ${attempt}`],
      [byFence, `${run} fence ${fence}`],
    ] as const) {
      if (seen.has(key)) wrongStarts.push(`${key} began again on ${node}`)
      seen.add(key)
    }
    const fireTime = Number(run.slice(run.indexOf('@') + 1))
    if (at < fireTime) wrongStarts.push(`${run} began ${fireTime - at} ms early on ${node}`)
  }
  return { wrongStarts }
}

function examineAnswers(runs: readonly Run[], ledger: readonly LedgerLine[]): string[] {
  const problems: string[] = []
  const accepted = new Map<string, number>()
  for (const { event, run, fence, node } of ledger) {
    if (event !== 'accepted') continue
    if (accepted.has(run))
      problems.push(`${run} was accepted twice, the second time from ${node} under ${fence}`)
    accepted.set(run, fence)
  }
  for (const run of runs) {
    const fence = accepted.get(run.id)
    if (fence !== undefined && fence !== run.fence) {
      problems.push(`${run.id} was accepted under fence ${fence}, but was granted under ${run.fence}`)
    }
  }
  return problems
}

function latenessOf(ledger: readonly LedgerLine[]): Findings['lateness'] {
  const first = ledger.filter(({ event, attempt }) => event === 'start' && attempt === 1)
  const sorted = first
    .map(({ run, at }) => at - Number(run.slice(run.indexOf('@') + 1)))
    .toSorted((a, b) => a - b)
  const share = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return { p50: share(0.5), p99: share(0.99), max: sorted.at(-1) ?? 0 }
}

function keyOf(schedule: string, time: number): string {
  return `${schedule} at ${new Date(time).toISOString()}`
}
