import type { StoreHint } from './contract.js'

/** What watchers are to be told once the transaction is committed. */
export class Hints {
  readonly #listeners = new Set<(hint: StoreHint) => void>()
  readonly #noted = new Set<StoreHint>()

  watch(listener: (hint: StoreHint) => void): () => void {
    // Its own function, so that the same listener may watch twice.
    const entry = (hint: StoreHint): void => listener(hint)
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  note(hint: StoreHint): void {
    this.#noted.add(hint)
  }

  publish(): void {
    if (this.#noted.size === 0) return
    const hints = [...this.#noted]
    this.#noted.clear()
    for (const listener of this.#listeners) for (const hint of hints) listener(hint)
  }
}
