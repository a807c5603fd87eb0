import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface ServerProcessOptions {
  readonly program: string
  readonly args: readonly string[]
  /** Where it writes its log. */
  readonly log: 'stdout' | 'stderr'
  /** The line of its log after which it answers. */
  readonly ready: RegExp
  /** What to do where there is no such program. */
  readonly missing?: string
  readonly onLine?: (line: string) => void
  readonly spawn?: Omit<SpawnOptions, 'stdio'>
}

/** How many of its last lines are shown when it does not start. */
const SHOWN_LINES = 5

/** One run of a server as a child process. */
export class ServerProcess {
  /** Resolves when it answers, rejects when it ends before. */
  readonly ready: Promise<void>
  readonly #child: ChildProcess

  constructor({ program, args, log, ready, missing, onLine, spawn: options }: ServerProcessOptions) {
    const stdio = [
      'ignore',
      log === 'stdout' ? 'pipe' : 'ignore',
      log === 'stderr' ? 'pipe' : 'ignore',
    ] as const
    const child = spawn(program, args, { ...options, stdio: [...stdio] })
    this.#child = child
    const lines: string[] = []
    this.ready = new Promise((resolve, reject) => {
      createInterface(child[log]!).on('line', (line) => {
        lines.push(line)
        if (lines.length > SHOWN_LINES) lines.shift()
        onLine?.(line)
        if (ready.test(line)) resolve()
      })
      child.once('error', (cause: NodeJS.ErrnoException) => {
        const isMissing = cause.code === 'ENOENT' && missing !== undefined
        reject(Object.assign(new Error(isMissing ? missing : cause.message, { cause }), { code: cause.code }))
      })
      child.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${lines.join('\n')}`)))
    })
    // Whoever started it may end it before it answers, and not wait for that.
    this.ready.catch(() => {})
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Harmless when it has ended already. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
}
