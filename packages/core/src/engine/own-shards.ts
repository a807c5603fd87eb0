import type { SessionId } from '../domain/ids.js'

/**
 * Which shards this node looks after. The living nodes divide them evenly, without asking one another: that is only an
 * order of looking. Two that disagree for a while do the same work twice, or leave it lying for half a second, and
 * the store's compare-and-set keeps what they do right.
 */
export class OwnShards {
  readonly #total: number
  #numbers: readonly number[] | undefined

  constructor(total: number) {
    this.#total = total
  }

  /** `undefined`: all of them, until it is known who else is alive, and where there is but one. */
  get numbers(): readonly number[] | undefined {
    return this.#numbers
  }

  divide(own: SessionId, alive: readonly SessionId[]): void {
    const place = alive.toSorted().indexOf(own)
    if (this.#total === 1 || alive.length <= 1 || place === -1) {
      this.#numbers = undefined
      return
    }
    const numbers: number[] = []
    for (let shard = place % this.#total; shard < this.#total; shard += alive.length) numbers.push(shard)
    this.#numbers = numbers
  }
}
