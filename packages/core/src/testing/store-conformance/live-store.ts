import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../store/contract.js'
import type { StoreUnderTest } from './harness.js'

/** A store whose clock is that of a server: time is let pass by waiting. `open` gives a handle on it, each time another. */
export async function liveStore(open: () => Promise<Store>): Promise<StoreUnderTest> {
  const handles: Store[] = []
  const handle = async (): Promise<Store> => {
    const store = await open()
    handles.push(store)
    return store
  }
  return {
    store: await handle(),
    second: handle,
    advance: (ms) => sleep(ms),
    close: async () => {
      await Promise.all(handles.map((each) => each.close()))
    },
  }
}
