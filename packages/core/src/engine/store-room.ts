import { codeOf } from '../domain/errors.js'
import type { NotTried } from './loop.js'

export interface StoreRoomOptions {
  /** From now on the store takes nothing new, or it does again. */
  readonly changed: (isFull: boolean) => void
}

/** Whether the store has room for what is new, as the loops learn that write it. */
export class StoreRoom {
  readonly #options: StoreRoomOptions
  /** The loops whose last step the store refused for that. */
  readonly #refused = new Set<string>()

  constructor(options: StoreRoomOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.#refused.size > 0
  }

  /** The step, watched: its outcome is that of the loop of this name. */
  watch(loop: string, step: () => Promise<number | NotTried>): () => Promise<number | NotTried> {
    return async () => {
      try {
        const answer = await step()
        if (typeof answer === 'number') this.#note(() => this.#refused.delete(loop))
        return answer
      } catch (error) {
        // Of a store that does not answer nothing is known: then what was known last stands.
        if (codeOf(error) === 'STORE_FULL') this.#note(() => this.#refused.add(loop))
        throw error
      }
    }
  }

  #note(change: () => unknown): void {
    const before = this.isFull
    change()
    if (this.isFull !== before) this.#options.changed(this.isFull)
  }
}
