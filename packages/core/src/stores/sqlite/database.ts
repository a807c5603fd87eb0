import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Clock, EpochMs, Random } from '../../domain/clock.js'
import { EvertickError } from '../../domain/errors.js'
import type { StoreSchema } from '../../store/contract.js'
import { StoreClock } from '../../store/store-clock.js'
import { connect, type Connection, type Statement } from './driver.js'
import { MIGRATIONS } from './migrations/index.js'

// "Evrt": tells an Evertick file from any other SQLite database.
const APPLICATION_ID = 0x45767274
/** What SQLite itself waits for another process, blocking this one; then we wait without blocking. */
const BLOCKING_WAIT_MS = 5
const LONGEST_WAIT_MS = 10_000

interface PendingWrite {
  readonly work: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * One connection to one file. Writes asked for in the same turn of the event loop share one transaction and so one
 * fsync; each still succeeds or fails by itself. Reads run at once and see only what was committed.
 */
export class Database {
  readonly location: string
  #schema: StoreSchema = { found: null, version: MIGRATIONS.length }
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #storeClock: StoreClock
  readonly #random: Random
  readonly #statements = new Map<string, Statement>()
  #pending: PendingWrite[] = []
  #flushing: Promise<void> | null = null
  #closed = false

  private constructor(location: string, connection: Connection, clock: Clock, random: Random) {
    this.location = location
    this.#connection = connection
    this.#clock = clock
    this.#storeClock = new StoreClock(clock)
    this.#random = random
  }

  /** @throws {EvertickError} STORE_UNREADABLE, STORE_VERSION, STORE_UNAVAILABLE */
  static async open(path: string, clock: Clock, random: Random): Promise<Database> {
    let connection: Connection | undefined
    try {
      if (path !== ':memory:') await ensureFolder(dirname(resolve(path)))
      connection = await connect(path)
      const database = new Database(path, connection, clock, random)
      await database.#retryBusy(() => database.#prepareFile())
      return database
    } catch (error) {
      connection?.close()
      throw openingError(path, error)
    }
  }

  #prepareFile(): void {
    const connection = this.#connection
    connection.exec(`PRAGMA busy_timeout = ${BLOCKING_WAIT_MS}`)
    const version = this.#pragma('user_version')
    const isEmpty = connection.prepare('SELECT count(*) AS n FROM sqlite_schema').get() as { n: number }
    if (isEmpty.n > 0 && this.#pragma('application_id') !== APPLICATION_ID) {
      throw new EvertickError(
        'STORE_UNREADABLE',
        `${this.location} is an SQLite database of another program; name a different file`,
      )
    }
    if (version > MIGRATIONS.length) {
      throw new EvertickError(
        'STORE_VERSION',
        `${this.location} has schema ${version}, but this release of Evertick knows only up to ${MIGRATIONS.length}; use a newer release`,
      )
    }
    connection.exec('PRAGMA journal_mode = WAL')
    // FULL: an acknowledged write survives a power cut. In WAL mode that is one fsync per transaction.
    connection.exec('PRAGMA synchronous = FULL')
    // The indices of a busy history should stay in memory: 64 MiB.
    connection.exec('PRAGMA cache_size = -65536')
    // Fewer, larger checkpoints: a page that every fire touches is then written once for many fires. 32 MiB.
    connection.exec('PRAGMA wal_autocheckpoint = 8000')
    const found = version < MIGRATIONS.length ? this.#migrate() : version
    this.#schema = { found: found === 0 ? null : found, version: MIGRATIONS.length }
  }

  get schema(): StoreSchema {
    return this.#schema
  }

  /** Answers which schema it found. */
  #migrate(): number {
    this.#connection.exec('BEGIN IMMEDIATE')
    try {
      // Again inside the transaction: another process may have migrated in between.
      const found = this.#pragma('user_version')
      for (let version = found; version < MIGRATIONS.length; version++) {
        this.#connection.exec(MIGRATIONS[version]!)
      }
      this.#connection.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
      this.#connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
      this.#connection.exec('COMMIT')
      return found
    } catch (error) {
      this.#rollback()
      throw error
    }
  }

  #pragma(name: string): number {
    const row = this.#connection.prepare(`PRAGMA ${name}`).get() as Record<string, number>
    return Object.values(row)[0]!
  }

  now(): EpochMs {
    return this.#storeClock.now()
  }

  /** Prepared once and kept. */
  statement(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#connection.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** @throws {EvertickError} STORE_CLOSED, STORE_UNAVAILABLE */
  read<Result>(work: () => Result): Promise<Result> {
    return this.#retryBusy(() => {
      if (this.#closed) throw closed(this.location)
      return work()
    })
  }

  /** Like {@link read}, and all of one moment: what other processes write meanwhile is not seen. */
  snapshot<Result>(work: () => Result): Promise<Result> {
    return this.read(() => {
      this.statement('BEGIN').run()
      try {
        return work()
      } finally {
        this.statement('COMMIT').run()
      }
    })
  }

  /**
   * Runs `work`, which must not wait, inside a transaction that holds the write lock.
   * What it throws is thrown here, and nothing of it is written.
   * @throws {EvertickError} STORE_CLOSED, STORE_UNAVAILABLE
   */
  write<Result>(work: () => Result): Promise<Result> {
    if (this.#closed) return Promise.reject(closed(this.location))
    return new Promise<Result>((resolve, reject) => {
      this.#pending.push({ work, resolve: resolve as (value: unknown) => void, reject })
      this.#flushing ??= this.#flush()
    })
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        // One turn, so that what is asked for together is written together, and others come to their turn too.
        await new Promise<void>((resolve) => void setImmediate(resolve))
        const batch = this.#pending
        this.#pending = []
        try {
          const settle = await this.#retryBusy(() => this.#transaction(batch))
          for (const done of settle) done()
        } catch (error) {
          for (const write of batch) write.reject(error)
        }
      }
    } finally {
      this.#flushing = null
    }
  }

  #transaction(batch: readonly PendingWrite[]): (() => void)[] {
    const settle: (() => void)[] = []
    this.statement('BEGIN IMMEDIATE').run()
    try {
      for (const { work, resolve, reject } of batch) {
        if (batch.length > 1) this.statement('SAVEPOINT one').run()
        try {
          const value = work()
          settle.push(() => resolve(value))
        } catch (error) {
          if (batch.length === 1 || isStorageError(error)) throw error
          this.statement('ROLLBACK TO one').run()
          settle.push(() => reject(error))
        }
        if (batch.length > 1) this.statement('RELEASE one').run()
      }
      this.statement('COMMIT').run()
      return settle
    } catch (error) {
      this.#rollback()
      throw error
    }
  }

  #rollback(): void {
    try {
      this.#connection.exec('ROLLBACK')
    } catch {
      // SQLite has rolled back by itself, as it does on a full disk.
    }
  }

  /** Two writers on one file are not served fairly, so a refused one waits a random while and asks again. */
  async #retryBusy<Result>(work: () => Result): Promise<Result> {
    const deadline = this.#clock.monotonic() + LONGEST_WAIT_MS
    for (let waits = 0; ; waits++) {
      try {
        return work()
      } catch (error) {
        if (error instanceof EvertickError || !isStorageError(error)) throw error
        if (!isBusy(error) || this.#clock.monotonic() > deadline) throw unavailable(this.location, error)
        const pauseMs = this.#random() * Math.min(20, 1 + waits)
        await new Promise<void>((resolve) => void this.#clock.setTimer(resolve, pauseMs))
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#flushing
    this.#statements.clear()
    this.#connection.close()
  }
}

/** One level after the other: Node's own recursion never ends below folders such as /proc. */
async function ensureFolder(folder: string): Promise<void> {
  if (existsSync(folder)) return
  await ensureFolder(dirname(folder))
  await mkdir(folder).catch((error: unknown) => {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error
  })
}

function isStorageError(error: unknown): error is Error & { code?: string; errcode?: number } {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^(?:ERR_SQLITE|SQLITE)/.test(code)
}

const SQLITE_BUSY = 5

function isBusy(error: unknown): boolean {
  const { errcode, message } = error as { errcode?: number; message?: string }
  return errcode === undefined ? /database is locked/.test(message ?? '') : (errcode & 0xff) === SQLITE_BUSY
}

/** A file that answers with anything but "busy" is not one that we can use. */
function openingError(location: string, error: unknown): EvertickError {
  if (!(error instanceof EvertickError)) return unreadable(location, error)
  if (error.code !== 'STORE_UNAVAILABLE' || isBusy(error.cause)) return error
  return unreadable(location, error.cause)
}

function closed(location: string): EvertickError {
  return new EvertickError('STORE_CLOSED', `The store ${location} has been closed`)
}

function unavailable(location: string, cause: Error): EvertickError {
  return new EvertickError(
    'STORE_UNAVAILABLE',
    `The store ${location} did not accept the request: ${cause.message}`,
    { cause },
  )
}

function unreadable(location: string, cause: unknown): EvertickError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new EvertickError(
    'STORE_UNREADABLE',
    `The store ${location} cannot be opened as an SQLite file: ${reason}`,
    { cause },
  )
}
