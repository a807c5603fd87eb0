import type { RunEvent } from '../domain/events.js'
import type { EvertickError } from '../domain/errors.js'
import { LeaseLostError } from '../domain/errors.js'
import type { RunId, TaskName } from '../domain/ids.js'
import type { Lease } from '../domain/lease.js'
import type { JsonValue } from '../domain/json.js'
import type { Task } from '../domain/task.js'
import type { AttemptOutcome, ClaimedRun } from '../store/contract.js'
import { Attempt, type AttemptOptions } from './attempt.js'
import type { NodeEvents } from './node-events.js'
import type { Slots } from './slots.js'

export interface AttemptsOptions extends Omit<AttemptOptions, 'run' | 'task' | 'ended'> {
  readonly tasks: ReadonlyMap<TaskName, Task>
  readonly slots: Slots
  readonly events: NodeEvents
  readonly slotFreed: () => void
}

/** The attempts under way on this node. */
export class Attempts {
  readonly #options: AttemptsOptions
  readonly #running = new Map<RunId, Attempt>()
  #idle: (() => void)[] = []

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  start(run: ClaimedRun): void {
    const { tasks, slots, events } = this.#options
    const task = tasks.get(run.task)
    if (task === undefined)
      throw new Error(`The store leased run ${run.runId} of task ${run.task}, which was not offered`)
    const attempt = new Attempt({
      ...this.#options,
      run,
      task,
      ended: (ended, outcome) => this.#ended(ended, outcome),
    })
    slots.take(run.task)
    this.#running.set(run.runId, attempt)
    if (events.has('run.started')) events.emit('run.started', eventOf(run))
    attempt.start()
  }

  /** Hands back a run whose body never began. */
  release(run: ClaimedRun): void {
    this.#options.reporter.outcome(run, { kind: 'released' }, () => {})
  }

  cancel(runs: readonly RunId[], reason: EvertickError): void {
    for (const id of runs) this.#running.get(id)?.abort(reason)
  }

  abortAll(reason: EvertickError): void {
    for (const attempt of this.#running.values()) attempt.abort(reason)
  }

  /** The store says that this lease is with another, or ended. */
  lose({ runId, fence }: Lease): void {
    const attempt = this.#running.get(runId)
    if (attempt?.claimed.fence === fence) attempt.abort(new LeaseLostError(runId, fence))
  }

  /** The session is gone: each handler learns that its lease is lost. */
  loseAll(): void {
    for (const attempt of this.#running.values()) {
      const { runId, fence } = attempt.claimed
      attempt.abort(new LeaseLostError(runId, fence))
    }
  }

  /** Resolves when nothing is running. */
  async idle(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #ended(attempt: Attempt, outcome: AttemptOutcome | null): void {
    const { slots, reporter, events, slotFreed } = this.#options
    const run = attempt.claimed
    const { durationMs } = attempt
    // Another attempt of the same run may have come back to this node in a new session.
    if (this.#running.get(run.runId) === attempt) this.#running.delete(run.runId)
    slots.give(run.task)
    slotFreed()
    if (outcome === null && !attempt.mayBeComplete) events.emit('run.leaseLost', eventOf(run))
    else {
      const answered = (written: AttemptOutcome | null): void => this.#answered(run, written, durationMs)
      reporter.outcome(run, outcome, answered, () => attempt.mayBeComplete)
    }
    if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #answered(run: ClaimedRun, outcome: AttemptOutcome | null, durationMs: number): void {
    const { events } = this.#options
    if (outcome === null) {
      events.emit('run.leaseLost', eventOf(run))
      return
    }
    const event = eventOf(run)
    switch (outcome.kind) {
      case 'succeeded':
        if (events.has('run.succeeded')) {
          const result = outcome.result === null ? null : (JSON.parse(outcome.result) as JsonValue)
          events.emit('run.succeeded', { ...event, durationMs, result })
        }
        break
      case 'failed':
        events.emit('run.failed', { ...event, durationMs, error: outcome.error })
        break
      case 'retry':
        events.emit('run.retrying', { ...event, error: outcome.error, delayMs: outcome.delayMs })
        break
      case 'cancelled':
        events.emit('run.cancelled', { ...event, error: outcome.error })
        break
      case 'interrupted':
      case 'released':
        break
    }
  }
}

function eventOf({ runId, scheduleId, task, fireTime, attempt, fence }: ClaimedRun): RunEvent {
  return { runId, scheduleId, task, fireTime, attempt, fence }
}
