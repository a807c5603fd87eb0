import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

test('a part that is gone is not made anew unasked', async () => {
  const url = `${cluster.url}?prefix=whole&shards=5`
  const first = await RedisStore.open(url)
  const redis = new Cluster(cluster.servers.map(({ port }) => ({ host: '127.0.0.1', port })))
  try {
    await redis.del('{whole:3}:meta')
    await expect(RedisStore.open(url)).rejects.toMatchObject({
      code: 'STORE_REPLACED',
      message: expect.stringMatching(/\{whole:3\}:\*.* HDEL \{whole\}:meta whole$/),
    })
    await redis.hdel('{whole}:meta', 'whole')
    await (await RedisStore.open(url)).close()
  } finally {
    redis.disconnect()
    await first.close()
  }
})
