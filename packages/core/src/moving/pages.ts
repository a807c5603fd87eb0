import type { Page } from '../store/contract.js'

/** Where a page begins: after the cursor of the one before, or at the start. */
export interface PageStart {
  readonly cursor?: string
}

/** The items page by page; no page is empty. */
export async function* pagesOf<Item>(
  read: (start: PageStart) => Promise<Page<Item>>,
  signal?: AbortSignal,
): AsyncGenerator<Item[], void> {
  let start: PageStart = {}
  for (;;) {
    signal?.throwIfAborted()
    const { items, nextCursor }: Page<Item> = await read(start)
    if (items.length > 0) yield items
    if (nextCursor === null) return
    start = { cursor: nextCursor }
  }
}
