import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import type { Clock, Random } from '../../domain/clock.js'
import { hash32 } from '../../domain/ids.js'
import type { StoreHint } from '../../store/contract.js'
import type { Database } from './database.js'
import { configOf, type Driver } from './driver.js'
import type { PostgresUrl } from './url.js'

/** A notification takes a lock of the whole server at its commit: hints of so long go into one. */
const COLLECT_MS = 50
const LONGEST_RECONNECT_MS = 500
/** A line that carries notifications does so within a millisecond; a pooler swallows them. */
const PROBE_TIMEOUT_MS = 1000

const EVERYTHING: readonly StoreHint[] = ['due', 'ready', 'cancel', 'lock']

export interface NoticeContext {
  readonly driver: Driver
  readonly url: PostgresUrl
  readonly clock: Clock
  readonly random: Random
  /** What another node tells, or, when the line was down meanwhile, everything. */
  readonly hinted: (hints: readonly StoreHint[]) => void
}

/** Two schemas on one channel would disturb each other with superfluous hints, nothing more. */
export function channelOf(schema: string): string {
  return `evertick_${hash32(schema).toString(16)}`
}

/** Hints from node to node by LISTEN and NOTIFY, on a connection of its own that comes back by itself. */
export class Notices {
  readonly #context: NoticeContext
  readonly #channel: string
  /** What this handle sends itself it knows already. */
  readonly #self = randomUUID()
  readonly #pending = new Set<StoreHint>()
  #client: Client | null = null
  #database: Database | null = null
  #sentAt = -Infinity
  #cancelTimer: (() => void) | null = null
  #cancelReconnect: (() => void) | null = null
  #probed: (() => void) | null = null
  #failures = 0
  #closed = false

  /** @throws whatever the driver throws where there is no connection. */
  static async listen(context: NoticeContext): Promise<Notices> {
    const notices = new Notices(context)
    await notices.#connect()
    return notices
  }

  private constructor(context: NoticeContext) {
    this.#context = context
    this.#channel = channelOf(context.url.schema)
  }

  async #connect(): Promise<void> {
    const { driver, url } = this.#context
    const client = new driver.Client(await configOf(url, true))
    client.on('error', () => {})
    client.on('end', () => this.#ended(client))
    client.on('notification', ({ payload = '' }) => this.#heard(payload))
    try {
      await client.connect()
      await client.query(`LISTEN ${this.#channel}`)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    this.#client = client
    this.#failures = 0
    if (this.#closed) await client.end()
  }

  #ended(client: Client): void {
    if (this.#client !== client || this.#closed) return
    this.#client = null
    this.#reconnectLater()
  }

  #reconnectLater(): void {
    const { clock, random, hinted } = this.#context
    const pauseMs = Math.min(LONGEST_RECONNECT_MS, 20 * 2 ** this.#failures++) * (0.5 + random() / 2)
    this.#cancelReconnect = clock.setTimer(() => {
      this.#connect().then(
        // Whatever was told while the line was down was not heard.
        () => hinted(EVERYTHING),
        () => {
          if (!this.#closed) this.#reconnectLater()
        },
      )
    }, pauseMs)
  }

  #heard(payload: string): void {
    const [sender, ...hints] = payload.split(' ')
    if (sender !== this.#self) this.#context.hinted(hints as StoreHint[])
    else this.#probed?.()
  }

  /** Whether what is sent through `database` arrives here. Behind a pooler it does not. */
  async arrivesFrom(database: Database): Promise<boolean> {
    let giveUp: (() => void) | undefined
    const arrived = new Promise<boolean>((resolve) => {
      this.#probed = () => resolve(true)
      giveUp = this.#context.clock.setTimer(() => resolve(false), PROBE_TIMEOUT_MS)
    })
    try {
      await database.probe('SELECT pg_notify($1, $2)', [this.#channel, this.#self])
      return await arrived
    } finally {
      giveUp?.()
      this.#probed = null
    }
  }

  sendThrough(database: Database): void {
    this.#database = database
  }

  /** Tells the other nodes, soon. */
  send(hints: ReadonlySet<StoreHint>): void {
    for (const hint of hints) this.#pending.add(hint)
    if (this.#cancelTimer !== null || this.#closed) return
    const { clock } = this.#context
    const waitMs = Math.max(0, this.#sentAt + COLLECT_MS - clock.monotonic())
    this.#cancelTimer = clock.setTimer(() => void this.#flush(), waitMs)
  }

  async #flush(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    if (this.#pending.size === 0 || this.#database === null) return
    this.#sentAt = this.#context.clock.monotonic()
    const payload = [this.#self, ...this.#pending].join(' ')
    this.#pending.clear()
    // A hint may be lost: nodes look by themselves.
    await this.#database.query('SELECT pg_notify($1, $2)', [this.#channel, payload]).catch(() => {})
  }

  /** Before the database is closed: what is still to be told is told. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelReconnect?.()
    await this.#flush()
    await this.#client?.end().catch(() => {})
  }
}
