import type { TaskName } from '../domain/ids.js'
import type { Task } from '../domain/task.js'
import type { TaskCapacity } from '../store/contract.js'

/** How much more this node can run, in all and per task. */
export class Slots {
  readonly total: number
  readonly #tasks: ReadonlyMap<TaskName, Task>
  readonly #inUseByTask = new Map<TaskName, number>()
  #inUse = 0

  constructor(total: number, tasks: ReadonlyMap<TaskName, Task>) {
    this.total = total
    this.#tasks = tasks
  }

  get inUse(): number {
    return this.#inUse
  }

  get free(): number {
    return Math.max(0, this.total - this.#inUse)
  }

  take(task: TaskName): void {
    this.#inUse++
    this.#inUseByTask.set(task, (this.#inUseByTask.get(task) ?? 0) + 1)
  }

  give(task: TaskName): void {
    this.#inUse--
    this.#inUseByTask.set(task, this.#inUseByTask.get(task)! - 1)
  }

  /** Whether there is a task that could not be started here now. */
  get anyTaskFull(): boolean {
    return this.capacities().size < this.#tasks.size
  }

  /** Tasks that have a free slot here, with how many. */
  capacities(): Map<TaskName, TaskCapacity> {
    const capacities = new Map<TaskName, TaskCapacity>()
    for (const [name, { concurrency }] of this.#tasks) {
      const own = (concurrency.perNode ?? this.total) - (this.#inUseByTask.get(name) ?? 0)
      const slots = Math.min(own, this.free)
      if (slots > 0) capacities.set(name, { slots, clusterLimit: concurrency.cluster ?? null })
    }
    return capacities
  }
}
