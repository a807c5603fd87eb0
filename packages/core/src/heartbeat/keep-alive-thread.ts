import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { signOfLifeMs } from '../domain/lease.js'
import type { KeepAlive, KeepAliveOptions } from '../engine/keep-alive.js'
import { Loop } from '../engine/loop.js'
import { errorOf, type ErrorText, type FromThread, type ThreadStart, type ToThread } from './messages.js'

/** What a thread that does not end when told to is given, before it is ended. */
const STOP_MS = 5000

/** The program of the thread, as it was built; `null` where it is not beside this file: a bundler left it behind. */
export function heartbeatThreadFile(): URL | null {
  const name = './keep-alive-worker.js'
  // Without an address of its own where a bundler made CommonJS of this file.
  if (!URL.canParse(name, import.meta.url)) return null
  const file = new URL(name, import.meta.url)
  return existsSync(file) ? file : null
}

/**
 * Keeps the session alive from a thread of its own, over a store connection of its own: a handler may block the event
 * loop, and yet the node keeps what it holds, for `maxBlockMs` after the last sign of life from here. Two heartbeats:
 * the process is alive, and it makes progress.
 *
 * The thread keeps no process alive, and one that dies is started again. The session lives on meanwhile, as far as it
 * can be trusted.
 */
export class KeepAliveThread implements KeepAlive {
  readonly #options: KeepAliveOptions
  readonly #file: URL
  readonly #start: ThreadStart
  /** Each step is one life of the thread. */
  readonly #lives: Loop
  /** Each step is a heartbeat that the thread is told to send. */
  readonly #beats: Loop
  readonly #signsOfLife: Loop
  #worker: Worker | null = null
  #stopping = false

  /** `file` is the thread's program, `url` the store's as `urlForThreads` gives it. */
  constructor(file: URL, url: string, options: KeepAliveOptions) {
    const { timing } = options
    this.#options = options
    this.#file = file
    this.#start = { url, timing }
    this.#lives = new Loop({
      ...options,
      name: 'heartbeat-thread',
      longestPauseMs: timing.renewMs,
      step: () => this.#live(),
    })
    this.#beats = new Loop({
      ...options,
      name: 'heartbeat',
      step: () => {
        this.#beat()
        return Promise.resolve(timing.renewMs)
      },
    })
    this.#signsOfLife = new Loop({
      ...options,
      name: 'signs-of-life',
      step: () => {
        options.session.isTrusted()
        return Promise.resolve(signOfLifeMs(timing))
      },
    })
  }

  start(): void {
    this.#lives.start()
    this.#beats.start()
    this.#signsOfLife.start()
  }

  wake(): void {
    this.#beats.wake()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    const worker = this.#worker
    this.#say({ kind: 'stop' })
    // The timer also keeps the process alive until the thread has ended.
    const cancel = this.#options.clock.setTimer(() => void worker?.terminate(), STOP_MS)
    await Promise.all([this.#signsOfLife, this.#beats, this.#lives].map((loop) => loop.stop()))
    cancel()
  }

  #beat(): void {
    const { session, describe } = this.#options
    if (this.#worker === null || this.#stopping) return
    // A sign of life; and where trust has run out, it is the session after it that is told of.
    session.isTrusted()
    const { id, trust } = session
    this.#say({ kind: 'node', session: id, trust: trust.memory, node: describe() })
  }

  #say(message: ToThread): void {
    this.#worker?.postMessage(message)
  }

  /** Rejects when the thread ends though nobody told it to. */
  #live(): Promise<number> {
    const worker = new Worker(this.#file, { workerData: this.#start, name: 'evertick-heartbeat' })
    this.#worker = worker
    const ended = new Promise<number>((resolve, reject) => {
      let fault: unknown
      worker.on('message', (message: FromThread) => this.#hear(message))
      // Heard, so that it ends the thread alone; `exit` follows.
      worker.on('error', (error) => (fault = error))
      worker.on('exit', (code) => {
        this.#worker = null
        if (this.#stopping) resolve(Infinity)
        else reject(fault ?? new Error(`The heartbeat thread ended by itself, with code ${code}`))
      })
    })
    // Only now: to listen to it would undo this.
    worker.unref()
    this.#beats.wake()
    return ended
  }

  #hear(message: FromThread): void {
    const { session, answered, expired, log } = this.#options
    if (message.kind === 'log') log[message.level](restored(message.fields), message.message)
    else if (message.kind === 'expired') expired(message.session)
    // Its session may have been lost while it was on its way.
    else if (message.session === session.id) answered(message.answer)
  }
}

function restored(fields: Readonly<Record<string, unknown>>): object {
  return 'err' in fields ? { ...fields, err: errorOf(fields.err as ErrorText) } : fields
}
