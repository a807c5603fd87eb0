import type { Pool, PoolClient, QueryArrayResult, QueryResult, QueryResultRow } from 'pg'
import type { EpochMs } from '../../domain/clock.js'
import { EvertickError } from '../../domain/errors.js'
import type { StoreHint } from '../../store/contract.js'
import { nowSql } from './clock.js'
import { configOf, TIMEOUTS, type Driver } from './driver.js'
import { sqlStateOf, storeError } from './errors.js'
import { storable } from './literals.js'
import type { Answer, SqlValue } from './sql.js'
import { Transaction } from './transaction.js'
import { locationOf, type PostgresUrl } from './url.js'

/** Enough to keep a server busy, few enough for many nodes on a server that takes a hundred. */
const CONNECTIONS = 8

/** To wait for another who migrates, or for an index of a large table. */
const MIGRATION_TIMEOUT_MS = 86_400_000

/** In a transaction that has failed before. */
const TRANSACTION_FAILED = '25P02'

interface Prepared {
  readonly name?: string
  readonly text: string
}

/** The connections to one schema. Statements name its tables as `@runs`. */
export class Database {
  readonly location: string
  readonly schema: string
  readonly #pool: Pool
  /** Told what a transaction noted, once it is committed. */
  readonly #committed: (hints: ReadonlySet<StoreHint>) => void
  readonly #behindPooler: boolean
  readonly #prepared = new Map<string, Prepared>()
  /** The latest time that this handle was told. */
  #told: EpochMs = 0
  #name: string | null = null
  #closed: Promise<void> | null = null

  private constructor(
    url: PostgresUrl,
    pool: Pool,
    behindPooler: boolean,
    committed: (hints: ReadonlySet<StoreHint>) => void,
  ) {
    this.location = locationOf(url)
    this.schema = `"${url.schema.replaceAll('"', '""')}"`
    this.#pool = pool
    this.#behindPooler = behindPooler
    this.#committed = committed
  }

  /** Connects with the first statement. `behindPooler`: each transaction may get another session. */
  static async open(
    driver: Driver,
    url: PostgresUrl,
    behindPooler: boolean,
    committed: (hints: ReadonlySet<StoreHint>) => void,
  ): Promise<Database> {
    const pool = new driver.Pool({ ...(await configOf(url, !behindPooler)), max: CONNECTIONS })
    // A connection that is lost while nobody uses it is replaced when it is needed; unheard, the error would end the process.
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    return new Database(url, pool, behindPooler, committed)
  }

  /** One statement that is a step of its own. @throws {EvertickError} */
  query<Row extends QueryResultRow>(sql: string, values: readonly SqlValue[] = []): Promise<Answer<Row>> {
    return this.#query(this.#statement(sql, values))
  }

  /**
   * While it is not known yet whether a pooler stands in between: a statement that stays prepared there would be in the
   * way of the next client that prepares one of this name. @throws {EvertickError}
   */
  probe<Row extends QueryResultRow>(sql: string, values: readonly string[] = []): Promise<Answer<Row>> {
    return this.#query({ text: sql, values: [...values] })
  }

  async #query<Row extends QueryResultRow>(
    statement: Prepared & { values: unknown[] },
  ): Promise<Answer<Row>> {
    this.assertOpen()
    try {
      return answerOf(await this.#pool.query<Row>(statement))
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** Of the database, as it calls itself. */
  async name(): Promise<string> {
    this.#name ??= (await this.query<{ name: string }>('SELECT current_database() AS name')).rows[0]!.name
    return this.#name
  }

  async now(): Promise<EpochMs> {
    const { rows } = await this.query<{ now: EpochMs }>(`SELECT ${nowSql('$1::bigint')} AS now`, [this.#told])
    return this.tell(rows[0]!.now)
  }

  /** What this handle was told before: time must not go back behind it. */
  get told(): EpochMs {
    return this.#told
  }

  tell(now: EpochMs): EpochMs {
    this.#told = Math.max(this.#told, now)
    return this.#told
  }

  /**
   * Carries out `work` in one transaction: whole or not at all. What it throws is thrown here.
   * @throws {EvertickError} STORE_UNAVAILABLE: unknown whether it was written.
   */
  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return this.#transaction(work, `SELECT ${nowSql(`${this.#told}::bigint`)} AS now`)
  }

  /** Like {@link transaction}, where there may be no tables yet, and so no clock, and statements may take their time. */
  migration<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return this.#transaction(work, 'SELECT 0 AS now', { query_timeout: MIGRATION_TIMEOUT_MS })
  }

  async #transaction<Result>(
    work: (tx: Transaction) => Promise<Result>,
    readClock: string,
    patience: { readonly query_timeout?: number } = {},
  ): Promise<Result> {
    const client = await this.#connect()
    let broken = true
    const tx = new Transaction(this, {
      takesManyAtOnce: !this.#behindPooler,
      query: async (sql, values) =>
        answerOf(await client.query({ ...this.#statement(sql, values), ...patience })),
      script: async (sql) => void (await client.query({ text: this.named(sql), ...patience })),
    })
    try {
      // In one message, so that the clock costs no call of its own.
      const begun: unknown = await client.query(this.named(`${this.#begin}; ${readClock}`))
      tx.now = this.tell((begun as QueryResult<{ now: EpochMs }>[]).at(-1)!.rows[0]!.now)
      const result = await work(tx)
      await client.query('COMMIT')
      broken = false
      if (tx.hints.size > 0) this.#committed(tx.hints)
      return result
    } catch (error) {
      // A line that answers errors is sound, and takes back what was done; of any other nothing is known.
      const first = tx.fail(error)
      const failure = sqlStateOf(error) === TRANSACTION_FAILED ? first : error
      broken = !(await rolledBack(client, failure))
      throw this.#failed(failure)
    } finally {
      client.release(broken)
    }
  }

  async #connect(): Promise<PoolClient> {
    this.assertOpen()
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw this.#failed(error)
    }
  }

  get #begin(): string {
    const settings = this.#behindPooler
      ? Object.entries(TIMEOUTS).map(([name, value]) => `; SET LOCAL ${name} = ${value}`)
      : []
    return `BEGIN ISOLATION LEVEL READ COMMITTED${settings.join('')}`
  }

  /** The statement with this schema's tables. */
  named(sql: string): string {
    return sql.replaceAll(/@(?=[a-z])/g, `${this.schema}.`)
  }

  /** Prepared once on each connection; behind a pooler, where the next one may be another, not at all. */
  #statement(sql: string, values: readonly SqlValue[]): Prepared & { values: unknown[] } {
    let prepared = this.#prepared.get(sql)
    if (prepared === undefined) {
      const text = this.named(sql)
      prepared = this.#behindPooler ? { text } : { name: `evertick-${this.#prepared.size}`, text }
      this.#prepared.set(sql, prepared)
    }
    return { ...prepared, values: values.map(storable) }
  }

  assertOpen(): void {
    if (this.#closed !== null) throw closed(this.location)
  }

  #failed(error: unknown): Error {
    if (error instanceof EvertickError) return error
    return this.#closed === null ? storeError(error, this.location) : closed(this.location, error)
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.end()
    return this.#closed
  }
}

function closed(location: string, cause?: unknown): EvertickError {
  return new EvertickError('STORE_CLOSED', `The store ${location} has been closed`, { cause })
}

function answerOf<Row extends QueryResultRow>({
  rows,
  rowCount,
}: QueryResult<Row> | QueryArrayResult): Answer<Row> {
  return { rows: rows as Row[], count: rowCount ?? 0 }
}

async function rolledBack(client: PoolClient, error: unknown): Promise<boolean> {
  if (!(error instanceof EvertickError) && sqlStateOf(error) === null) return false
  try {
    await client.query('ROLLBACK')
    return true
  } catch {
    return false
  }
}
