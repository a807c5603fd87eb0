import { randomUUID } from 'node:crypto'
import type { QueryResultRow } from 'pg'
import type { Clock, EpochMs } from '../../domain/clock.js'
import { EvertickError } from '../../domain/errors.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { Run } from '../../domain/run.js'
import type { Schedule } from '../../domain/schedule.js'
import type { SqlTransaction } from '../../domain/sql-transaction.js'
import type { AttemptReport, PutResult, PutSchedule, RunRequest, StoreWithin } from '../../store/contract.js'
import { nowSql } from './clock.js'
import type { Database } from './database.js'
import { sqlStateOf, storeError } from './errors.js'
import { addRuns } from './firing.js'
import { asJson, inlined, quoted } from './literals.js'
import { putSchedules } from './put-schedules.js'
import { finish } from './finishing.js'
import { getSchedules } from './schedules.js'
import type { Answer, SqlValue } from './sql.js'
import { senderOf, type Send } from './sql-handles.js'
import { Transaction } from './transaction.js'

/** For what others hold: nodes within milliseconds, other callers for as long as they like. */
const PATIENCE_MS = 2000
const ASK_AGAIN_MS = 10
/** For the few locks that are waited for in line: shorter than `deadlock_timeout` usually is. */
const LOCK_TIMEOUT_MS = 900

/** One step follows another on one connection, also where the caller does not wait. */
const lastSteps = new WeakMap<object, Promise<unknown>>()

/** The verbs in a transaction that the caller is in, on their connection. */
export class Within implements StoreWithin {
  readonly #db: Database
  readonly #channel: string
  readonly #clock: Clock
  readonly #transaction: SqlTransaction
  readonly #send: Send

  /** @throws {InvalidError} INVALID_OPTION */
  constructor(db: Database, channel: string, clock: Clock, transaction: SqlTransaction) {
    this.#db = db
    this.#channel = channel
    this.#clock = clock
    this.#transaction = transaction
    this.#send = senderOf(transaction)
  }

  getSchedules(ids: readonly ScheduleId[]): Promise<(Schedule | null)[]> {
    return this.#step((tx) => getSchedules(tx, ids))
  }

  putSchedules(items: readonly PutSchedule[]): Promise<PutResult[]> {
    return this.#step((tx) => putSchedules(tx, items))
  }

  addRuns(requests: readonly RunRequest[]): Promise<Run[]> {
    return this.#step((tx) => addRuns(tx, requests))
  }

  finish(reports: readonly AttemptReport[]): Promise<boolean[]> {
    return this.#step(async (tx) => {
      const accepted: boolean[] = []
      for (const report of reports) {
        let [answer] = await finish(tx, [report])
        for (; answer === null; [answer] = await finish(tx, [report])) await tx.pause(`run ${report.runId}`)
        accepted.push(answer!)
        if (!answer) await this.#doom(report)
      }
      return accepted
    })
  }

  /** From now on the server takes nothing of this transaction, so that it cannot be committed by mistake. */
  async #doom({ runId, fence }: AttemptReport): Promise<void> {
    const why = `Evertick: run ${runId} is no longer held under fence ${fence}; this transaction must not be committed`
    await this.#send(`SELECT CAST(${quoted(why)} AS integer)`).catch(() => {})
  }

  #step<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const before = lastSteps.get(this.#transaction) ?? Promise.resolve()
    const step = before.then(() => this.#carryOut(work))
    lastSteps.set(
      this.#transaction,
      step.catch(() => {}),
    )
    return step
  }

  async #carryOut<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    this.#db.assertOpen()
    const since = this.#clock.monotonic()
    let timeout: string | null = null
    const tx = new Transaction(this.#db, {
      takesManyAtOnce: false,
      query: (sql, values) => this.#query(sql, values),
      script: async (sql) => void (await this.#send(this.#db.named(sql))),
      pause: (what) => this.#pause(what, since),
    })
    try {
      timeout = await this.#enter(tx)
      const result = await work(tx)
      if (tx.hints.size > 0) await this.#notify([...tx.hints].join(' '))
      return result
    } catch (error) {
      tx.fail(error)
      throw this.#failed(error)
    } finally {
      // Where a statement has failed the whole transaction has, and this setting ends with it.
      if (timeout !== null) await this.#setLocally('lock_timeout', timeout).catch(() => {})
    }
  }

  /** Answers the timeout that was set before. @throws {EvertickError} ILLEGAL_STATE */
  async #enter(tx: Transaction): Promise<string> {
    const db = this.#db
    const token = randomUUID()
    const { rows: before } = await this.#query<{ timeout: string }>(
      `SELECT current_setting('lock_timeout') AS timeout, set_config('lock_timeout', $1, true) AS set,
              set_config('evertick.step', $2, true) AS token`,
      [LOCK_TIMEOUT_MS, token],
    )
    const { rows } = await this.#query<Entered>(
      `SELECT ${nowSql('$1::bigint')} AS now, current_setting('evertick.step', true) AS token,
              current_setting('transaction_isolation') AS isolation, current_database() AS database`,
      [db.told],
    )
    const entered = rows[0]!
    // What was set for a transaction is gone with it: each statement was one of its own.
    if (entered.token !== token) throw illegal('tx is in no transaction: begin one, and hand over its handle')
    if (!entered.isolation.startsWith('read '))
      throw illegal(`tx must be READ COMMITTED, but is ${entered.isolation.toUpperCase()}`)
    if (entered.database !== (await db.name()))
      throw illegal(`tx is in the database ${entered.database}, not in that of ${db.location}`)
    tx.now = db.tell(entered.now)
    return before[0]!.timeout
  }

  async #query<Row extends QueryResultRow>(sql: string, values: readonly SqlValue[]): Promise<Answer<Row>> {
    const rows = await this.#send(asJson(inlined(this.#db.named(sql), values)))
    // Some drivers are told to read whatever looks like JSON.
    const parsed = rows.map((row) => (typeof row === 'string' ? (JSON.parse(row) as Row) : (row as Row)))
    return { rows: parsed, count: parsed.length }
  }

  async #setLocally(name: string, value: string): Promise<void> {
    await this.#query('SELECT set_config($1, $2, true)', [name, value])
  }

  /** Heard by all nodes, this one too, when it is committed. */
  async #notify(hints: string): Promise<void> {
    await this.#query('SELECT pg_notify($1, $2)', [this.#channel, `tx ${hints}`])
  }

  async #pause(what: string, since: number): Promise<void> {
    if (this.#clock.monotonic() - since >= PATIENCE_MS) {
      const message = `${what} is held by another transaction, for more than ${PATIENCE_MS} ms; roll back, and try again`
      throw new EvertickError('STORE_UNAVAILABLE', message)
    }
    await new Promise<void>((resolve) => void this.#clock.setTimer(resolve, ASK_AGAIN_MS))
  }

  #failed(error: unknown): Error {
    const told = asTold(error)
    const state = sqlStateOf(told)
    if (state === '42P01' || state === '3F000')
      return illegal(
        `tx is not in the database of ${this.#db.location}, or its role may not see the schema`,
        told,
      )
    if (state === '25P02') return illegal('tx has failed before, and can only be rolled back', told)
    return storeError(told, this.#db.location)
  }
}

interface Entered {
  now: EpochMs
  token: string | null
  isolation: string
  database: string
}

/** What the server said, where the driver wrapped it. */
function asTold(error: unknown): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown }
  return cause !== undefined && sqlStateOf(error) === null && sqlStateOf(cause) !== null ? cause : error
}

function illegal(message: string, cause?: unknown): EvertickError {
  return new EvertickError('ILLEGAL_STATE', message, { cause })
}
