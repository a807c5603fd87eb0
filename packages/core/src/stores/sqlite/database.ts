import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Clock, EpochMs, Random } from '../../domain/clock.js'
import { codeOf, EvertickError } from '../../domain/errors.js'
import type { StoreSchema } from '../../store/contract.js'
import { StoreClock } from '../../store/store-clock.js'
import { connect, type Connection, type Statement } from './driver.js'
import { closed, full, isBusy, isFull, isStorageError, openingError, unavailable } from './errors.js'
import { MIGRATIONS } from './migrations/index.js'
import { SparePages } from './spare-pages.js'

// "Evrt": tells an Evertick file from any other SQLite database.
const APPLICATION_ID = 0x45767274
/** What SQLite itself waits for another process, blocking this one; then we wait without blocking. */
const BLOCKING_WAIT_MS = 5
const LONGEST_WAIT_MS = 10_000
/** On a full disk the log has to begin anew, which readers can hold up for a moment. */
const FULL_TRIES = 5

interface PendingWrite {
  readonly work: () => unknown
  readonly evenWhenFull: boolean
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
  /** Where there is a file, once it is ready. */
  #spare: SparePages | null = null
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

  /** @throws {EvertickError} STORE_UNREADABLE, STORE_VERSION, STORE_UNAVAILABLE, STORE_FULL */
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
    // What undoes a part of a transaction has no file of its own, which a full disk would refuse.
    connection.exec('PRAGMA temp_store = MEMORY')
    const found = version < MIGRATIONS.length ? this.#migrate() : version
    this.#schema = { found: found === 0 ? null : found, version: MIGRATIONS.length }
    if (this.location === ':memory:') return
    const spare = new SparePages(this.location, connection)
    spare.prepare()
    this.#spare = spare
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
   * @throws {EvertickError} STORE_CLOSED, STORE_UNAVAILABLE, STORE_FULL
   */
  write<Result>(work: () => Result): Promise<Result> {
    return this.#enqueue(work, false)
  }

  /**
   * The same for what ends runs, deletes, or keeps sessions: it may use the room that is kept for that.
   * @throws {EvertickError} STORE_CLOSED, STORE_UNAVAILABLE, STORE_FULL
   */
  writeEvenWhenFull<Result>(work: () => Result): Promise<Result> {
    return this.#enqueue(work, true)
  }

  #enqueue<Result>(work: () => Result, evenWhenFull: boolean): Promise<Result> {
    if (this.#closed) return Promise.reject(closed(this.location))
    return new Promise<Result>((resolve, reject) => {
      this.#pending.push({ work, evenWhenFull, resolve: resolve as (value: unknown) => void, reject })
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
        await this.#writeAll(batch)
      }
    } finally {
      this.#flushing = null
    }
  }

  async #writeAll(batch: readonly PendingWrite[]): Promise<void> {
    let admitted = batch
    try {
      const settle = await this.#retryBusy(() => {
        // What was refused stays refused, also where there is room a moment later.
        admitted = this.#admit(admitted)
        return admitted.length === 0 ? [] : this.#transaction(admitted)
      })
      for (const done of settle) done()
    } catch (error) {
      // Each by itself may yet find room.
      const apart = codeOf(error) === 'STORE_FULL' && admitted.length > 1
      for (const write of admitted) {
        if (apart) await this.#writeAll([write])
        else write.reject(error)
      }
    }
  }

  /** Those that may be written now. What is new, and would take from what is kept for the others, is refused. */
  #admit(batch: readonly PendingWrite[]): readonly PendingWrite[] {
    const spare = this.#spare
    if (spare === null || batch.every(({ evenWhenFull }) => evenWhenFull)) return batch
    if (spare.isEnough() || spare.replenish()) return batch
    const refused = full(this.location)
    for (const { evenWhenFull, reject } of batch) if (!evenWhenFull) reject(refused)
    return batch.filter(({ evenWhenFull }) => evenWhenFull)
  }

  #transaction(batch: readonly PendingWrite[]): (() => void)[] {
    const settle: (() => void)[] = []
    this.statement('BEGIN IMMEDIATE').run()
    try {
      const pagesBefore = this.#spare?.pages() ?? 0
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
      const pagesAdded = (this.#spare?.pages() ?? 0) - pagesBefore
      if (pagesAdded > 0 && !this.#spare!.hasRoomFor(pagesAdded)) throw full(this.location)
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
        if (isFull(error)) {
          if (waits >= FULL_TRIES) throw full(this.location, error)
          this.#spare?.emptyLog()
        } else if (!isBusy(error) || this.#clock.monotonic() > deadline)
          throw unavailable(this.location, error)
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
