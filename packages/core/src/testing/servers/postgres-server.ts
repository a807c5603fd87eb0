import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { unprivilegedAccount, type Account } from './account.js'
import { freePort } from './free-port.js'
import { ServerProcess } from './server-process.js'

export interface PostgresServerOptions {
  /** Writes to disk what it acknowledges: slow, and needed only to survive a power cut. @default false */
  readonly fsync?: boolean
  /** More settings, as in its configuration: `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Where the folder for its data is made. @default that of the system for temporary files */
  readonly parent?: string
  /** The folder of its programs. @default that of `postgres` in the PATH, else of the newest one that Debian installed */
  readonly programs?: string
  /** @default one that is free */
  readonly port?: number
}

const TRIES = 5
const TRIES_AFTER_CRASH = 100
const DEBIAN = '/usr/lib/postgresql'
const USER = 'evertick'
const run = promisify(execFile)

/**
 * A PostgreSQL server of its own on this machine, with its data in a temporary folder. For tests and demonstrations.
 * It refuses to run as root: then it runs as the user `postgres`.
 */
export class PostgresServer {
  readonly port: number
  readonly folder: string
  readonly #options: PostgresServerOptions
  readonly #account: Account | null
  readonly #programs: string
  #process: ServerProcess | null = null
  #deadlocks = 0

  private constructor(
    options: PostgresServerOptions,
    programs: string,
    account: Account | null,
    port: number,
    folder: string,
  ) {
    this.#options = options
    this.#programs = programs
    this.#account = account
    this.port = port
    this.folder = folder
  }

  /** Resolves when it answers. @throws {Error} where PostgreSQL is not installed, or does not start. */
  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    const programs = options.programs ?? findPrograms()
    const account = await unprivilegedAccount()
    const folder = await mkdtemp(join(options.parent ?? tmpdir(), 'evertick-postgres-'))
    try {
      if (account !== null) await chown(folder, account.uid, account.gid)
      const data = [
        '-D',
        join(folder, 'data'),
        '-U',
        USER,
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
      ]
      await run(join(programs, 'initdb'), data, { ...account, cwd: folder })
      for (let tries = 1; ; tries++) {
        const port = options.port ?? (await freePort())
        const server = new PostgresServer(options, programs, account, port, folder)
        try {
          await server.restart()
          return server
        } catch (error) {
          // Someone else may have taken the port meanwhile.
          if (tries === TRIES) throw error
        }
      }
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Of its one database. Whoever connects to it on this machine is let in. */
  get url(): string {
    return `postgres://${USER}@127.0.0.1:${this.port}/postgres`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** How often transactions waited for each other in a circle, since its first start: `pg_stat_database` forgets when it crashes. */
  get deadlocks(): number {
    return this.#deadlocks
  }

  /** Starts it again on the same data. Resolves when it answers. */
  async restart(): Promise<void> {
    const { fsync = false, settings = {} } = this.#options
    const all = {
      port: String(this.port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: fsync ? 'on' : 'off',
      ...settings,
    }
    for (let tries = 1; ; tries++) {
      try {
        await this.#spawn(all)
        return
      } catch (error) {
        // After a crash its last backends may live for a moment yet, and it waits for their memory.
        if (tries === TRIES_AFTER_CRASH || !/shared memory block/.test((error as Error).message)) throw error
        await sleep(20)
      }
    }
  }

  async #spawn(settings: Readonly<Record<string, string>>): Promise<void> {
    this.#process = new ServerProcess({
      program: join(this.#programs, 'postgres'),
      args: [
        '-D',
        join(this.folder, 'data'),
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      log: 'stderr',
      ready: /database system is ready to accept connections/,
      onLine: (line) => {
        if (/ERROR: +deadlock detected/.test(line)) this.#deadlocks++
      },
      spawn: { cwd: this.folder, ...this.#account },
    })
    await this.#process.ready
  }

  /** An immediate shutdown, as of a power cut: nothing is finished, and the log is read when it starts again. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGQUIT')
  }

  /** kill -9 of the process that started all others, which end when they notice it, each a little later. */
  async crash(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGQUIT')
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** @throws {Error} where there is none. */
function findPrograms(): string {
  const debian = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...debian.map((version) => join(DEBIAN, version, 'bin')),
  ]
  const folder = folders.find(
    (each) => existsSync(join(each, 'postgres')) && existsSync(join(each, 'initdb')),
  )
  if (folder === undefined) {
    throw new Error('PostgreSQL is not installed; on Debian: apt-get install postgresql')
  }
  return folder
}
