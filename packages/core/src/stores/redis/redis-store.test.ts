import { afterAll, beforeAll, describe, test } from 'vitest'
import { storeConformance } from '../../testing/store-conformance/index.js'
import { liveStore } from '../../testing/store-conformance/live-store.js'
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
    open() {
      const url = `${server.url}/0?prefix=test-${namespaces++}`
      return liveStore(() => RedisStore.open(url))
    },
  },
  { describe, test },
)
