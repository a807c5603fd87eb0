import { LeaseLostError } from '../domain/errors.js'
import { SIZE_LIMITS } from '../domain/policies.js'
import type { LogLevel } from '../domain/run.js'
import type { SqlTransaction } from '../domain/sql-transaction.js'
import type { TaskContext, TaskLog } from '../domain/task.js'
import type { ClaimedRun, RunUpdate, Store } from '../store/contract.js'
import { withinTransaction } from '../store/within-transaction.js'
import type { Reporter } from './reporter.js'
import { resultOf } from './run-result.js'

// Characters. One line must not take the place of all others.
const LONGEST_LINE = 16 * 1024

/** What a handler sees of its attempt. What few handlers use is made when it is first asked for. */
export class HandlerContext implements TaskContext {
  input: unknown = null
  readonly #run: ClaimedRun
  readonly #reporter: Reporter
  readonly #store: Store
  /** What was written since the handler began to complete its run: that may have ended, or may go on. */
  #unsent: RunUpdate[] | null = null
  #controller: AbortController | null = null
  #aborted: { readonly reason: Error } | null = null
  #log: TaskLog | null = null
  #logBytes = 0
  #closed = false

  constructor(run: ClaimedRun, reporter: Reporter, store: Store) {
    this.#run = run
    this.#reporter = reporter
    this.#store = store
  }

  get run(): TaskContext['run'] {
    const { runId, scheduleId, kind, task, dueAt, createdAt } = this.#run
    return { id: runId, scheduleId, kind, task, dueAt, createdAt }
  }

  get attempt(): number {
    return this.#run.attempt
  }

  get fireTime(): Date {
    return new Date(this.#run.fireTime)
  }

  get fence(): number {
    return this.#run.fence
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.#aborted !== null) this.#controller.abort(this.#aborted.reason)
    }
    return this.#controller.signal
  }

  get log(): TaskLog {
    if (this.#log === null) {
      const at =
        (level: LogLevel) =>
        (message: string): void =>
          this.#write(level, message)
      this.#log = Object.assign(at('info'), {
        debug: at('debug'),
        info: at('info'),
        warn: at('warn'),
        error: at('error'),
      })
    }
    return this.#log
  }

  // Bound, so that a handler may take it out of its context.
  get progress(): TaskContext['progress'] {
    return (fraction, message) => this.#progress(fraction, message)
  }

  #progress(fraction: number | null, message: string | undefined): void {
    if (fraction !== null && !(fraction >= 0 && fraction <= 1)) {
      throw new RangeError(`progress must be a number from 0 to 1, or null, but is ${fraction}`)
    }
    if (this.#closed) return
    const { runId, fence } = this.#run
    const words = message === undefined ? null : String(message).slice(0, 1000)
    this.#update({ runId, fence, log: [], progress: { fraction, message: words } })
  }

  #write(level: LogLevel, message: string): void {
    // The store keeps no more than its limit; the line that crosses it is sent, so that the store marks the cut.
    if (this.#closed || this.#logBytes > SIZE_LIMITS.logPerRun) return
    const { runId, fence } = this.#run
    const whole = String(message)
    const text = whole.length > LONGEST_LINE ? `${whole.slice(0, LONGEST_LINE - 1)}…` : whole
    this.#logBytes += Buffer.byteLength(text) + 1
    this.#update({ runId, fence, log: [{ level, message: text }], progress: null })
  }

  #update(update: RunUpdate): void {
    if (this.#unsent === null) this.#reporter.update(update)
    else this.#unsent.push(update)
  }

  get complete(): TaskContext['complete'] {
    return (transaction, result) => this.#complete(transaction, result)
  }

  async #complete(transaction: SqlTransaction, result: unknown): Promise<void> {
    const { runId, fence } = this.#run
    const within = withinTransaction(this.#store, transaction)
    const outcome = { kind: 'succeeded', result: resultOf(result) } as const
    // Until the transaction ends, what is written would wait for it; what was written before is in the store before it.
    this.#unsent ??= []
    await this.#reporter.written(runId)
    const [accepted] = await within.finish([{ runId, fence, outcome }])
    if (accepted !== true) throw new LeaseLostError(runId, fence)
  }

  /** The handler may have ended its run itself: only the store knows whether that was committed. */
  get mayBeComplete(): boolean {
    return this.#unsent !== null
  }

  abort(reason: Error): void {
    this.#aborted = { reason }
    this.#controller?.abort(reason)
  }

  /** The attempt has ended: what the handler still writes is dropped, for it could only be refused. */
  close(): void {
    this.#closed = true
    // Refused, and rightly, where the run was completed.
    for (const update of this.#unsent ?? []) this.#reporter.update(update)
  }
}
