export { MemoryStore, type MemoryStoreOptions } from '../stores/memory/index.js'
export { FaultyStore, type HeldCall, type StoreVerb } from './faulty-store.js'
export { ManualClock } from './manual-clock.js'
export { freePort } from './servers/free-port.js'
export { PgBouncer, type PgBouncerOptions } from './servers/pgbouncer.js'
export { PostgresServer, type PostgresServerOptions } from './servers/postgres-server.js'
export { RedisCluster } from './servers/redis-cluster.js'
export { RedisSentinel } from './servers/redis-sentinel.js'
export { RedisServer, type RedisServerOptions } from './servers/redis-server.js'
export {
  storeConformance,
  type StoreHarness,
  type StoreUnderTest,
  type TestApi,
  type TestContext,
} from './store-conformance/index.js'
export { whenAvailable } from './when-available.js'
