import type { Logger } from '../domain/logger.js'
import type { Clock, Random } from '../domain/clock.js'
import { EvertickError, messageOf } from '../domain/errors.js'
import { completeRetry } from '../domain/define-task.js'
import { retryDelayMs } from '../domain/retry.js'
import type { RunError, RunSpec } from '../domain/run.js'
import type { Task } from '../domain/task.js'
import type { AttemptOutcome, ClaimedRun, Store } from '../store/contract.js'
import { checkInput } from '../domain/check-input.js'
import { HandlerContext } from './handler-context.js'
import type { Reporter } from './reporter.js'
import { isRetryable, runErrorOf } from './run-error.js'
import { resultOf } from './run-result.js'

/** A handler that was told to end gets this long before the attempt is ended without it. */
export const ABORT_GRACE_MS = 6000

export interface AttemptOptions {
  readonly run: ClaimedRun
  readonly task: Task
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly reporter: Reporter
  readonly store: Store
  /** Called once, when the attempt needs its slot no more; `null`: nothing is to be reported. */
  readonly ended: (attempt: Attempt, outcome: AttemptOutcome | null) => void
}

/** One try at a run on this node: calls the handler, watches its time, and decides the outcome. */
export class Attempt {
  readonly #options: AttemptOptions
  readonly #spec: RunSpec
  readonly #context: HandlerContext
  readonly #startedAt: number
  #abortReason: EvertickError | null = null
  #cancelTimer: (() => void) | null = null
  #settled = false

  constructor(options: AttemptOptions) {
    this.#options = options
    this.#spec = options.run.spec === null ? {} : (JSON.parse(options.run.spec) as RunSpec)
    this.#context = new HandlerContext(options.run, options.reporter, options.store)
    this.#startedAt = options.clock.monotonic()
  }

  get claimed(): ClaimedRun {
    return this.#options.run
  }

  /** The handler may have ended its run in a transaction of its own. */
  get mayBeComplete(): boolean {
    return this.#context.mayBeComplete
  }

  /** How long it has been under way. */
  get durationMs(): number {
    return Math.round(this.#options.clock.monotonic() - this.#startedAt)
  }

  /** Calls the handler. Never throws and never rejects: how it ends goes to `ended`. */
  start(): void {
    try {
      const checked = checkInput(this.#options.task, this.#spec.input ?? null)
      const pending = isPromiseLike(checked)
        ? checked.then((input) => this.#call(input))
        : this.#call(checked)
      if (isPromiseLike(pending)) this.#await(pending)
      else this.#succeeded(pending)
    } catch (error) {
      this.#failed(error)
    }
  }

  #call(input: unknown): unknown {
    // Told to end while its input was being checked: then it does not begin.
    if (this.#abortReason !== null) throw this.#abortReason
    this.#context.input = input
    return this.#options.task.run(this.#context)
  }

  #await(pending: PromiseLike<unknown>): void {
    const timeoutMs = this.#spec.timeoutMs === undefined ? this.#options.task.timeoutMs : this.#spec.timeoutMs
    if (timeoutMs !== null) {
      this.#cancelTimer = this.#options.clock.setTimer(() => {
        this.abort(new EvertickError('TIMEOUT', `The attempt ran longer than its timeout of ${timeoutMs} ms`))
      }, timeoutMs)
    }
    pending.then(
      (value) => this.#succeeded(value),
      (error: unknown) => this.#failed(error),
    )
  }

  /** Tells the handler to end, and ends the attempt without it when it does not. The first reason counts. */
  abort(reason: EvertickError): void {
    if (this.#settled || this.#abortReason !== null) return
    this.#abortReason = reason
    this.#cancelTimer?.()
    this.#cancelTimer = this.#options.clock.setTimer(() => {
      this.#options.log.warn(
        { runId: this.claimed.runId, reason: reason.code },
        'A handler did not end when told to; its slot is given up',
      )
      this.#failed(reason)
    }, ABORT_GRACE_MS)
    this.#context.abort(reason)
  }

  #succeeded(value: unknown): void {
    if (this.#settled) return
    let result: string | null
    try {
      result = resultOf(value)
    } catch (error) {
      const message = `The result is not JSON: ${messageOf(error)}`
      this.#end({ kind: 'failed', error: { code: 'HANDLER_FAILED', message } })
      return
    }
    this.#end({ kind: 'succeeded', result })
  }

  #failed(thrown: unknown): void {
    if (this.#settled) return
    const reason = this.#abortReason
    const code = reason?.code
    // After an abort the reason tells more than the error that the handler made of it.
    const error = runErrorOf(reason ?? thrown)
    if (code === 'LEASE_LOST') this.#end(null)
    else if (code === 'CANCELLED') this.#end({ kind: 'cancelled', error })
    else if (code === 'STOPPING') this.#end({ kind: 'interrupted', error })
    else this.#retryOrFail(thrown, error)
  }

  #retryOrFail(thrown: unknown, error: RunError): void {
    const { task, random } = this.#options
    const own = this.#spec.retry
    const retry = own === undefined ? task.retry : completeRetry(own)
    const delayMs = isRetryable(thrown) ? retryDelayMs(retry, this.claimed.attempt, random) : null
    this.#end(delayMs === null ? { kind: 'failed', error } : { kind: 'retry', error, delayMs })
  }

  #end(outcome: AttemptOutcome | null): void {
    this.#settled = true
    this.#context.close()
    this.#cancelTimer?.()
    this.#options.ended(this, outcome)
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
