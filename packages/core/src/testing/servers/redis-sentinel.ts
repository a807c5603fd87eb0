import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './free-port.js'
import { RedisServer } from './redis-server.js'
import { ServerProcess } from './server-process.js'

const SENTINEL_MASTER = 'main'

const DOWN_AFTER_MS = 500
const PROGRAM = 'redis-server'

/** A Redis with one replica, and a sentinel that puts it in its place when it is gone for half a second. For tests. */
export class RedisSentinel {
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly port: number
  readonly #sentinel: ServerProcess

  private constructor(master: RedisServer, replica: RedisServer, port: number, sentinel: ServerProcess) {
    this.master = master
    this.replica = replica
    this.port = port
    this.#sentinel = sentinel
  }

  /** Resolves when the replica follows, and the sentinel knows of both. `settings` are lines of the sentinel's own. */
  static async start({
    settings: own = [],
  }: { readonly settings?: readonly string[] } = {}): Promise<RedisSentinel> {
    const master = await RedisServer.start()
    const settings = ['--replicaof', `127.0.0.1 ${master.port}`, '--repl-diskless-sync-delay', '0']
    const replica = await RedisServer.start({ settings })
    const port = await freePort()
    const configuration = join(replica.folder, 'sentinel.conf')
    await writeFile(
      configuration,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${replica.folder}`,
        `sentinel monitor ${SENTINEL_MASTER} 127.0.0.1 ${master.port} 1`,
        `sentinel down-after-milliseconds ${SENTINEL_MASTER} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${SENTINEL_MASTER} 3000`,
        ...own,
      ].join('\n'),
    )
    const sentinel = new ServerProcess({
      program: PROGRAM,
      args: [configuration, '--sentinel'],
      log: 'stdout',
      // It has heard of the replica from the master.
      ready: /\+slave/,
    })
    const started = new RedisSentinel(master, replica, port, sentinel)
    try {
      await sentinel.ready
      await untilReplicated(master)
      return started
    } catch (error) {
      await started.stop()
      throw error
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}/0?sentinel=${SENTINEL_MASTER}`
  }

  async stop(): Promise<void> {
    await this.#sentinel.end('SIGKILL')
    await Promise.all([this.master.stop(), this.replica.stop()])
  }
}

/** The first copy is made in the background; there is no event to wait for. */
async function untilReplicated({ port }: RedisServer): Promise<void> {
  const { Redis } = await import('ioredis')
  const client = new Redis(port, '127.0.0.1')
  try {
    while (!(await client.info('replication')).includes('state=online')) {
      await new Promise((resolve) => void setTimeout(resolve, 20))
    }
  } finally {
    client.disconnect()
  }
}
