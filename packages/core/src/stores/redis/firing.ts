import { runIdOf, type RunId, type ScheduleId } from '../../domain/ids.js'
import { nextFence } from '../../domain/lease.js'
import type { Run } from '../../domain/run.js'
import type { ClaimedRun, CommitResult, Dispatch, FireDecision, RunRequest } from '../../store/contract.js'
import { byPriority } from '../../store/decision-order.js'
import { missedReason } from '../../store/reasons.js'
import type { Cell, Cells } from './cells.js'
import { dispatchArgs, type Leasing } from './leasing.js'
import { claimedOf, runOf, type LeasedRow, type RunRow } from './rows.js'

type CommitAnswer = readonly [
  committed: string,
  claimed: readonly number[],
  now: string,
  repeated: readonly LeasedRow[],
  waiting: number,
  skipped: RunId[],
  missed: RunId[],
]

/** How fire times and requests become runs. */
export class Firing {
  readonly #cells: Cells
  readonly #leasing: Leasing

  constructor(cells: Cells, leasing: Leasing) {
    this.#cells = cells
    this.#leasing = leasing
  }

  /** `givenUp` as in {@link Leasing.claim}. In one cell the same step leases; over several, all that is ready competes for the slots afterwards. */
  async commit(
    decisions: readonly FireDecision[],
    dispatch: Dispatch | null,
    givenUp: number,
  ): Promise<CommitResult> {
    if (this.#cells.isOne) return this.#commitIn(this.#cells.first, decisions, dispatch, givenUp)
    const parts: CommitResult[] = []
    const committed = await this.#cells.each(decisions, idOf, async (cell, own) => {
      const part = await this.#commitIn(cell, own, null, givenUp)
      parts.push(part)
      return part.committed
    })
    const claimed = dispatch === null ? [] : await this.#leasing.claim(dispatch, givenUp)
    const taken = new Set(claimed.map(({ runId }) => runId))
    const created = decisions.flatMap(({ scheduleId, runs }) =>
      runs.map((run) => runIdOf(scheduleId, run.fireTime)),
    )
    const started = created.filter((id) => taken.has(id)).length
    return {
      committed,
      claimed,
      waiting: Math.max(0, parts.reduce((sum, { waiting }) => sum + waiting, 0) - started),
      skipped: parts.flatMap(({ skipped }) => skipped),
      missed: parts.flatMap(({ missed }) => missed),
    }
  }

  async #commitIn(
    cell: Cell,
    decisions: readonly FireDecision[],
    dispatch: Dispatch | null,
    givenUp: number,
  ): Promise<CommitResult> {
    const order = byPriority(decisions)
    const terms = new Terms()
    const answer = await cell.run<CommitAnswer>('commit', {
      decisions: order.map((index) => decisionArgs(decisions[index]!, terms)),
      terms: terms.all,
      dispatch: dispatch === null ? false : dispatchArgs(dispatch, givenUp),
    })
    const [carriedOut, pairs, now, repeated, waiting, skipped, missed] = answer
    const committed = Array.from({ length: decisions.length }, () => false)
    for (const [place, index] of order.entries()) committed[index] = carriedOut[place] === '1'
    const claimed = repeated.map(claimedOf)
    for (let i = 0; i < pairs.length; i += 2) {
      const decision = decisions[order[pairs[i]! - 1]!]!
      claimed.push(newlyClaimed(decision, pairs[i + 1]! - 1, Number(now)))
    }
    return { committed, claimed, waiting, skipped, missed }
  }

  async addRuns(requests: readonly RunRequest[]): Promise<Run[]> {
    return this.#cells.each(requests, idOf, async (cell, own) => {
      const rows = await cell.run<RunRow[]>('add-runs', { requests: own.map(requestArgs) })
      return rows.map(runOf)
    })
  }
}

function idOf({ scheduleId }: { readonly scheduleId: ScheduleId }): ScheduleId {
  return scheduleId
}

function decisionArgs(decision: FireDecision, terms: Terms): readonly unknown[] {
  const { fireTime, runs, missed, next } = decision
  const given = next === 'afterRun' ? null : next
  const [first] = runs
  return [
    decision.scheduleId,
    String(decision.revision),
    String(fireTime),
    first === undefined ? '' : String(first.dueAt),
    terms.numberOf(decision),
    given === null ? '' : String(given.fireTime),
    given === null ? '' : String(given.dueAt),
    String(given?.stretchedMs ?? ''),
    isUsual(decision)
      ? false
      : {
          isPlain: isPlain(decision),
          runs: runs.flatMap((run) => [String(run.fireTime), String(run.dueAt)]),
          stretched: runs.map((run) => String(run.stretchedMs ?? '')),
          missed: missed !== null && [
            String(missed.to),
            JSON.stringify(missed),
            JSON.stringify(missedReason(missed)),
          ],
          next: next === null ? 'none' : next === 'afterRun' ? next : 'given',
          calendars: decision.calendarsRevision ?? -1,
        },
  ]
}

/** The stored fire time becomes a run, and another follows: nearly every fire, and so told in few words. */
function isUsual(decision: FireDecision): boolean {
  return decision.runs.length === 1 && decision.runs[0]!.fireTime === decision.fireTime && isPlain(decision)
}

/** Fire times become runs, and another follows. */
function isPlain({ runs, missed, next, calendarsRevision }: FireDecision): boolean {
  if (runs.length === 0 || missed !== null || next === null || next === 'afterRun') return false
  return calendarsRevision === null && runs.every(({ stretchedMs }) => stretchedMs == null)
}

/** What decisions have alike is told once. */
class Terms {
  readonly all: (readonly unknown[])[] = []
  readonly #numbers = new Map<string, number>()

  /** Counted from 1. */
  numberOf({ task, spec, overlap, delivery, priority, group, tzdata }: FireDecision): number {
    // Only the last part may hold a line break.
    const key = `${task}\n${overlap}\n${delivery}\n${priority}\n${group}\n${tzdata}\n${spec ?? ''}`
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.all.push([task, spec ?? false, overlap, delivery, priority, group, tzdata])
      this.#numbers.set(key, number)
    }
    return number
  }
}

function requestArgs(request: RunRequest): readonly unknown[] {
  return [
    request.scheduleId,
    request.requestId,
    request.kind,
    request.fireTime === null ? false : String(request.fireTime),
    request.task,
    request.spec ?? false,
    request.delivery,
    request.priority,
    request.group,
  ]
}

/** What was leased in the step that created it: all but the time is known here already. */
function newlyClaimed(decision: FireDecision, run: number, now: number): ClaimedRun {
  const { scheduleId, task, delivery, spec } = decision
  const { fireTime, dueAt } = decision.runs[run]!
  return {
    runId: runIdOf(scheduleId, fireTime),
    fence: nextFence(0, now),
    scheduleId,
    kind: 'scheduled',
    fireTime,
    task,
    attempt: 1,
    delivery,
    dueAt,
    createdAt: now,
    startedAt: now,
    spec,
  }
}
