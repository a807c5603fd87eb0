import { MAX_PAST_ATTEMPTS, MAX_RECOVERIES, type PastAttempt, type RunError } from '../../domain/run.js'
import type { AttemptOutcome } from '../../store/contract.js'
import { abandonedBy, CANCELLED, givenUp } from '../../store/reasons.js'
import { parsed, QUEUE, type RunRow } from '../sql/rows.js'

/** A run while it is locked: what decides about its next state, and what may change. */
export interface HeldRun extends Pick<
  RunRow,
  | 'number'
  | 'schedule_id'
  | 'fire_time'
  | 'request_id'
  | 'task'
  | 'status'
  | 'queue'
  | 'attempt'
  | 'recoveries'
  | 'fence'
  | 'delivery'
  | 'due_at'
  | 'started_at'
  | 'ended_at'
  | 'error'
  | 'result'
  | 'attempts'
  | 'node'
> {
  cancel_requested: boolean
}

type Ending = 'succeeded' | 'failed' | 'cancelled' | 'lost'

// Each answers the run as it is afterwards.

export function afterAttempt(run: HeldRun, outcome: AttemptOutcome, now: number): HeldRun {
  switch (outcome.kind) {
    case 'succeeded':
      return { ...ended(run, 'succeeded', null, now), result: outcome.result }
    case 'failed':
    case 'cancelled':
      return ended(run, outcome.kind, outcome.error, now)
    case 'retry':
      return putBack(run, outcome.error, outcome.delayMs, now)
    case 'interrupted':
      return takenBack(run, outcome.error, now)
    default:
      return released(run, now)
  }
}

export function ended(run: HeldRun, status: Ending, error: RunError | null, now: number): HeldRun {
  const text = error === null ? null : JSON.stringify(error)
  return { ...run, status, queue: QUEUE.ended, ended_at: now, error: text }
}

function putBack(run: HeldRun, error: RunError, delayMs: number, now: number): HeldRun {
  if (run.cancel_requested) return ended(run, 'cancelled', CANCELLED, now)
  return {
    ...run,
    status: 'retrying',
    queue: delayMs > 0 ? QUEUE.delayed : QUEUE.ready,
    due_at: now + delayMs,
    error: JSON.stringify(error),
    attempts: withPastAttempt(run, error, now),
  }
}

/** Its node had to let go of it while the body ran: its delivery decides whether it may begin again. */
function takenBack(run: HeldRun, error: RunError, now: number): HeldRun {
  if (run.cancel_requested) return ended(run, 'cancelled', CANCELLED, now)
  return run.delivery === 'atMostOnce' ? ended(run, 'lost', error, now) : putBack(run, error, 0, now)
}

function released(run: HeldRun, now: number): HeldRun {
  if (run.cancel_requested) return ended(run, 'cancelled', CANCELLED, now)
  return {
    ...run,
    status: 'pending',
    queue: QUEUE.ready,
    attempt: run.attempt - 1,
    due_at: now,
    started_at: null,
  }
}

/** Its node died, perhaps of it: that may happen only so often. */
export function recovered(run: HeldRun, now: number): HeldRun {
  const error = abandonedBy(run.node)
  const mayGoOn = run.delivery === 'atLeastOnce' && !run.cancel_requested
  if (mayGoOn && run.recoveries >= MAX_RECOVERIES) return ended(run, 'failed', givenUp(error), now)
  return takenBack({ ...run, recoveries: run.recoveries + 1 }, error, now)
}

/** An ended run that did not succeed, for one more attempt. */
export function retried(run: HeldRun, now: number): HeldRun {
  const error = parsed<RunError>(run.error) ?? CANCELLED
  return {
    ...run,
    status: 'pending',
    queue: QUEUE.ready,
    due_at: now,
    ended_at: null,
    error: null,
    attempts: run.attempt > 0 ? withPastAttempt(run, error, run.ended_at!) : run.attempts,
    recoveries: 0,
    cancel_requested: false,
  }
}

function withPastAttempt(run: HeldRun, error: RunError, endedAt: number): string {
  const attempt: PastAttempt = {
    attempt: run.attempt,
    node: run.node,
    startedAt: run.started_at,
    endedAt,
    error,
  }
  return JSON.stringify([...(parsed<PastAttempt[]>(run.attempts) ?? []), attempt].slice(-MAX_PAST_ATTEMPTS))
}
