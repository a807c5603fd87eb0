import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LeaseTiming } from '@evertick/core'

const PROGRAM = fileURLToPath(new URL('nodes/heartbeat.mjs', import.meta.url))

export interface HeartbeatNodeOptions {
  readonly store: string
  readonly name: string
  readonly lease: Partial<LeaseTiming>
  /** A file: while it is not there, handlers go on. */
  readonly release: string
}

/** What a node wrote of itself. */
export interface Told {
  readonly event: string
  /** By the clock of the machine. */
  readonly at: number
  readonly [field: string]: unknown
}

/** A node in a process of its own, whose handlers can block it, and which can be frozen. */
export class HeartbeatNode {
  readonly told: Told[] = []
  readonly #release: string
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #listeners: (() => void)[] = []

  /** Resolves when it has begun to fire. */
  static async start(options: HeartbeatNodeOptions): Promise<HeartbeatNode> {
    const node = new HeartbeatNode(options)
    await node.first('ready')
    return node
  }

  private constructor(options: HeartbeatNodeOptions) {
    this.#release = options.release
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child = child
    this.#ended = once(child, 'exit').then(([code]) => code as number | null)
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.told.push(JSON.parse(line) as Told)
      for (const listener of this.#listeners.splice(0)) listener()
    })
  }

  /** The first event of that kind, since it started or since `after`. */
  async first(event: string, after?: Told): Promise<Told> {
    const ended = this.#ended.then((code) => `it ended with code ${code}`)
    for (;;) {
      const from = after === undefined ? 0 : this.told.indexOf(after) + 1
      const found = this.told.slice(from).find((told) => told.event === event)
      if (found !== undefined) return found
      const news = new Promise<null>((resolve) => this.#listeners.push(() => resolve(null)))
      const end = await Promise.race([news, ended])
      if (end !== null) throw new Error(`${end} before it told of ${event}: ${JSON.stringify(this.told)}`)
    }
  }

  eventsOf(...kinds: readonly string[]): Told[] {
    return this.told.filter(({ event }) => kinds.includes(event))
  }

  order(...words: readonly string[]): void {
    this.#child.stdin!.write(`${words.join(' ')}\n`)
  }

  /** Its handlers come to their end. */
  release(): Promise<void> {
    return writeFile(this.#release, '')
  }

  /** As a virtual machine is frozen: no thread of it runs, nor knows. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  /** Resolves with its exit code when it has ended by itself. */
  ended(): Promise<number | null> {
    return this.#ended
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
