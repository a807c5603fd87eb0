import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Store } from '../../store/contract.js'
import { storeConformance } from '../../testing/store-conformance/index.js'
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
    async open() {
      const url = `${cluster.url}?prefix=test-${namespaces++}&shards=5`
      const handles: Store[] = []
      const open = async (): Promise<Store> => {
        const store = await RedisStore.open(url)
        handles.push(store)
        return store
      }
      return {
        store: await open(),
        second: open,
        advance: (ms) => sleep(ms),
        close: async () => {
          await Promise.all(handles.map((handle) => handle.close()))
        },
      }
    },
  },
  { describe, test },
)
