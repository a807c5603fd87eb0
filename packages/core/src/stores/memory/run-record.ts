import type { EpochMs } from '../../domain/clock.js'
import { runIdOf, type RunId, type ScheduleId, type SessionId } from '../../domain/ids.js'
import type { JsonText, JsonValue } from '../../domain/json.js'
import type { Fence } from '../../domain/lease.js'
import { MAX_PAST_ATTEMPTS, type PastAttempt, type Run, type RunError } from '../../domain/run.js'
import type { ClaimedRun } from '../../store/contract.js'

/** What a run's place in every list depends on; the same object for all versions of a run. */
export interface RunKey {
  readonly id: RunId
  readonly scheduleId: ScheduleId
  readonly fireTime: EpochMs
  readonly requestId: string
  /** In the order of creation. */
  readonly sequence: number
}

/** A run as this store keeps it. Records are frozen: a change makes a new one, so what was handed out never moves. */
export interface RunRecord extends Omit<Run, 'result'> {
  readonly key: RunKey
  readonly result: JsonText | null
  /** Who holds it; `null` unless it is running. */
  readonly session: SessionId | null
  /** Waits for an earlier run of its schedule to end. */
  readonly blocked: boolean
  readonly recoveries: number
}

/** What is known of a run when it is created. */
export type NewRun = Pick<
  RunRecord,
  | 'scheduleId'
  | 'kind'
  | 'fireTime'
  | 'requestId'
  | 'task'
  | 'priority'
  | 'group'
  | 'delivery'
  | 'dueAt'
  | 'spec'
> &
  Partial<Pick<RunRecord, 'stretchedMs' | 'status' | 'blocked' | 'error' | 'missed' | 'endedAt'>>

export function newRecord(run: NewRun, sequence: number, now: EpochMs): RunRecord {
  const { scheduleId, fireTime, requestId } = run
  const id = runIdOf(scheduleId, fireTime, requestId)
  return Object.freeze({
    key: Object.freeze({ id, scheduleId, fireTime, requestId, sequence }),
    id,
    stretchedMs: null,
    status: 'pending',
    attempt: 0,
    node: null,
    fence: 0,
    createdAt: now,
    startedAt: null,
    endedAt: null,
    cancelRequested: false,
    error: null,
    result: null,
    progress: null,
    missed: null,
    attempts: NO_ATTEMPTS,
    session: null,
    blocked: false,
    recoveries: 0,
    ...run,
  })
}

const NO_ATTEMPTS: readonly PastAttempt[] = Object.freeze([])

export function changed(record: RunRecord, changes: Partial<Omit<RunRecord, keyof RunKey>>): RunRecord {
  return Object.freeze({ ...record, ...changes })
}

/** The record as callers see it. The result is parsed anew each time, the rest is frozen. */
export function runOf(record: RunRecord): Run {
  return {
    id: record.id,
    scheduleId: record.scheduleId,
    kind: record.kind,
    fireTime: record.fireTime,
    stretchedMs: record.stretchedMs,
    requestId: record.requestId,
    task: record.task,
    status: record.status,
    attempt: record.attempt,
    node: record.node,
    fence: record.fence,
    priority: record.priority,
    group: record.group,
    delivery: record.delivery,
    dueAt: record.dueAt,
    createdAt: record.createdAt,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    cancelRequested: record.cancelRequested,
    error: record.error,
    result: record.result === null ? null : (JSON.parse(record.result) as JsonValue),
    progress: record.progress,
    missed: record.missed,
    attempts: record.attempts,
    spec: record.spec,
  }
}

/** The lease on a record that is running. */
export function claimedOf(record: RunRecord): ClaimedRun {
  return {
    runId: record.id,
    fence: record.fence as Fence,
    scheduleId: record.scheduleId,
    kind: record.kind,
    fireTime: record.fireTime,
    task: record.task,
    attempt: record.attempt,
    delivery: record.delivery,
    dueAt: record.dueAt,
    createdAt: record.createdAt,
    startedAt: record.startedAt!,
    spec: record.spec,
  }
}

/** The past attempts with the present one, which ended at `endedAt` with `error`; the newest are kept. */
export function withAttempt(record: RunRecord, endedAt: EpochMs, error: RunError): readonly PastAttempt[] {
  const { attempts, attempt, node, startedAt } = record
  const past = Object.freeze({ attempt, node, startedAt, endedAt, error: frozenError(error) })
  return Object.freeze([...attempts, past].slice(-MAX_PAST_ATTEMPTS))
}

export function frozenError(error: RunError): RunError {
  return Object.freeze({ ...error })
}

export function isWaiting({ status }: Pick<Run, 'status'>): boolean {
  return status === 'pending' || status === 'retrying'
}
