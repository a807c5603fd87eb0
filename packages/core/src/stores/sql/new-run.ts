import type { EpochMs } from '../../domain/clock.js'
import { policyOf } from '../../domain/definition.js'
import { runIdOf } from '../../domain/ids.js'
import type { Fence } from '../../domain/lease.js'
import type { FireTime } from '../../domain/plan.js'
import type { MissedRange, RunKind, RunStatus } from '../../domain/run.js'
import type { Schedule } from '../../domain/schedule.js'
import type { ClaimedRun, FireDecision, RunRequest } from '../../store/contract.js'
import { DROPPED, missedReason, OVERLAP } from '../../store/reasons.js'
import { QUEUE } from './rows.js'

const OVERLAP_ERROR = JSON.stringify(OVERLAP)

/** A row of `runs` before it is one. */
export interface NewRun extends Omit<RunRequest, 'kind' | 'fireTime'>, FireTime {
  readonly kind: RunKind
  readonly status: RunStatus
  readonly queue: number
  readonly lease: { readonly session: number; readonly fence: Fence } | null
  readonly error: string | null
  readonly missed: string | null
}

/** A scheduled run that waits, as the decision describes it. */
export function scheduledRun(decision: FireDecision, fire: FireTime): NewRun {
  return {
    scheduleId: decision.scheduleId,
    requestId: '',
    kind: 'scheduled',
    fireTime: fire.fireTime,
    dueAt: fire.dueAt,
    stretchedMs: fire.stretchedMs ?? null,
    task: decision.task,
    priority: decision.priority,
    group: decision.group,
    delivery: decision.delivery,
    spec: decision.spec,
    status: 'pending',
    queue: QUEUE.ready,
    lease: null,
    error: null,
    missed: null,
  }
}

/** A scheduled run that is leased in the step that creates it. */
export function heldRun(decision: FireDecision, fire: FireTime, lease: NonNullable<NewRun['lease']>): NewRun {
  return { ...scheduledRun(decision, fire), status: 'running', queue: QUEUE.held, lease }
}

/** A scheduled run that ended because another one is open. */
export function skippedRun(decision: FireDecision, fire: FireTime): NewRun {
  return { ...scheduledRun(decision, fire), status: 'skipped', queue: QUEUE.ended, error: OVERLAP_ERROR }
}

/** The record of the fire times that the decision leaves out. */
export function missedRun(decision: FireDecision, missed: MissedRange): NewRun {
  return {
    ...scheduledRun(decision, { fireTime: missed.to, dueAt: missed.to }),
    status: 'missed',
    queue: QUEUE.ended,
    error: JSON.stringify(missedReason(missed)),
    missed: JSON.stringify(missed),
  }
}

/** The record of the fire time that an edit of `existing` drops. */
export function droppedRun(existing: Omit<Schedule, 'lastRun'>, dropped: MissedRange): NewRun {
  const { definition } = existing
  const { delivery, priority, group } = policyOf(definition)
  return {
    scheduleId: existing.id,
    requestId: '',
    kind: 'scheduled',
    fireTime: dropped.to,
    dueAt: existing.dueAt!,
    task: definition.task,
    priority,
    group,
    delivery,
    spec: null,
    status: 'missed',
    queue: QUEUE.ended,
    lease: null,
    error: JSON.stringify(DROPPED),
    missed: JSON.stringify(dropped),
  }
}

export function requestedRun(request: RunRequest, now: EpochMs): NewRun {
  return {
    ...request,
    fireTime: request.fireTime ?? now,
    dueAt: now,
    status: 'pending',
    queue: QUEUE.ready,
    lease: null,
    error: null,
    missed: null,
  }
}

/** Of a {@link heldRun}. */
export function claimedOfNew(run: NewRun, now: EpochMs): ClaimedRun {
  return {
    runId: runIdOf(run.scheduleId, run.fireTime),
    fence: run.lease!.fence,
    scheduleId: run.scheduleId,
    kind: run.kind,
    fireTime: run.fireTime,
    task: run.task,
    attempt: 1,
    delivery: run.delivery,
    dueAt: run.dueAt,
    createdAt: now,
    startedAt: now,
    spec: run.spec,
  }
}
