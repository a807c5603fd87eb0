import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { unprivilegedAccount, type Account } from './account.js'
import { freePort } from './free-port.js'
import type { PostgresServer } from './postgres-server.js'

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
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(server: PostgresServer, port: number, child: ChildProcess, folder: string) {
    this.url = server.url.replace(`:${server.port}`, `:${port}`)
    this.port = port
    this.#child = child
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
          const child = await started(program, file, account)
          return new PgBouncer(server, port, child, folder)
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
    if (this.#child.exitCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      await exit
    }
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

async function started(program: string, file: string, account: Account | null): Promise<ChildProcess> {
  const child = spawn(program, [file], { stdio: ['ignore', 'ignore', 'pipe'], ...account })
  const lines: string[] = []
  const output = createInterface(child.stderr)
  await new Promise<void>((resolve, reject) => {
    output.on('line', (line) => {
      lines.push(line)
      if (lines.length > 20) lines.shift()
      if (/process up/.test(line)) resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      reject(new Error(`pgbouncer ended with ${code}: ${lines.slice(-5).join('\n')}`))
    })
  })
  return child
}

/** @throws {Error} where there is none. */
function findProgram(): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), SYSTEM]
  const found = folders.map((folder) => join(folder, 'pgbouncer')).find(existsSync)
  if (found === undefined) throw new Error('PgBouncer is not installed; on Debian: apt-get install pgbouncer')
  return found
}
