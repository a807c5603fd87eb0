import type { EpochMs } from '../../domain/clock.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { HistoryPolicy } from '../../domain/policies.js'
import { isFailure, isOpen, isUnstarted } from '../../domain/run.js'
import type { PruneResult } from '../../store/contract.js'
import type { RunLogs } from './run-logs.js'
import type { RunRecord } from './run-record.js'
import type { RunTable } from './run-table.js'
import type { ScheduleTable } from './schedule-table.js'

/** Removes old history, going round the schedules. */
export class Pruning {
  readonly #runs: RunTable
  readonly #schedules: ScheduleTable
  readonly #logs: RunLogs
  /** The schedule that the round has come to. */
  #position: ScheduleId = ''

  constructor(runs: RunTable, schedules: ScheduleTable, logs: RunLogs) {
    this.#runs = runs
    this.#schedules = schedules
    this.#logs = logs
  }

  prune(defaults: HistoryPolicy, limit: number, now: EpochMs): PruneResult {
    let deleted = 0
    for (const scheduleId of this.#runs.scheduleIdsAfter(this.#position)) {
      const old = this.#oldRuns(scheduleId, defaults, limit - deleted, now)
      for (const run of old) {
        this.#runs.delete(run)
        this.#logs.delete(run.id)
      }
      deleted += old.length
      // This schedule may have more: the next call begins with it again.
      if (deleted >= limit) return { deleted, more: true }
      this.#position = scheduleId
    }
    this.#position = ''
    return { deleted, more: false }
  }

  #oldRuns(scheduleId: ScheduleId, defaults: HistoryPolicy, limit: number, now: EpochMs): RunRecord[] {
    const schedule = this.#schedules.get(scheduleId)
    const history = { ...defaults, ...schedule?.definition.history }
    const keys = this.#runs.bySchedule(scheduleId)!
    const reckoning = new Reckoning(history, now)
    const newestFirst = [...keys.ascending()].toReversed().map(({ id }) => this.#runs.get(id)!)
    const old = newestFirst.filter((run, newer) => reckoning.isOld(run) && (newer > 0 || schedule === null))
    return old.toReversed().slice(0, limit)
  }
}

/** Goes through the runs of one schedule, the newest first. */
class Reckoning {
  readonly #history: HistoryPolicy
  readonly #now: EpochMs
  #seen = 0
  #unstarted = 0
  #failuresKept = 0

  constructor(history: HistoryPolicy, now: EpochMs) {
    this.#history = history
    this.#now = now
  }

  isOld(run: RunRecord): boolean {
    const { maxRuns, maxAgeMs, maxFailures, maxFailureAgeMs, maxSkipped } = this.#history
    if (isUnstarted(run.status) && ++this.#unstarted > maxSkipped) return true
    const isBeyond = ++this.#seen > maxRuns
    if (isOpen(run.status)) return false
    const ageMs = this.#now - run.endedAt!
    const isOutlived = isBeyond || ageMs >= maxAgeMs
    if (!isFailure(run.status)) return isOutlived
    return ageMs >= maxFailureAgeMs || (isOutlived && ++this.#failuresKept > maxFailures)
  }
}
