import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Store } from '../../store/contract.js'
import { storeConformance } from '../../testing/store-conformance/index.js'
import { RedisServer } from '../../testing/servers/redis-server.js'
import { RedisStore } from './redis-store.js'

let server: RedisServer
let namespaces = 0

beforeAll(async () => {
  server = await RedisServer.start()
})

afterAll(() => server.stop())

storeConformance(
  {
    name: 'redis',
    async open() {
      const url = `${server.url}/0?prefix=test-${namespaces++}`
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
