// Moving half of 512 references costs less than a microsecond, and 100,000 items make only a few hundred chunks.
const CHUNK = 512

/**
 * Items in the order of `compare`, none twice. Adding, deleting and finding a place cost a binary search and a short
 * move. What `compare` looks at must not change while an item is inside.
 */
export class SortedSet<Item> {
  readonly #compare: (a: Item, b: Item) => number
  /** None is empty; each is sorted, and so are they. */
  readonly #chunks: Item[][] = []
  #size = 0

  constructor(compare: (a: Item, b: Item) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#size
  }

  first(): Item | undefined {
    return this.#chunks[0]?.[0]
  }

  last(): Item | undefined {
    return this.#chunks.at(-1)?.at(-1)
  }

  add(item: Item): void {
    const reached = (other: Item): boolean => this.#compare(other, item) >= 0
    // Beyond the last item, it joins the last chunk.
    const at = Math.min(this.#chunkOf(reached), Math.max(0, this.#chunks.length - 1))
    const chunk = (this.#chunks[at] ??= [])
    const index = firstIndex(chunk, reached)
    if (index < chunk.length && this.#compare(chunk[index]!, item) === 0) return
    chunk.splice(index, 0, item)
    this.#size++
    if (chunk.length > CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK / 2))
  }

  /** Answers whether it was there. */
  delete(item: Item): boolean {
    const reached = (other: Item): boolean => this.#compare(other, item) >= 0
    const at = this.#chunkOf(reached)
    const chunk = this.#chunks[at]
    if (chunk === undefined) return false
    const index = firstIndex(chunk, reached)
    if (this.#compare(chunk[index]!, item) !== 0) return false
    chunk.splice(index, 1)
    this.#size--
    if (chunk.length === 0) this.#chunks.splice(at, 1)
    return true
  }

  /**
   * Upwards from the first item for which `reached` holds; it must hold for all after that one too. The set must not
   * change while this is read.
   */
  *ascending(reached: (item: Item) => boolean = () => true): Generator<Item, void> {
    let at = this.#chunkOf(reached)
    let index = at < this.#chunks.length ? firstIndex(this.#chunks[at]!, reached) : 0
    for (; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at]!
      for (; index < chunk.length; index++) yield chunk[index]!
    }
  }

  /** Downwards from the last item for which `passed` does not hold; otherwise like {@link ascending}. */
  *descending(passed: (item: Item) => boolean = () => false): Generator<Item, void> {
    let at = Math.min(this.#chunkOf(passed), this.#chunks.length - 1)
    if (at < 0) return
    let index = firstIndex(this.#chunks[at]!, passed) - 1
    for (;;) {
      const chunk = this.#chunks[at]!
      for (; index >= 0; index--) yield chunk[index]!
      if (--at < 0) return
      index = this.#chunks[at]!.length - 1
    }
  }

  /** The first chunk whose last item has been reached; their number when there is none. */
  #chunkOf(reached: (item: Item) => boolean): number {
    return firstIndex(this.#chunks, (chunk) => reached(chunk.at(-1)!))
  }
}

/** The first index for which `holds`, which then holds for all that follow; the length when there is none. */
function firstIndex<Element>(elements: readonly Element[], holds: (element: Element) => boolean): number {
  let low = 0
  let high = elements.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(elements[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

/** The order of text by its code units, as in the other stores. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
