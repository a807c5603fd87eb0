import { describe, test } from 'vitest'
import { ManualClock } from '../../testing/manual-clock.js'
import { storeConformance, type StoreHarness } from '../../testing/store-conformance/index.js'
import { MemoryStore } from './memory-store.js'

const harness: StoreHarness = {
  name: 'memory',
  open() {
    const clock = new ManualClock()
    const store = new MemoryStore({ clock })
    return Promise.resolve({
      store,
      second: () => Promise.resolve(store),
      advance: (ms) => clock.advance(ms),
      close: () => store.close(),
    })
  },
}

storeConformance(harness, { describe, test })
