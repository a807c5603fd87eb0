import { afterAll, beforeAll, describe, test } from 'vitest'
import { storeConformance } from '../../testing/store-conformance/index.js'
import { liveStore } from '../../testing/store-conformance/live-store.js'
import { RedisCluster } from '../../testing/servers/redis-cluster.js'
import { RedisStore } from './redis-store.js'

let cluster: RedisCluster
let namespaces = 0

beforeAll(async () => {
  cluster = await RedisCluster.start(3)
}, 60_000)

afterAll(() => cluster.stop())

storeConformance(
  {
    name: 'redis cluster',
    open() {
      const url = `${cluster.url}?prefix=test-${namespaces++}&shards=5`
      return liveStore(() => RedisStore.open(url))
    },
  },
  { describe, test },
)
