import type { Store, StoreHint } from '../../store/contract.js'

/** Waits for a hint that `step` sets off. Without one, the test runs into its time limit. */
export async function hinted(store: Store, wanted: StoreHint, step: () => Promise<unknown>): Promise<void> {
  let unwatch: (() => void) | undefined
  const seen = new Promise<void>((resolve) => {
    unwatch = store.watch((hint) => {
      if (hint === wanted) resolve()
    })
  })
  await step()
  await seen
  unwatch?.()
}
