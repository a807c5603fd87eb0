import type { EpochMs } from '../../domain/clock.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { HistoryPolicy } from '../../domain/policies.js'
import { isFailure, isOpen } from '../../domain/run.js'
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
    const old: RunRecord[] = []
    let newer = keys.size
    for (const key of keys.ascending()) {
      newer--
      const run = this.#runs.get(key.id)!
      const isLast = newer === 0
      if (isLast && schedule !== null) break
      if (old.length < limit && isOld(run, history, isLast ? 0 : newer, now)) old.push(run)
    }
    return old
  }
}

/** `newer`: how many runs of the schedule have a later fire time. */
function isOld(run: RunRecord, history: HistoryPolicy, newer: number, now: EpochMs): boolean {
  if (isOpen(run.status)) return false
  const ageMs = now - run.endedAt!
  if (isFailure(run.status)) return ageMs >= history.maxFailureAgeMs
  return newer >= history.maxRuns || ageMs >= history.maxAgeMs
}
