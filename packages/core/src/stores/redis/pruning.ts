import type { HistoryPolicy } from '../../domain/policies.js'
import type { PruneResult } from '../../store/contract.js'
import { LISTED_FOR_MS } from '../../store/periods.js'
import type { Cells } from './cells.js'

/** A look at a schedule with nothing to delete costs about 5 µs; so many keep one step within a millisecond. */
const SCHEDULES_AT_ONCE = 200

/** See `prune.lua`. */
type Position = readonly [set: string, after: string, kept: number, rank: number, counted: number]

const BEGINNING: Position = ['ids', '', 0, -2, 0]

/** Removes old history, a few schedules at a time, cell by cell. */
export class Pruning {
  readonly #cells: Cells
  /** Where the last step stopped. */
  #cell = 0
  #position = BEGINNING

  constructor(cells: Cells) {
    this.#cells = cells
  }

  async step(defaults: HistoryPolicy, limit: number): Promise<PruneResult> {
    let deleted = 0
    do {
      deleted += await this.#stepInCell(defaults, limit - deleted)
      if (deleted === limit || !this.#atStartOfCell) return { deleted, more: true }
    } while (this.#cell !== 0)
    return { deleted, more: false }
  }

  get #atStartOfCell(): boolean {
    return this.#position === BEGINNING
  }

  async #stepInCell(defaults: HistoryPolicy, limit: number): Promise<number> {
    const cell = this.#cells.all[this.#cell]!
    const [deleted, ...position] = await cell.run<[number, ...Position]>('prune', {
      defaults,
      limit,
      position: this.#position,
      atOnce: SCHEDULES_AT_ONCE,
      listedForMs: LISTED_FOR_MS,
    })
    const isComplete = position[0] === ''
    this.#position = isComplete ? BEGINNING : position
    if (isComplete) this.#cell = (this.#cell + 1) % this.#cells.all.length
    return deleted
  }
}
