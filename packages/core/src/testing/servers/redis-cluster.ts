import { RedisServer } from './redis-server.js'

const SLOTS = 16_384

/** A Redis Cluster of masters on this machine. For tests. */
export class RedisCluster {
  readonly servers: readonly RedisServer[]

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers
  }

  /** Resolves when every server knows all others, and all slots are served. */
  static async start(masters: number): Promise<RedisCluster> {
    const servers = await Promise.all(
      Array.from({ length: masters }, () =>
        RedisServer.start({ settings: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'] }),
      ),
    )
    const { Redis } = await import('ioredis')
    const clients = servers.map(({ port }) => new Redis(port, '127.0.0.1', { lazyConnect: true }))
    try {
      for (const [i, client] of clients.entries()) {
        await client.connect()
        const range = [Math.ceil((i * SLOTS) / masters), Math.ceil(((i + 1) * SLOTS) / masters) - 1] as const
        await client.call('CLUSTER', 'ADDSLOTSRANGE', ...range)
        await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
      }
      for (const { port } of servers.slice(1)) await clients[0]!.call('CLUSTER', 'MEET', '127.0.0.1', port)
      for (const client of clients) await untilServed(client, masters)
      return new RedisCluster(servers)
    } finally {
      for (const client of clients) client.disconnect()
    }
  }

  get url(): string {
    return `redis://${this.servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()))
  }
}

/** Gossip needs its rounds; there is no event to wait for. */
async function untilServed(
  client: { cluster(command: 'INFO'): Promise<string> },
  masters: number,
): Promise<void> {
  for (;;) {
    const info = await client.cluster('INFO')
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${masters}`)) return
    await new Promise((resolve) => void setTimeout(resolve, 50))
  }
}
