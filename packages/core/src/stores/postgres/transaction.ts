import type { QueryResultRow } from 'pg'
import type { EpochMs } from '../../domain/clock.js'
import { hash32 } from '../../domain/ids.js'
import type { StoreHint } from '../../store/contract.js'
import { nowSql } from './clock.js'
import type { Answer, Queryable, SqlValue } from './sql.js'

const READ_CLOCK = `SELECT ${nowSql('$1::bigint')} AS now`

const EXCLUSIVE = 'SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::int[]) AS key'
const SHARED = 'SELECT pg_advisory_xact_lock_shared($1, key) FROM unnest($2::int[]) AS key'

/** The handle whose transaction it is. */
interface Handle {
  readonly schema: string
  readonly told: EpochMs
  tell(now: EpochMs): EpochMs
}

/** The connection of a transaction. */
interface Line {
  /** Takes a statement before the one before it is answered; else it is given one after the other. */
  readonly takesManyAtOnce: boolean
  query(sql: string, values: readonly SqlValue[]): Promise<Answer<QueryResultRow>>
  script(sql: string): Promise<void>
  /** Of a transaction that a caller is in. */
  pause?(what: string): Promise<void>
}

/**
 * One step of the store. So that no two ever wait for each other, all take what they lock in one order: the calendars,
 * a session, the limits of tasks, schedules by id, runs by number. Whoever needs only what is free skips what is locked.
 */
export class Transaction implements Queryable {
  /** The store's clock when it began, or when it was read again. */
  now: EpochMs = 0
  readonly hints = new Set<StoreHint>()
  readonly #handle: Handle
  readonly #line: Line
  #last: Promise<unknown> = Promise.resolve()
  #failure: unknown = null

  constructor(handle: Handle, line: Line) {
    this.#handle = handle
    this.#line = line
  }

  query<Row extends QueryResultRow>(sql: string, values: readonly SqlValue[] = []): Promise<Answer<Row>> {
    return this.#send(() => this.#line.query(sql, values) as Promise<Answer<Row>>)
  }

  async rows<Row extends QueryResultRow>(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    return (await this.query<Row>(sql, values)).rows
  }

  /** A caller is in it, who may hold what it has locked for as long as they like. */
  get isCallers(): boolean {
    return this.#line.pause !== undefined
  }

  /**
   * For a moment, before it is asked again whether `what` is free. So a caller's transaction waits: one that stood in line
   * with its locks could be waited for itself, in a circle.
   * @throws {EvertickError} STORE_UNAVAILABLE when it has waited for long enough.
   */
  async pause(what: string): Promise<void> {
    await this.#line.pause?.(what)
  }

  /** Several statements in one message; none of them is kept prepared. */
  script(sql: string): Promise<void> {
    return this.#send(() => this.#line.script(sql))
  }

  #send<Result>(statement: () => Promise<Result>): Promise<Result> {
    const send = (): Promise<Result> => this.#sendUnlessFailed(statement)
    if (this.#line.takesManyAtOnce) return send()
    const answer = this.#last.then(send)
    this.#last = answer.catch(() => {})
    return answer
  }

  async #sendUnlessFailed<Result>(statement: () => Promise<Result>): Promise<Result> {
    if (this.#failure !== null) throw this.#failure
    try {
      return await statement()
    } catch (error) {
      this.fail(error)
      throw error
    }
  }

  /**
   * The step has failed, and what remains of it is not sent any more: it would be carried out outside of this transaction.
   * Answers the first failure: what follows it only tells that the transaction has failed, and may be heard of first.
   */
  fail(error: unknown): unknown {
    this.#failure ??= error
    return this.#failure
  }

  /**
   * After waiting for a lock on a lease: whoever held it may have decided at a time that is later than `now`, and what
   * had not expired then has expired for nobody.
   */
  async readClock(): Promise<EpochMs> {
    const [row] = await this.rows<{ now: EpochMs }>(READ_CLOCK, [this.#handle.told])
    this.now = this.#handle.tell(row!.now)
    return this.now
  }

  /** Watchers are told when it is committed. */
  note(hint: StoreHint): void {
    this.hints.add(hint)
  }

  /** Locks what has no row of its own, until the end of the transaction. */
  async lock(keys: readonly number[], mode: 'exclusive' | 'shared' = 'exclusive'): Promise<void> {
    const sorted = [...new Set(keys)].toSorted((a, b) => a - b)
    await this.query(mode === 'shared' ? SHARED : EXCLUSIVE, [hash32(this.#handle.schema) | 0, sorted])
  }
}
