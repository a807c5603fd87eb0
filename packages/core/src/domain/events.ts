import type { EpochMs } from './clock.js'
import type { NodeId, RunId, ScheduleId, TaskName } from './ids.js'
import type { JsonValue } from './json.js'
import type { RunError, RunStatus } from './run.js'

export interface RunEvent {
  readonly runId: RunId
  readonly scheduleId: ScheduleId
  readonly task: TaskName
  readonly fireTime: EpochMs
  readonly attempt: number
  readonly fence: number
}

/** What this node did or saw. */
export interface SchedulerEvents {
  'run.started': RunEvent
  'run.succeeded': RunEvent & { readonly durationMs: number; readonly result: JsonValue }
  'run.failed': RunEvent & { readonly durationMs: number; readonly error: RunError }
  'run.retrying': RunEvent & { readonly error: RunError; readonly delayMs: number }
  'run.cancelled': RunEvent & { readonly error: RunError }
  /** The outcome was refused: the run is with another node, or gone. */
  'run.leaseLost': RunEvent
  'run.missed': { readonly runId: RunId; readonly scheduleId: ScheduleId }
  'run.skipped': { readonly runId: RunId; readonly scheduleId: ScheduleId }
  /** A run of a dead node was taken back. */
  'run.recovered': { readonly runId: RunId; readonly scheduleId: ScheduleId; readonly status: RunStatus }
  /** Runs have waited for a minute for a task that no living node knows: of an older or a newer release. */
  'task.unclaimed': { readonly task: TaskName; readonly waiting: number }
  'schedule.broken': { readonly scheduleId: ScheduleId; readonly error: RunError }
  /** The store had lost acknowledged writes; what this node had seen of fires and runs was restored, edits may be gone. */
  'store.writesLost': { readonly store: string }
  /** The store holds other data than was opened, or none: nothing fires here until it is restored, or the node restarted. */
  'store.replaced': { readonly store: string }
  /** The store has no room for what is new; told once until there is. What is under way still ends. */
  'store.full': { readonly store: string }
  'node.sessionLost': { readonly node: NodeId }
}

export interface Health {
  readonly ready: boolean
  /** Why not; empty when ready. */
  readonly problems: readonly string[]
  readonly lastPeekAgeMs: number | null
  readonly overdueMs: number
}
