import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

// From the sources and from what is built of them alike.
const HERE = fileURLToPath(new URL('.', import.meta.url))
const WORKER = join(HERE.endsWith(`dist${sep}`) ? dirname(HERE) : HERE, 'nodes', 'worker.mjs')

/** A node in a process of its own. */
export class NodeProcess {
  readonly name: string
  readonly #args: readonly string[]
  #child: ChildProcess | null = null
  /** What it wrote to standard error, over all its lives. */
  errors = ''

  constructor(store: string, ledger: string, name: string) {
    this.name = name
    this.#args = [WORKER, store, ledger, name]
  }

  /** Of its present life. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Resolves when it has begun to fire. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, this.#args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    child.stderr.on('data', (text: Buffer) => (this.errors += text.toString()))
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`A node ended with ${String(code)} before it was ready: ${this.errors}`)
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
