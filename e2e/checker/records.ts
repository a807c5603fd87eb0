import { fireTimes } from '../timetable.js'
import { fireTimeOf, groupBy, type Attempt, type Evidence } from './evidence.js'

export interface RecordFindings {
  /** Fire times without a record. */
  readonly missing: string[]
  /** Fire times with more than one record. */
  readonly doubled: string[]
  /** Records at instants that the trigger did not name. */
  readonly offGrid: string[]
  /** Records of which nothing became, though it should have. */
  readonly unsuccessful: string[]
  /** Records and handlers that contradict each other. */
  readonly contradictory: string[]
}

/** Holds what the store recorded against the timetable, and against what the handlers did. */
export function examineRecords(
  { entries, from, to, runs }: Evidence,
  attempts: readonly Attempt[],
): RecordFindings {
  const findings: RecordFindings = {
    missing: [],
    doubled: [],
    offGrid: [],
    unsuccessful: [],
    contradictory: [],
  }
  const records = groupBy(runs, ({ scheduleId, fireTime }) => `${scheduleId}@${fireTime}`)
  for (const entry of entries) {
    for (const time of fireTimes(entry, from, to)) {
      if (!records.has(`${entry.id}@${time}`))
        findings.missing.push(`${entry.id} has no record of ${iso(time)}`)
    }
  }
  for (const [key, { length }] of records) {
    if (length > 1) findings.doubled.push(`${named(key)} has ${length} records`)
  }
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  for (const { id, scheduleId, fireTime, status, error } of runs) {
    const entry = byId.get(scheduleId)
    if (entry === undefined || (fireTime - entry.phaseMs) % entry.everyMs !== 0)
      findings.offGrid.push(`${named(id)} is no fire time of its schedule`)
    if (status !== 'succeeded' && !(status === 'lost' && entry?.delivery === 'atMostOnce'))
      findings.unsuccessful.push(`${named(id)} is ${status}: ${error?.message ?? 'no reason'}`)
  }
  findings.contradictory.push(...contradictions(runs, attempts))
  return findings
}

function contradictions(runs: Evidence['runs'], attempts: readonly Attempt[]): string[] {
  const problems: string[] = []
  const recorded = new Set(runs.map(({ id }) => id))
  const ended = new Set(
    attempts.filter(({ endedAt }) => endedAt !== null).map(({ run, fence }) => `${run} ${fence}`),
  )
  for (const { id, status, fence } of runs) {
    if (status === 'succeeded' && !ended.has(`${id} ${fence}`))
      problems.push(`${named(id)} succeeded under fence ${fence}, under which no handler ended`)
  }
  for (const { run, node } of attempts) {
    if (!recorded.has(run)) problems.push(`${named(run)} began on ${node} and has no record`)
  }
  return problems
}

export function named(run: string): string {
  return `${run.slice(0, run.indexOf('@'))} of ${iso(fireTimeOf(run))}`
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
