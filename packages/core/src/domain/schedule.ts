import type { EpochMs } from './clock.js'
import type { ScheduleId, TaskName } from './ids.js'
import type { JsonValue } from './json.js'
import type { AdaptivePolicy, HistoryPolicy, SchedulePolicy } from './policies.js'
import type { RetryPolicy } from './retry.js'
import type { Run } from './run.js'
import type { TriggerJson } from './trigger.js'

export const SCHEDULE_STATES = ['active', 'paused', 'finished', 'broken'] as const

/** `finished`: no fire time is left. `broken`: its trigger cannot be computed; `stateReason` says why. */
export type ScheduleState = (typeof SCHEDULE_STATES)[number]

/**
 * What the user wrote, and what is stored: absent fields mean the defaults. Canonical: `start` and `end` are ISO 8601
 * in UTC with milliseconds, `retry`, `adaptive` and `history` hold only what was given.
 */
export interface ScheduleDefinition extends Partial<Omit<SchedulePolicy, 'adaptive' | 'history'>> {
  readonly id: ScheduleId
  readonly task: TaskName
  readonly trigger: TriggerJson
  /** At most 64 KiB of JSON. @default null */
  readonly input?: JsonValue
  readonly description?: string
  /** No fire time before this instant. */
  readonly start?: string
  /** No fire time after this instant. */
  readonly end?: string
  /** The schedule is finished after this many fire times became runs or were skipped; missed ones do not count. */
  readonly maxFires?: number
  /** `null`: no retries, whatever the task says. Absent: the task's own rule. */
  readonly retry?: Partial<RetryPolicy> | null
  /** Per attempt; `null`: none. Absent: the task's own, or 5 minutes. */
  readonly timeoutMs?: number | null
  /** Spreads an interval out while the cluster is under load. @default none */
  readonly adaptive?: Pick<AdaptivePolicy, 'maxIntervalMs'> & Partial<AdaptivePolicy>
  readonly history?: Partial<HistoryPolicy>
}

/** A schedule as the store keeps it. */
export interface Schedule {
  readonly id: ScheduleId
  readonly definition: ScheduleDefinition
  readonly state: ScheduleState
  readonly stateReason: string | null
  /** Rises with every change of definition or state, never by firing. */
  readonly revision: number
  /**
   * The next fire time; `null` when finished, and while an interval after completion waits for its run to end. Kept
   * while paused.
   */
  readonly nextFireTime: EpochMs | null
  /** When that fire time is due: it plus its jitter. */
  readonly dueAt: EpochMs | null
  /**
   * The version of the time zone database that the next fire time was computed with, `null` where there is none. The
   * stored fire time wins over what a node with another version would compute.
   */
  readonly tzdata: string | null
  /**
   * How far before the next fire time the last one lies, where load has spread them out ({@link AdaptivePolicy}); `null`
   * where it has not.
   */
  readonly stretchedMs: number | null
  /** The latest fire time that became a run, a skip or a miss. Survives pruning and, for a day, deletion. */
  readonly highWaterMark: EpochMs | null
  /** Fire times that became runs or were skipped. */
  readonly fires: number
  readonly consecutiveFailures: number
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
  readonly lastRun: LastRun | null
}

export type LastRun = Pick<Run, 'id' | 'status' | 'fireTime' | 'startedAt' | 'endedAt'>
