import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
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
    // Else a master waits for some seconds whether more replicas come.
    const settings = ['--repl-diskless-sync-delay', '0']
    const master = await RedisServer.start({ settings })
    const replica = await RedisServer.start({
      settings: [...settings, '--replicaof', `127.0.0.1 ${master.port}`],
    })
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
      await untilReplicated(() => Promise.resolve(master))
      return started
    } catch (error) {
      await started.stop()
      throw error
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}/0?sentinel=${SENTINEL_MASTER}`
  }

  async #currentMaster(): Promise<RedisServer> {
    const answer = await operate(this, (redis) =>
      redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SENTINEL_MASTER),
    )
    const port = Number((answer as [host: string, port: string])[1])
    return port === this.master.port ? this.master : this.replica
  }

  /**
   * kill -9 of whoever is the master. Resolves when the other has taken its place, without what was written in the last
   * `losesMs` before.
   */
  async failOver(losesMs = 0): Promise<void> {
    const master = await this.#currentMaster()
    const replica = master === this.master ? this.replica : this.master
    if (losesMs > 0) {
      await operate(replica, (redis) => redis.config('SET', 'masteruser', 'nobody'))
      await operate(replica, (redis) => redis.config('SET', 'masterauth', 'x'))
      await operate(master, (redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'replica'))
      await sleep(losesMs)
    }
    await master.kill()
    while ((await this.#currentMaster()) === master) await pause()
    if (losesMs > 0) await operate(replica, (redis) => redis.config('SET', 'masterauth', ''))
    if (losesMs > 0) await operate(replica, (redis) => redis.config('SET', 'masteruser', ''))
  }

  /** Starts the one that was killed. Resolves when it follows the other. */
  async recover(): Promise<void> {
    const master = await this.#currentMaster()
    const gone = master === this.master ? this.replica : this.master
    // By itself it would come as a master, and the sentinel look on for some seconds.
    await gone.restart(['--replicaof', `127.0.0.1 ${master.port}`])
    // On a busy machine the sentinel may take one for dead that is slow, and the other is the master again.
    await untilReplicated(() => this.#currentMaster())
  }

  async stop(): Promise<void> {
    await this.#sentinel.end('SIGKILL')
    await Promise.all([this.master.stop(), this.replica.stop()])
  }
}

/** The first copy is made in the background; there is no event to wait for. */
async function untilReplicated(master: () => Promise<RedisServer>): Promise<void> {
  const isReplicated = async (): Promise<boolean> =>
    operate(await master(), async (redis) => (await redis.info('replication')).includes('state=online'))
  while (!(await isReplicated())) await pause()
}

/** Runs commands as an operator would. */
async function operate<Answer>(
  { port }: { readonly port: number },
  work: (redis: Redis) => Promise<Answer>,
): Promise<Answer> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(port, '127.0.0.1')
  // One that is away comes back.
  redis.on('error', () => {})
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

function pause(): Promise<void> {
  return sleep(20)
}
