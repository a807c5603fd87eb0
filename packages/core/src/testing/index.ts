export { MemoryStore, type MemoryStoreOptions } from '../stores/memory/index.js'
export { FaultyStore, type HeldCall, type StoreVerb } from './faulty-store.js'
export { ManualClock } from './manual-clock.js'
export {
  storeConformance,
  type StoreHarness,
  type StoreUnderTest,
  type TestApi,
  type TestContext,
} from './store-conformance/index.js'
