import type { Redis } from 'ioredis'
import type { Clock, Random } from '../../domain/clock.js'
import { codeOf, EvertickError } from '../../domain/errors.js'
import { ANSWER_TIMEOUT_MS, connect, inTime, quiet, type Client } from './driver.js'
import { isReply, storeError } from './errors.js'
import type { Script } from './scripts.js'
import { locationOf, type RedisUrl } from './url.js'

/** The lines to Redis: one for commands, one on which hints arrive. Both come back by themselves. */
export class Connection {
  readonly location: string
  readonly isCluster: boolean
  readonly #client: Client
  readonly #subscriber: Client
  readonly #listeners: ConnectionListeners
  #channels: readonly string[] = []
  #closed: Promise<void> | null = null

  private constructor(url: RedisUrl, client: Client, listeners: ConnectionListeners) {
    const isCluster = 'nodes' in client
    this.location = locationOf(url)
    this.isCluster = isCluster
    this.#client = client
    this.#listeners = listeners
    this.#subscriber = 'nodes' in client ? client.duplicate() : client.duplicate()
    quiet(this.#subscriber)
    this.#subscriber.on('message', (_channel: string, hint: string) => listeners.hinted(hint))
    // Of a cluster the driver subscribes again by itself.
    if (!isCluster) this.#subscriber.on('ready', () => void this.#subscribeAgain())
    for (const line of [client, this.#subscriber]) line.on('ready', () => listeners.connected())
  }

  /** @throws {EvertickError} STORE_UNAVAILABLE, STORE_UNREADABLE, INVALID_OPTION */
  static async open(url: RedisUrl, random: Random, listeners: ConnectionListeners): Promise<Connection> {
    return new Connection(url, await connect(url, random, listeners.clock), listeners)
  }

  /** Runs a script; it is handed over once, and again where the server has lost it. */
  async run(script: Script, key: string, ...values: readonly string[]): Promise<unknown> {
    this.#assertOpen()
    const client = this.#client
    try {
      return await this.#inTime(client.evalsha(script.sha, 1, key, ...values))
    } catch (error) {
      if (!isReply(error) || !(error as Error).message.startsWith('NOSCRIPT')) throw this.#failed(error)
    }
    try {
      return await this.#inTime(client.eval(script.source, 1, key, ...values))
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** Sections of INFO, of one server for each that holds data. */
  async info(...sections: readonly string[]): Promise<ServerInfo[]> {
    this.#assertOpen()
    try {
      const texts = await this.#inTime(
        Promise.all(
          this.#servers().map(async (server) => Promise.all(sections.map((name) => server.info(name)))),
        ),
      )
      return texts.map((parts) => parseInfo(parts.join('\n')))
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** A setting of the server, `null` where it may not be read. */
  async setting(name: string): Promise<string | null> {
    try {
      const answer = await this.#inTime(Promise.resolve(this.#servers()[0]!.config('GET', name)))
      return answer[1] ?? null
    } catch (error) {
      if (isReply(error)) return null
      throw this.#failed(error)
    }
  }

  /** Waits until so many replicas have what was written on this line; answers how many have. */
  async replicated(replicas: number, timeoutMs: number): Promise<number> {
    this.#assertOpen()
    try {
      const answers = await this.#inTime(
        Promise.all(this.#servers().map((server) => server.wait(replicas, timeoutMs))),
      )
      return Math.min(...answers)
    } catch (error) {
      throw this.#failed(error)
    }
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    try {
      if (this.#subscriber.status === 'wait') await this.#subscriber.connect()
      await this.#subscriber.subscribe(...channels)
    } catch (error) {
      throw this.#failed(error)
    }
    this.#channels = channels
  }

  /** Where it fails the line is down again, and this is called again when it is up. */
  async #subscribeAgain(): Promise<void> {
    if (this.#channels.length > 0) await this.#subscriber.subscribe(...this.#channels).catch(() => {})
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#subscriber.disconnect()
      this.#client.disconnect()
    })()
    return this.#closed
  }

  #servers(): Redis[] {
    const client = this.#client
    return 'nodes' in client ? client.nodes('master') : [client]
  }

  #assertOpen(): void {
    if (this.#closed !== null)
      throw new EvertickError('STORE_CLOSED', `The store at ${this.location} has been closed`)
  }

  #failed(error: unknown): Error {
    if (this.#closed !== null)
      return new EvertickError('STORE_CLOSED', `The store at ${this.location} has been closed`, {
        cause: error,
      })
    const meant = storeError(error, this.location)
    if (codeOf(meant) === 'STORE_REPLACED') this.#listeners.replaced()
    return meant
  }

  /** A line that swallows what is sent, or whose answers are lost, does not end by itself. */
  #inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return inTime(answer, this.#listeners.clock, ANSWER_TIMEOUT_MS, () => {
      return new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)
    })
  }
}

export interface ConnectionListeners {
  readonly clock: Clock
  readonly hinted: (hint: string) => void
  /** A line is up, for the first time or again. */
  readonly connected: () => void
  /** The server no longer holds the data that was opened. */
  readonly replaced: () => void
}

export type ServerInfo = ReadonlyMap<string, string>

function parseInfo(text: string): ServerInfo {
  const fields = text.split(/\r?\n/).flatMap((line) => {
    const colon = line.indexOf(':')
    return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
  })
  return new Map(fields)
}
