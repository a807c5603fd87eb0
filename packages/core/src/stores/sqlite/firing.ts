import { runIdOf } from '../../domain/ids.js'
import { nextFence } from '../../domain/lease.js'
import type { FireTime } from '../../domain/plan.js'
import type { Run } from '../../domain/run.js'
import type { CommitResult, Dispatch, FireDecision, RunRequest } from '../../store/contract.js'
import { byPriority } from '../../store/decision-order.js'
import { claimedOfNew, heldRun, missedRun, requestedRun, scheduledRun, skippedRun } from '../sql/new-run.js'
import { QUEUE, runOf, type RunRow } from '../sql/rows.js'
import type { Calendars } from './calendars.js'
import type { Database } from './database.js'
import type { Hints } from '../../store/hints.js'
import { Leasing } from './leasing.js'
import type { NewRuns } from './new-runs.js'
import { SELECT_RUN } from './rows.js'
import type { RunEndings } from './run-endings.js'
import { REPLACED } from '../../store/reasons.js'

interface MutableResult extends CommitResult {
  committed: boolean[]
  waiting: number
  skipped: string[]
  missed: string[]
}

/** How fire times become runs. Every method runs inside a transaction. */
export class Firing {
  readonly #db: Database
  readonly #calendars: Calendars
  readonly #newRuns: NewRuns
  readonly #endings: RunEndings
  readonly #hints: Hints

  constructor(db: Database, calendars: Calendars, newRuns: NewRuns, endings: RunEndings, hints: Hints) {
    this.#db = db
    this.#calendars = calendars
    this.#newRuns = newRuns
    this.#endings = endings
    this.#hints = hints
  }

  commit(decisions: readonly FireDecision[], dispatch: Dispatch | null): CommitResult {
    const leasing = dispatch === null ? null : new Leasing(this.#db, dispatch)
    const result: MutableResult = {
      committed: Array.from({ length: decisions.length }, () => false),
      claimed: [],
      waiting: 0,
      skipped: [],
      missed: [],
    }
    for (const index of byPriority(decisions)) {
      result.committed[index] = this.#carryOut(decisions[index]!, leasing, result)
    }
    if (result.waiting > 0) this.#hints.note('ready')
    return { ...result, claimed: leasing?.conclude() ?? [] }
  }

  #carryOut(decision: FireDecision, leasing: Leasing | null, result: MutableResult): boolean {
    const runs = this.#advance(decision)
    if (runs === null) return false
    const { missed } = decision
    if (missed !== null) this.#recordMissed(decision, result)
    for (const fire of runs) this.#fire(decision, fire, leasing, result)
    if (decision.next === 'afterRun') this.#endings.timeAfterRun(decision.scheduleId)
    return true
  }

  /**
   * The compare-and-set. Answers the runs to create, without those at or below the high-water mark; `null` when the
   * schedule is no longer as the decision saw it.
   */
  #advance(decision: FireDecision): readonly FireTime[] | null {
    const { scheduleId, revision, fireTime, runs, missed, next, tzdata, calendarsRevision } = decision
    const following = next === 'afterRun' ? null : next
    if (following !== null && following.fireTime <= fireTime) return null
    if (calendarsRevision !== null && calendarsRevision !== this.#calendars.revision()) return null
    if (following !== null && missed === null && runs.length > 0 && this.#advanceAsUsual(decision, following))
      return runs
    const row = this.#db
      .statement(
        `SELECT high_water_mark AS mark FROM schedules
         WHERE id = ? AND revision = ? AND fire_time = ? AND state = 'active' AND due_at <= ?`,
      )
      .get(scheduleId, revision, fireTime, this.#db.now()) as { mark: number | null } | undefined
    if (row === undefined) return null
    const mark = row.mark ?? -Infinity
    const fresh =
      runs.length > 0 && runs[0]!.fireTime <= mark ? runs.filter((run) => run.fireTime > mark) : runs
    const reached = Math.max(mark, missed?.to ?? -Infinity, runs.at(-1)?.fireTime ?? -Infinity)
    this.#db
      .statement(
        `UPDATE schedules SET fire_time = ?, due_at = ?, stretched_ms = ?, tzdata = ?, calendars_revision = ?,
                high_water_mark = ?, fires = fires + ?, state = ?, after_run_ms = iif(?, NULL, after_run_ms)
         WHERE id = ?`,
      )
      .run(
        following?.fireTime ?? null,
        following?.dueAt ?? null,
        following?.stretchedMs ?? null,
        next === null ? null : tzdata,
        calendarsRevision,
        reached === -Infinity ? null : reached,
        fresh.length,
        next === null ? 'finished' : 'active',
        next === null ? 1 : 0,
        scheduleId,
      )
    return fresh
  }

  /** Nearly every fire: something to run, nothing missed, more to come, all above the mark. One statement for that. */
  #advanceAsUsual(decision: FireDecision, next: FireTime): boolean {
    const { scheduleId, revision, fireTime, runs, tzdata, calendarsRevision } = decision
    const { changes } = this.#db
      .statement(
        `UPDATE schedules SET fire_time = ?, due_at = ?, stretched_ms = ?, tzdata = ?, calendars_revision = ?,
                high_water_mark = ?, fires = fires + ?
         WHERE id = ? AND revision = ? AND fire_time = ? AND state = 'active' AND due_at <= ?
           AND (high_water_mark IS NULL OR high_water_mark < ?)`,
      )
      .run(
        next.fireTime,
        next.dueAt,
        next.stretchedMs ?? null,
        tzdata,
        calendarsRevision,
        runs.at(-1)!.fireTime,
        runs.length,
        scheduleId,
        revision,
        fireTime,
        this.#db.now(),
        runs[0]!.fireTime,
      )
    return Number(changes) > 0
  }

  #fire(decision: FireDecision, fire: FireTime, leasing: Leasing | null, result: MutableResult): void {
    const { scheduleId, task, group, priority } = decision
    const verdict = decision.overlap === 'allow' ? 'free' : this.#overlap(decision)
    if (verdict === 'free' && leasing?.mayTakeNew(task, group, priority) === true) {
      this.#start(decision, fire, leasing)
    } else if (verdict === 'skipped') {
      if (this.#newRuns.insert(skippedRun(decision, fire)) !== null)
        result.skipped.push(runIdOf(scheduleId, fire.fireTime))
    } else {
      const queue = verdict === 'blocked' ? QUEUE.blocked : QUEUE.ready
      if (this.#newRuns.insert({ ...scheduledRun(decision, fire), queue }) !== null) result.waiting++
    }
  }

  #overlap({ scheduleId, overlap }: FireDecision): 'free' | 'blocked' | 'skipped' {
    const open = this.#db
      .statement(
        'SELECT max(queue) AS highest, sum(queue = 3) AS blocked FROM runs WHERE schedule_id = ? AND queue > 0',
      )
      .get(scheduleId) as { highest: number | null; blocked: number | null }
    if (open.highest === null) return 'free'
    switch (overlap) {
      case 'bufferAll':
        return 'blocked'
      case 'bufferOne':
        return open.blocked === 0 ? 'blocked' : 'skipped'
      case 'cancelOther':
        return this.#endings.cancelAllOf(scheduleId, REPLACED) ? 'blocked' : 'free'
      default:
        return 'skipped'
    }
  }

  #start(decision: FireDecision, fire: FireTime, leasing: Leasing): void {
    const now = this.#db.now()
    const run = heldRun(decision, fire, { session: leasing.session, fence: nextFence(0, now) })
    const number = this.#newRuns.insert(run)
    if (number !== null) leasing.takeNew(number, claimedOfNew(run, now))
  }

  #recordMissed(decision: FireDecision, result: MutableResult): void {
    const missed = decision.missed!
    const number = this.#newRuns.insert(missedRun(decision, missed))
    if (number !== null) result.missed.push(runIdOf(decision.scheduleId, missed.to))
  }

  addByRequest(request: RunRequest): Run {
    const now = this.#db.now()
    const run = requestedRun(request, now)
    const number = this.#newRuns.insert(run)
    if (number !== null) {
      this.#hints.note('ready')
      this.#endings.timeAfterRun(request.scheduleId)
    }
    const row = this.#db
      .statement(
        `${SELECT_RUN} WHERE schedule_id = ? AND request_id = ? AND (kind = 'manual' OR fire_time = ?)`,
      )
      .get(run.scheduleId, run.requestId, run.fireTime) as RunRow
    return runOf(row)
  }
}
