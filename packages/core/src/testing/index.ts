export { MemoryStore } from '../stores/memory/index.js'
export { ManualClock } from './manual-clock.js'
export { storeConformance } from './store-conformance/index.js'
export type { StoreHarness, StoreUnderTest, TestApi, TestContext } from './store-conformance/harness.js'
