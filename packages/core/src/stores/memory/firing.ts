import type { EpochMs } from '../../domain/clock.js'
import { runIdOf, type RunId } from '../../domain/ids.js'
import type { FireTime } from '../../domain/plan.js'
import type { MissedRange } from '../../domain/run.js'
import type { CommitResult, Dispatch, FireDecision, RunRequest } from '../../store/contract.js'
import type { Hints } from '../../store/hints.js'
import type { Calendars } from './calendars.js'
import type { Leasing } from './leasing.js'
import type { RunEndings } from './run-endings.js'
import type { NewRun, RunRecord } from './run-record.js'
import type { RunTable } from './run-table.js'
import type { ScheduleTable } from './schedule-table.js'
import type { StoreClock } from '../../store/store-clock.js'
import { missedReason, OVERLAP, REPLACED } from '../../store/reasons.js'

/** What the decisions of one commit came to. */
interface Created {
  readonly waiting: RunId[]
  readonly skipped: RunId[]
  readonly missed: RunId[]
}

/** How fire times and requests become runs. */
export class Firing {
  readonly #schedules: ScheduleTable
  readonly #calendars: Calendars
  readonly #runs: RunTable
  readonly #endings: RunEndings
  readonly #leasing: Leasing
  readonly #hints: Hints
  readonly #clock: StoreClock

  constructor(
    schedules: ScheduleTable,
    calendars: Calendars,
    runs: RunTable,
    endings: RunEndings,
    leasing: Leasing,
    hints: Hints,
    clock: StoreClock,
  ) {
    this.#schedules = schedules
    this.#calendars = calendars
    this.#runs = runs
    this.#endings = endings
    this.#leasing = leasing
    this.#hints = hints
    this.#clock = clock
  }

  /** @throws {SessionExpiredError} nothing was written. */
  commit(decisions: readonly FireDecision[], dispatch: Dispatch | null): CommitResult {
    if (dispatch !== null) this.#leasing.assertLive(dispatch)
    const created: Created = { waiting: [], skipped: [], missed: [] }
    const committed = decisions.map((decision) => this.#carryOut(decision, created))
    // Everything that is ready competes for the slots, so a new run cannot overtake an older one.
    const claimed = dispatch === null ? [] : this.#leasing.claim(dispatch)
    const waiting = created.waiting.filter((id) => this.#runs.get(id)?.status === 'pending').length
    if (waiting > 0) this.#hints.note('ready')
    return { committed, claimed, waiting, skipped: created.skipped, missed: created.missed }
  }

  #carryOut(decision: FireDecision, created: Created): boolean {
    const { scheduleId, revision, fireTime, runs, missed, next, tzdata, calendarsRevision } = decision
    const schedule = this.#schedules.get(scheduleId)
    const now = this.#clock.now()
    // The compare-and-set: the schedule is as the decision saw it, and it is time.
    if (schedule === null || schedule.revision !== revision || schedule.nextFireTime !== fireTime)
      return false
    if (schedule.state !== 'active' || schedule.dueAt! > now) return false
    if (calendarsRevision !== null && calendarsRevision !== this.#calendars.revision) return false
    const following = next === 'afterRun' ? null : next
    if (following !== null && following.fireTime <= fireTime) return false

    const mark = schedule.highWaterMark ?? -Infinity
    if (missed !== null) this.#recordMissed(decision, missed, now, created)
    let { fires } = schedule
    let reached = Math.max(mark, missed?.to ?? -Infinity)
    for (const fire of runs) {
      if (fire.fireTime <= mark) continue
      reached = Math.max(reached, fire.fireTime)
      if (this.#fire(decision, fire, now, created)) fires++
    }
    // Read again: an overlap rule may have ended runs, and with them changed the schedule.
    this.#schedules.set({
      ...this.#schedules.get(scheduleId)!,
      fires,
      highWaterMark: reached === -Infinity ? null : reached,
      nextFireTime: following?.fireTime ?? null,
      dueAt: following?.dueAt ?? null,
      tzdata: next === null ? null : tzdata,
      stretchedMs: following?.stretchedMs ?? null,
      calendarsRevision,
      ...(next === null && { state: 'finished' as const, afterRunMs: null }),
    })
    this.#endings.timeAfterRun(scheduleId)
    return true
  }

  /** Answers whether the fire time became a run or a skip; `false` when there is a record of it already. */
  #fire(decision: FireDecision, fire: FireTime, now: EpochMs, created: Created): boolean {
    if (this.#runs.get(runIdOf(decision.scheduleId, fire.fireTime)) !== null) return false
    const verdict = this.#overlap(decision)
    const run = newRun(decision, fire)
    if (verdict === 'skipped') {
      const { id } = this.#runs.create({ ...run, status: 'skipped', error: OVERLAP, endedAt: now }, now)!
      created.skipped.push(id)
    } else {
      const { id } = this.#runs.create({ ...run, blocked: verdict === 'blocked' }, now)!
      created.waiting.push(id)
    }
    return true
  }

  #overlap({ scheduleId, overlap }: FireDecision): 'free' | 'blocked' | 'skipped' {
    const open = this.#runs.openOf(scheduleId)
    if (open === null || overlap === 'allow') return 'free'
    switch (overlap) {
      case 'skip':
        return 'skipped'
      case 'bufferOne':
        return open.blocked === 0 ? 'blocked' : 'skipped'
      case 'bufferAll':
        return 'blocked'
      // cancelOther
      default:
        return this.#endings.cancelAllOf(scheduleId, REPLACED) ? 'blocked' : 'free'
    }
  }

  #recordMissed(decision: FireDecision, missed: MissedRange, now: EpochMs, created: Created): void {
    const error = missedReason(missed)
    const run = newRun(decision, { fireTime: missed.to, dueAt: missed.to })
    const record = this.#runs.create(
      { ...run, status: 'missed', error, missed: Object.freeze({ ...missed }), endedAt: now },
      now,
    )
    if (record !== null) created.missed.push(record.id)
  }

  /** The run of an earlier request with the same id, or a new one. */
  addByRequest(request: RunRequest): RunRecord {
    const { scheduleId, requestId, kind, task, spec, delivery, priority, group } = request
    const now = this.#clock.now()
    const fireTime = request.fireTime ?? now
    const known =
      this.#runs.manualRun(scheduleId, requestId) ?? this.#runs.get(runIdOf(scheduleId, fireTime, requestId))
    if (known !== null) return known
    this.#hints.note('ready')
    const run = this.#runs.create(
      { scheduleId, kind, fireTime, requestId, task, spec, delivery, priority, group, dueAt: now },
      now,
    )!
    this.#endings.timeAfterRun(scheduleId)
    return run
  }
}

function newRun(decision: FireDecision, { fireTime, dueAt, stretchedMs = null }: FireTime): NewRun {
  const { scheduleId, task, priority, group, delivery, spec } = decision
  return {
    scheduleId,
    kind: 'scheduled',
    fireTime,
    stretchedMs,
    requestId: '',
    task,
    priority,
    group,
    delivery,
    dueAt,
    spec,
  }
}
