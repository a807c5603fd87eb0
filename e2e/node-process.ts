import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

// From the sources and from what is built of them alike.
const HERE = fileURLToPath(new URL('.', import.meta.url))
const WORKER = join(HERE.endsWith(`dist${sep}`) ? dirname(HERE) : HERE, 'nodes', 'worker.mjs')

export interface NodeProcessOptions {
  readonly name: string
  readonly store: string
  readonly lease: { readonly leaseMs: number; readonly renewMs: number }
  readonly ledger: string
  /** What it logs, over all its lives. */
  readonly log: string
  readonly env: Readonly<Record<string, string>>
}

/** A node in a process of its own, which can be ended, frozen and started again. */
export class NodeProcess {
  readonly #options: NodeProcessOptions
  #child: ChildProcess | null = null

  constructor(options: NodeProcessOptions) {
    this.#options = options
  }

  /** Of its present life. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Resolves when it has begun to fire. */
  async start(): Promise<void> {
    const { name, store, lease, ledger, log, env } = this.#options
    const child = spawn(process.execPath, [WORKER, JSON.stringify({ name, store, lease, ledger })], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.#child = child
    child.stderr.on('data', (text: Buffer) => appendFileSync(log, text))
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${name} ended with ${String(code)} before it was ready: ${readFileSync(log, 'utf8')}`)
    })
    ended.catch(() => {})
    await Promise.race([once(child.stdout, 'data'), ended])
  }

  /** kill -9: no chance to say goodbye. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGTERM; answers the exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** As a virtual machine is frozen: it neither runs nor knows. */
  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill(signal)
    const [code] = (await exit) as [number | null]
    return code
  }
}
