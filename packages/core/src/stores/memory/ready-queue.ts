import type { EpochMs } from '../../domain/clock.js'
import type { TaskName } from '../../domain/ids.js'
import type { RunRecord } from './run-record.js'
import { SortedSet } from './sorted-set.js'

type Queue = SortedSet<RunRecord>

/** The waiting runs that nothing blocks: first those whose time is to come, then those that may start. */
export class ReadyQueue {
  readonly #delayed: Queue = new SortedSet(byDueTime)
  readonly #ready = new Map<TaskName, Map<string, Queue>>()

  add(record: RunRecord): void {
    this.#delayed.add(record)
  }

  delete(record: RunRecord): void {
    if (this.#delayed.delete(record)) return
    const groups = this.#ready.get(record.task)
    const queue = groups?.get(record.group)
    if (groups === undefined || queue === undefined) return
    queue.delete(record)
    if (queue.size === 0) groups.delete(record.group)
    if (groups.size === 0) this.#ready.delete(record.task)
  }

  /** The queues of `task` in these groups that are not empty, each with what may start now, the first to start first. */
  queuesOf(task: TaskName, groups: readonly string[], now: EpochMs): Queue[] {
    this.#promote(now)
    const byGroup = this.#ready.get(task)
    if (byGroup === undefined) return []
    return groups.flatMap((group) => byGroup.get(group) ?? [])
  }

  #promote(now: EpochMs): void {
    for (
      let next = this.#delayed.first();
      next !== undefined && next.dueAt <= now;
      next = this.#delayed.first()
    ) {
      this.#delayed.delete(next)
      const groups = this.#ready.get(next.task) ?? new Map<string, Queue>()
      this.#ready.set(next.task, groups)
      const queue = groups.get(next.group) ?? new SortedSet(byPriority)
      groups.set(next.group, queue)
      queue.add(next)
    }
  }
}

/** The order in which ready runs start. */
export function byPriority(a: RunRecord, b: RunRecord): number {
  return b.priority - a.priority || byDueTime(a, b)
}

function byDueTime(a: RunRecord, b: RunRecord): number {
  return a.dueAt - b.dueAt || a.key.sequence - b.key.sequence
}
