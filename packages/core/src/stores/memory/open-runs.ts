import type { RunId } from '../../domain/ids.js'
import type { RunKey, RunRecord } from './run-record.js'
import { SortedSet } from './sorted-set.js'

/** The runs of one schedule that can still execute. */
export class OpenRuns {
  readonly #free = new Set<RunId>()
  readonly #blocked = new SortedSet<RunKey>((a, b) => a.fireTime - b.fireTime || a.sequence - b.sequence)

  add(record: RunRecord): void {
    if (record.blocked) this.#blocked.add(record.key)
    else this.#free.add(record.id)
  }

  delete(record: RunRecord): void {
    if (record.blocked) this.#blocked.delete(record.key)
    else this.#free.delete(record.id)
  }

  get size(): number {
    return this.#free.size + this.#blocked.size
  }

  get blocked(): number {
    return this.#blocked.size
  }

  ids(): RunId[] {
    return [...this.#free, ...Array.from(this.#blocked.ascending(), (key) => key.id)]
  }

  /** The blocked run whose turn it is, if nothing goes on before it. */
  nextInTurn(): RunId | null {
    return this.#free.size === 0 ? (this.#blocked.first()?.id ?? null) : null
  }
}
