import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Member } from './cluster.js'

const OURS = `application_name = 'evertick'`
/** Between two of its statements: what it has written is neither there nor gone. */
const IN_TRANSACTION = `${OURS} AND state = 'idle in transaction'`
const TERMINATE = `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE ${OURS} AND EXISTS (SELECT FROM pg_stat_activity WHERE ${IN_TRANSACTION})`

/** Until the server has carried out whatever a node had sent before it was frozen. */
const SETTLED_MS = 20
const TRIES = 2000

/** The sessions that nodes have at a PostgreSQL server, in the hands of its operator. */
export class Backends {
  readonly #operator: pg.Client

  private constructor(operator: pg.Client) {
    this.#operator = operator
  }

  static async of(url: string): Promise<Backends> {
    const operator = new pg.Client({ connectionString: url, application_name: 'operator' })
    await operator.connect()
    return new Backends(operator)
  }

  close(): Promise<void> {
    return this.#operator.end()
  }

  /** Ends them all at once, at a moment when one of them is in the midst of a transaction. */
  async terminate(): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const { rowCount } = await this.#operator.query(TERMINATE)
      if (rowCount! > 0) return
      await sleep(1)
    }
    throw new Error('No node was in the midst of a transaction')
  }

  /** Freezes the node while it is in the midst of a transaction, and waits until the server has put an end to that. */
  async freezeInTransaction({ process, proxy }: Member): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      process.freeze()
      await sleep(SETTLED_MS)
      const held = await this.#inTransaction(proxy!.targetPorts)
      if (held.length > 0) return this.#untilEnded(held)
      process.thaw()
      // Not in step with what it does.
      await sleep(tries % 17)
    }
    throw new Error('The node was never in the midst of a transaction')
  }

  async #inTransaction(ports: readonly number[]): Promise<number[]> {
    const { rows } = await this.#operator.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE ${IN_TRANSACTION} AND client_port = ANY ($1)`,
      [ports],
    )
    return rows.map(({ pid }) => pid)
  }

  async #untilEnded(pids: readonly number[]): Promise<void> {
    const living = `SELECT FROM pg_stat_activity WHERE ${OURS} AND pid = ANY ($1)`
    while ((await this.#operator.query(living, [pids])).rowCount! > 0) await sleep(10)
  }
}
