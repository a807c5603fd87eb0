import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'
import { ServerProcess } from './server-process.js'

export interface RedisServerOptions {
  /** More settings, as on its command line: `['--maxmemory', '64mb']`. */
  readonly settings?: readonly string[]
}

const PROGRAM = 'redis-server'
const TRIES = 5

/**
 * A Redis server of its own on this machine, with its data in a temporary folder and a log there, so that a restart loses
 * nothing. For tests and demonstrations.
 */
export class RedisServer {
  readonly port: number
  readonly folder: string
  readonly #options: RedisServerOptions
  #process: ServerProcess | null = null

  private constructor(options: RedisServerOptions, port: number, folder: string) {
    this.#options = options
    this.port = port
    this.folder = folder
  }

  /** Resolves when it answers. @throws {Error} where redis-server is not installed, or does not start. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'evertick-redis-'))
    try {
      for (let tries = 1; ; tries++) {
        const server = new RedisServer(options, await freePort(), folder)
        try {
          await server.restart()
          return server
        } catch (error) {
          // Someone else may have taken the port meanwhile.
          if (tries === TRIES || (error as NodeJS.ErrnoException).code === 'ENOENT') throw error
        }
      }
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts it again on the same data, with more settings. Resolves when it answers. */
  async restart(more: readonly string[] = []): Promise<void> {
    const { settings = [] } = this.#options
    const server = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder]
    const durable = ['--save', '', '--appendonly', 'yes']
    this.#process = new ServerProcess({
      program: PROGRAM,
      args: [...server, ...durable, ...settings, ...more],
      log: 'stdout',
      ready: /Ready to accept connections/,
      missing: `${PROGRAM} is not installed; on Debian: apt-get install redis-server`,
    })
    await this.#process.ready
  }

  /** kill -9: no chance to write anything more. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  /** Stands still until {@link thaw}: it takes connections and answers nothing. */
  freeze(): void {
    this.#process?.signal('SIGSTOP')
  }

  thaw(): void {
    this.#process?.signal('SIGCONT')
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGKILL')
    await rm(this.folder, { recursive: true, force: true })
  }
}
