import type { RunId, ScheduleId } from '../../domain/ids.js'
import { isFailure, isOpen, MAX_RECOVERIES, type RunError, type RunStatus } from '../../domain/run.js'
import type { AttemptReport, RecoveredRun } from '../../store/contract.js'
import type { Hints } from '../../store/hints.js'
import { frozenError, isWaiting, type RunRecord, withAttempt } from './run-record.js'
import type { RunTable } from './run-table.js'
import type { ScheduleTable } from './schedule-table.js'
import type { StoreClock } from '../../store/store-clock.js'
import { abandonedBy, CANCELLED, givenUp, NOT_OPEN_THERE, pausedAfter } from '../../store/reasons.js'

type Ending = Exclude<RunStatus, 'pending' | 'running' | 'retrying' | 'missed' | 'skipped'>

/** How attempts and runs end, and what that sets off: failures in a row, the next run in turn, free places. */
export class RunEndings {
  readonly #runs: RunTable
  readonly #schedules: ScheduleTable
  readonly #hints: Hints
  readonly #clock: StoreClock

  constructor(runs: RunTable, schedules: ScheduleTable, hints: Hints, clock: StoreClock) {
    this.#runs = runs
    this.#schedules = schedules
    this.#hints = hints
    this.#clock = clock
  }

  finish({ runId, fence, outcome }: AttemptReport): boolean {
    const run = this.#runs.get(runId)
    if (run === null || run.status !== 'running' || run.fence !== fence) return false
    switch (outcome.kind) {
      case 'succeeded':
        this.#end(run, 'succeeded', null, outcome.result)
        break
      case 'failed':
      case 'cancelled':
        this.#end(run, outcome.kind, outcome.error)
        break
      case 'retry':
        if (run.cancelRequested) this.#end(run, 'cancelled', CANCELLED)
        else this.#tryAgain(run, outcome.error, outcome.delayMs)
        break
      case 'interrupted':
        this.#takeBack(run, outcome.error, run.recoveries)
        break
      case 'released':
        if (run.cancelRequested) this.#end(run, 'cancelled', CANCELLED)
        else this.#handBack(run)
    }
    return true
  }

  /** Takes a run back from a node that died. */
  recover(id: RunId): RecoveredRun {
    const run = this.#runs.get(id)!
    const error = abandonedBy(run.node)
    const { status, scheduleId, task, attempt } =
      run.recoveries < MAX_RECOVERIES || run.delivery === 'atMostOnce' || run.cancelRequested
        ? this.#takeBack(run, error, run.recoveries + 1)
        : this.#end(run, 'failed', givenUp(error))
    return { id, scheduleId, task, status: status as RecoveredRun['status'], attempt }
  }

  cancel(id: RunId): RunRecord | null {
    const run = this.#runs.get(id)
    return run === null ? null : this.#cancel(run, CANCELLED)
  }

  /** Cancels what is open of a schedule; answers whether some of it is still running. */
  cancelAllOf(scheduleId: ScheduleId, reason: RunError): boolean {
    const open = this.#runs.openOf(scheduleId)
    // Blocked ones come last; cancelling the free ones would otherwise let them start.
    for (const id of open?.ids().toReversed() ?? []) this.#cancel(this.#runs.get(id)!, reason)
    return this.#runs.openOf(scheduleId) !== null
  }

  retry(id: RunId): RunRecord | null {
    const run = this.#runs.get(id)
    if (run === null || isOpen(run.status) || run.status === 'succeeded') return run
    this.#hints.note('ready')
    const remembered = run.attempt === 0 || run.attempts.at(-1)?.attempt === run.attempt
    const open = this.#runs.change(run, {
      status: 'pending',
      dueAt: this.#clock.now(),
      attempts: remembered ? run.attempts : withAttempt(run, run.endedAt!, run.error!),
      endedAt: null,
      error: null,
      cancelRequested: false,
      recoveries: 0,
    })
    this.timeAfterRun(run.scheduleId)
    return open
  }

  /** Of a schedule that fires after the end of its last run: takes the fire time away, or gives it one. */
  timeAfterRun(scheduleId: ScheduleId): void {
    const schedule = this.#schedules.get(scheduleId)
    if (schedule === null || schedule.afterRunMs === null) return
    const isOpen = this.#runs.openOf(scheduleId) !== null
    if (isOpen === (schedule.nextFireTime === null)) return
    const at = isOpen ? null : this.#clock.now() + schedule.afterRunMs
    this.#schedules.set({ ...schedule, nextFireTime: at, dueAt: at })
    this.#hints.note('due')
  }

  /** Cancels a run that waits here, and does not where its schedule was imported from. */
  cancelImported(run: RunRecord): void {
    this.#end(run, 'cancelled', NOT_OPEN_THERE)
  }

  #cancel(run: RunRecord, error: RunError): RunRecord {
    if (isWaiting(run)) return this.#end(run, 'cancelled', error)
    if (run.status !== 'running' || run.cancelRequested) return run
    this.#hints.note('cancel')
    return this.#runs.change(run, { cancelRequested: true })
  }

  /** The attempt ended without the run's doing: its delivery decides whether it may begin again. */
  #takeBack(run: RunRecord, error: RunError, recoveries: number): RunRecord {
    if (run.cancelRequested) return this.#end(run, 'cancelled', CANCELLED)
    if (run.delivery === 'atMostOnce') return this.#end(run, 'lost', error)
    return this.#tryAgain(run, error, 0, recoveries)
  }

  #tryAgain(run: RunRecord, error: RunError, delayMs: number, recoveries = run.recoveries): RunRecord {
    const now = this.#clock.now()
    this.#hints.note('ready')
    return this.#runs.change(run, {
      status: 'retrying',
      session: null,
      dueAt: now + delayMs,
      error: frozenError(error),
      attempts: withAttempt(run, now, error),
      recoveries,
    })
  }

  #handBack(run: RunRecord): void {
    const previous = run.attempts.at(-1)
    this.#hints.note('ready')
    this.#runs.change(run, {
      status: 'pending',
      session: null,
      dueAt: this.#clock.now(),
      attempt: run.attempt - 1,
      node: previous?.node ?? null,
      startedAt: previous?.startedAt ?? null,
    })
  }

  #end(run: RunRecord, status: Ending, error: RunError | null, result: string | null = null): RunRecord {
    const ended = this.#runs.change(run, {
      status,
      session: null,
      blocked: false,
      endedAt: this.#clock.now(),
      error: error === null ? null : frozenError(error),
      result,
    })
    this.#countFailure(ended)
    this.letNextStart(ended.scheduleId)
    this.timeAfterRun(ended.scheduleId)
    // A place under the task's cluster limit may be free now.
    if (run.status === 'running' && this.#runs.waitingOf(run.task) > 0) this.#hints.note('ready')
    return ended
  }

  /** Lets the first blocked run of a schedule go ahead once nothing is open before it. */
  letNextStart(scheduleId: ScheduleId): void {
    const id = this.#runs.openOf(scheduleId)?.nextInTurn() ?? null
    if (id === null) return
    this.#runs.change(this.#runs.get(id)!, { blocked: false })
    this.#hints.note('ready')
  }

  #countFailure({ scheduleId, status }: RunRecord): void {
    const schedule = this.#schedules.get(scheduleId)
    if (schedule === null || (status !== 'succeeded' && !isFailure(status))) return
    const failures = status === 'succeeded' ? 0 : schedule.consecutiveFailures + 1
    const limit = schedule.definition.pauseAfterFailures ?? null
    const pauses = schedule.state === 'active' && limit !== null && failures >= limit
    if (!pauses) {
      if (failures !== schedule.consecutiveFailures)
        this.#schedules.set({ ...schedule, consecutiveFailures: failures })
      return
    }
    this.#schedules.set({
      ...schedule,
      consecutiveFailures: failures,
      state: 'paused',
      stateReason: pausedAfter(failures),
      revision: schedule.revision + 1,
      updatedAt: this.#clock.now(),
    })
  }
}
