import type { EpochMs } from './clock.js'
import type { NodeId, RunId, ScheduleId, TaskName } from './ids.js'
import type { JsonText, JsonValue } from './json.js'
import type { Delivery } from './policies.js'
import type { RetryPolicy } from './retry.js'

export const RUN_STATUSES = [
  'pending',
  'running',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
  'lost',
  'missed',
  'skipped',
] as const

/**
 * `pending` waits for its first attempt; `running` is held by a node under a lease; `retrying` waits for another
 * attempt. Then it ended: `succeeded`, `failed`, `cancelled`, or `lost` (at most once, and its node died).
 * Or it never started: `missed` (not in time) and `skipped` (overlap) are records that say why.
 */
export type RunStatus = (typeof RUN_STATUSES)[number]

/** Every legal change of status. Stores make no other; {@link canBecome} is what the conformance suite checks. */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['running', 'cancelled'],
  // Back to `pending`: handed over before the body started.
  running: ['succeeded', 'failed', 'retrying', 'cancelled', 'lost', 'pending'],
  retrying: ['running', 'cancelled'],
  // A person may ask for another attempt of what did not succeed. Success is final.
  failed: ['pending'],
  cancelled: ['pending'],
  lost: ['pending'],
  missed: ['pending'],
  skipped: ['pending'],
  succeeded: [],
}

export function canBecome(from: RunStatus, to: RunStatus): boolean {
  return RUN_TRANSITIONS[from].includes(to)
}

/** An open run can still execute; it counts for overlap. */
export function isOpen(status: RunStatus): boolean {
  return status === 'pending' || status === 'running' || status === 'retrying'
}

/** The outcomes that pruning keeps for longer. */
export function isFailure(status: RunStatus): boolean {
  return status === 'failed' || status === 'lost'
}

/** Fire times that became no attempt: left out because of overlap, or not there to be made. */
export function isUnstarted(status: RunStatus): boolean {
  return status === 'skipped' || status === 'missed'
}

/** Why a run has the status that it has. `code` is one of ours or the `code` of the error that the handler threw. */
export interface RunError {
  readonly code: string
  readonly message: string
  readonly stack?: string
}

/** `scheduled` by its trigger, `manual` by a request, `backfill` for a past range. */
export type RunKind = 'scheduled' | 'manual' | 'backfill'

/** An attempt that did not end the run. */
export interface PastAttempt {
  readonly attempt: number
  readonly node: NodeId | null
  readonly startedAt: EpochMs | null
  readonly endedAt: EpochMs
  readonly error: RunError
}

/** What one `missed` record stands for: `count` fire times from `from` to `to`, both included. */
export interface MissedRange {
  readonly count: number
  /** False when there were too many to count, and `count` is only how many were counted. */
  readonly exact: boolean
  readonly from: EpochMs
  readonly to: EpochMs
}

/** One request to execute a task, as the store keeps it. */
export interface Run {
  readonly id: RunId
  readonly scheduleId: ScheduleId
  readonly kind: RunKind
  /** For a scheduled run the instant that the trigger named; for a manual one, when it was asked for. */
  readonly fireTime: EpochMs
  /** The interval that led to this fire time, where load had spread them out; `null` where it had not. */
  readonly stretchedMs: number | null
  readonly requestId: string
  readonly task: TaskName
  readonly status: RunStatus
  /** Which attempt is running or ran last; 0 before the first. */
  readonly attempt: number
  /** Who runs it or ran it last. */
  readonly node: NodeId | null
  /** 0 before the first lease. */
  readonly fence: number
  readonly priority: number
  readonly group: string
  readonly delivery: Delivery
  /** From when the next attempt may start: fire time plus jitter, or the end of a retry delay. */
  readonly dueAt: EpochMs
  readonly createdAt: EpochMs
  /** Of the latest attempt. */
  readonly startedAt: EpochMs | null
  readonly endedAt: EpochMs | null
  readonly cancelRequested: boolean
  readonly error: RunError | null
  readonly result: JsonValue
  readonly progress: RunProgress | null
  readonly missed: MissedRange | null
  /** Earlier attempts, oldest first; at most the last 20. */
  readonly attempts: readonly PastAttempt[]
  /** What the handler gets and how it is tried; see {@link RunSpec}. */
  readonly spec: JsonText | null
}

/**
 * The part of the definition that an attempt needs, fixed when the run was created. Absent fields fall back to the
 * task's defaults. Serialised once per revision, not once per fire.
 */
export interface RunSpec {
  readonly input?: JsonValue
  readonly retry?: Partial<RetryPolicy> | null
  readonly timeoutMs?: number | null
}

export interface RunProgress {
  /** 0 to 1, or `null` when the handler only tells in words. */
  readonly fraction: number | null
  readonly message: string | null
  readonly at: EpochMs
}

export const MAX_PAST_ATTEMPTS = 20
/** A run whose nodes keep dying under it is given up after this many recoveries: it may be what kills them. */
export const MAX_RECOVERIES = 5

/** One line that a handler wrote. */
export interface LogLine {
  readonly at: EpochMs
  readonly level: LogLevel
  readonly message: string
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
