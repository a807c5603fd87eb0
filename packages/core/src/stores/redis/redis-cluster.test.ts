import { Cluster, Redis } from 'ioredis'
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

test('a database other than 0 is refused', async () => {
  for (const url of [`${cluster.url}/2`, `redis://127.0.0.1:${cluster.servers[0]!.port}/2`]) {
    await expect(RedisStore.open(url)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      problems: [
        { rule: 'store.database', message: expect.stringContaining('a Cluster has no other than 0') },
      ],
    })
  }
})

test('one that gives addresses at which nobody is, is told of and not waited for', async () => {
  const [lost] = (await RedisCluster.start(1)).servers
  const redis = new Redis(lost!.port, '127.0.0.1')
  try {
    await redis.config('SET', 'cluster-announce-port', '1')
    await expect(RedisStore.open(lost!.url)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('at the addresses that the Cluster gives'),
    })
  } finally {
    redis.disconnect()
    await lost!.stop()
  }
})
