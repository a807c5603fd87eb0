import { groupBy, scheduleOf, type Attempt, type Edit, type Evidence } from './evidence.js'
import { named } from './records.js'

/** Between readings of two clocks of one machine. */
const CLOCK_TOLERANCE_MS = 2

export interface AttemptFindings {
  /** Attempts that began twice, began under one fence, or began again though delivered at most once. */
  readonly doubleStarts: string[]
  /** Attempts that began before their fire time. */
  readonly early: string[]
  /** Runs side by side of a schedule that has them one after the other. */
  readonly sideBySide: string[]
  /** Runs created from a definition after its edit had returned. */
  readonly outdated: string[]
  /** Outcomes accepted under another fence than the last one granted, or twice for one run. */
  readonly staleAccepted: string[]
}

/** Holds what the handlers did against what they were entitled to. */
export function examineAttempts({ runs, edits }: Evidence, attempts: readonly Attempt[]): AttemptFindings {
  const byRun = groupBy(attempts, ({ run }) => run)
  return {
    doubleStarts: [...byRun.values()].flatMap(doubleStarts),
    early: attempts
      .filter(({ startedAt, fireTime }) => startedAt < fireTime - CLOCK_TOLERANCE_MS)
      .map(({ run, node, startedAt, fireTime }) => {
        return `${named(run)} began ${(fireTime - startedAt).toFixed(1)} ms early on ${node}`
      }),
    sideBySide: sideBySide(attempts),
    outdated: outdated(attempts, edits),
    staleAccepted: staleAccepted(runs, byRun),
  }
}

function doubleStarts(attempts: readonly Attempt[]): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const { run, attempt, fence, node } of attempts) {
    for (const key of [`attempt ${attempt}`, `fence ${fence}`]) {
      if (seen.has(key)) problems.push(`${named(run)}, ${key}, began again on ${node}`)
      seen.add(key)
    }
  }
  const [first] = attempts
  if (first?.entry?.delivery === 'atMostOnce' && attempts.length > 1)
    problems.push(`${named(first.run)} is delivered at most once and began ${attempts.length} times`)
  return problems
}

/** Only what was accepted counts: an attempt that lost its lease may go on for a while, and is refused. */
function sideBySide(attempts: readonly Attempt[]): string[] {
  const problems: string[] = []
  const last = new Map<string, Attempt>()
  for (const attempt of attempts) {
    if (attempt.entry?.overlap !== 'bufferAll' || attempt.answer !== 'accepted') continue
    const schedule = scheduleOf(attempt.run)
    const before = last.get(schedule)
    if (before !== undefined && attempt.startedAt < before.endedAt!)
      problems.push(`${named(attempt.run)} began on ${attempt.node} before ${named(before.run)} had ended`)
    last.set(schedule, attempt)
  }
  return problems
}

function outdated(attempts: readonly Attempt[], edits: readonly Edit[]): string[] {
  const problems: string[] = []
  const bySchedule = groupBy(edits, ({ schedule }) => schedule)
  for (const { run, version, createdAt } of attempts) {
    for (const edit of bySchedule.get(scheduleOf(run)) ?? []) {
      if (edit.version > version && createdAt > edit.at + CLOCK_TOLERANCE_MS)
        problems.push(
          `${named(run)} was created with version ${version}, ${(createdAt - edit.at).toFixed(1)} ms after the edit to ${edit.version} returned`,
        )
    }
  }
  return problems
}

function staleAccepted(runs: Evidence['runs'], byRun: ReadonlyMap<string, readonly Attempt[]>): string[] {
  const problems: string[] = []
  const granted = new Map(runs.map(({ id, fence }) => [id, fence]))
  for (const [run, attempts] of byRun) {
    const accepted = attempts.filter(({ answer }) => answer === 'accepted')
    if (accepted.length > 1)
      problems.push(
        `${named(run)} was accepted ${accepted.length} times, from ${accepted.map(({ node }) => node).join(' and ')}`,
      )
    for (const { fence, node } of accepted) {
      if (fence !== granted.get(run))
        problems.push(
          `${named(run)} was accepted from ${node} under fence ${fence}, but last granted under ${granted.get(run)}`,
        )
    }
  }
  return problems
}
