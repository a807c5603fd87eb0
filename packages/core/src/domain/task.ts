import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { TaskName } from './ids.js'
import type { JsonValue } from './json.js'
import type { RetryPolicy } from './retry.js'
import type { LogLevel, Run } from './run.js'
import type { SqlTransaction } from './sql-transaction.js'

/** What a handler is given. */
export interface TaskContext<Input = unknown> {
  /** Validated: what the task's schema made of the schedule's input. */
  readonly input: Input
  /** The run as it was claimed. `run.id` is the idempotency key: the same for every attempt. */
  readonly run: Pick<Run, 'id' | 'scheduleId' | 'kind' | 'task' | 'dueAt' | 'createdAt'>
  /** 1 for the first. */
  readonly attempt: number
  /** The instant that the trigger named: use it, not the clock, to decide which day or hour is meant. */
  readonly fireTime: Date
  /** Rises with every lease of this run. Hand it to what you write to, so that it can refuse an older one. */
  readonly fence: number
  /** Aborts on timeout, cancellation, a lost lease, or the end of the grace at stop; the reason is the error. */
  readonly signal: AbortSignal
  /** Adds a line to the run's log; 1 MiB per run is kept. */
  readonly log: TaskLog
  /** Tells how far it is: 0 to 1, or words, or both. Kept is the last one. */
  readonly progress: (fraction: number | null, message?: string) => void
  /**
   * Ends the run as succeeded in the handler's own transaction (PostgreSQL): it has ended if and only if that is committed,
   * so that what it wrote there takes effect exactly once. If it is rolled back the run is as if nothing had been called,
   * and may be completed again. Return after the commit; what is thrown, returned or logged then counts no more.
   * @throws {LeaseLostError} LEASE_LOST: the run is with another, and the transaction cannot be committed any more.
   * @throws {EvertickError} UNSUPPORTED; ILLEGAL_STATE where it is no transaction of the store's database
   */
  readonly complete: (transaction: SqlTransaction, result?: unknown) => Promise<void>
}

export interface TaskLog extends Record<LogLevel, (message: string) => void> {
  (message: string): void
}

/** What it returns is stored as JSON: `undefined` becomes null, and what JSON cannot hold is a failed run. */
export type TaskHandler<Input> = (context: TaskContext<Input>) => unknown

/** How much of a task may run at once. */
export interface TaskConcurrency {
  /** In the whole cluster. @default none */
  readonly cluster?: number
  /** On each node. @default the node's slots */
  readonly perNode?: number
}

export interface TaskOptions<Schema extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined> {
  /** Unique in the cluster. */
  readonly name: TaskName
  readonly description?: string
  /** Any Standard Schema (zod, valibot, arktype, …). Checked when a schedule is put, and again before each attempt. */
  readonly input?: Schema
  readonly run: TaskHandler<
    Schema extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<Schema> : JsonValue
  >
  /** `{}` for the default rule. @default none */
  readonly retry?: Partial<RetryPolicy> | null
  /** Per attempt; `null`: none. @default 300000 */
  readonly timeoutMs?: number | null
  readonly concurrency?: TaskConcurrency
}

/**
 * A named handler and its defaults, as {@link defineTask} made it. `run` is written as a method, so that a list may
 * hold tasks of different inputs: each handler only ever gets what its own schema let pass.
 */
export interface Task<Input = unknown> {
  readonly name: TaskName
  readonly description: string | null
  readonly inputSchema: StandardSchemaV1 | null
  run(context: TaskContext<Input>): unknown
  readonly retry: RetryPolicy | null
  readonly timeoutMs: number | null
  readonly concurrency: TaskConcurrency
}
