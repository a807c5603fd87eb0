import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { unprivilegedAccount } from './account.js'
import { freePort } from './free-port.js'
import type { PostgresServer } from './postgres-server.js'
import { ServerProcess } from './server-process.js'

export interface PgBouncerOptions {
  /** When a client gives its connection to the server back. @default 'transaction' */
  readonly mode?: 'transaction' | 'session'
  /** More settings, as in its configuration. */
  readonly settings?: Readonly<Record<string, string>>
}

const TRIES = 5
/** Debian's place for daemons, which is not in the PATH of every user. */
const SYSTEM = '/usr/sbin'

/** A PgBouncer of its own before a PostgreSQL server on this machine. For tests. */
export class PgBouncer {
  readonly url: string
  readonly port: number
  readonly #process: ServerProcess
  readonly #folder: string

  private constructor(server: PostgresServer, port: number, process: ServerProcess, folder: string) {
    this.url = server.url.replace(`:${server.port}`, `:${port}`)
    this.port = port
    this.#process = process
    this.#folder = folder
  }

  /** Resolves when it answers. @throws {Error} where PgBouncer is not installed, or does not start. */
  static async start(server: PostgresServer, options: PgBouncerOptions = {}): Promise<PgBouncer> {
    const program = findProgram()
    const account = await unprivilegedAccount()
    const folder = await mkdtemp(join(tmpdir(), 'evertick-pgbouncer-'))
    try {
      if (account !== null) await chown(folder, account.uid, account.gid)
      for (let tries = 1; ; tries++) {
        const port = await freePort()
        const file = join(folder, 'pgbouncer.ini')
        await writeFile(file, configuration(server, port, options))
        try {
          const pooler = new ServerProcess({
            program,
            args: [file],
            log: 'stderr',
            ready: /process up/,
            ...(account === null ? {} : { spawn: account }),
          })
          await pooler.ready
          return new PgBouncer(server, port, pooler, folder)
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

  async stop(): Promise<void> {
    await this.#process.end('SIGTERM')
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function configuration(server: PostgresServer, port: number, { mode, settings }: PgBouncerOptions): string {
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    // Whoever comes is let in, as the server does, and there is the user of its URL.
    auth_type: 'any',
    pool_mode: mode ?? 'transaction',
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  const { username } = new URL(server.url)
  return `[databases]\n* = host=127.0.0.1 port=${server.port} user=${username}\n[pgbouncer]\n${lines.join('\n')}\n`
}

/** @throws {Error} where there is none. */
function findProgram(): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), SYSTEM]
  const found = folders.map((folder) => join(folder, 'pgbouncer')).find(existsSync)
  if (found === undefined) throw new Error('PgBouncer is not installed; on Debian: apt-get install pgbouncer')
  return found
}
