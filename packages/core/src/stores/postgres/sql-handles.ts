import { InvalidError } from '../../domain/errors.js'
import type { SqlTransaction } from '../../domain/sql-transaction.js'

/** Sends one statement without parameters, and answers the first column of its rows. */
export type Send = (statement: string) => Promise<unknown[]>

type Call = (query: unknown) => PromiseLike<unknown>

/**
 * Drivers differ in how they bind parameters and what they make of columns, and are told so by their users. One text goes
 * through all of them alike.
 * @throws {InvalidError} INVALID_OPTION for what is no transaction of a driver that we know.
 */
export function senderOf(transaction: SqlTransaction): Send {
  const handle = transaction as unknown as Partial<Record<string, Call>> | null | undefined
  const through =
    (method: string, query: (statement: string) => unknown): Send =>
    async (statement) =>
      firstColumn(await handle![method]!(query(statement)))
  const has = (method: string): boolean => typeof handle?.[method] === 'function'
  if (has('executeQuery')) return through('executeQuery', compiled)
  if (has('unsafe')) return through('unsafe', String)
  // That of Drizzle has a `query` as well, which is none.
  if (has('query')) return through('query', String)
  if (has('execute')) return through('execute', String)
  // Not shown: a handle holds the password.
  const message =
    'tx must be the transaction that the caller is in: a client of pg, or what postgres.js, Kysely or Drizzle hand to its callback'
  throw new InvalidError('INVALID_OPTION', [{ path: 'tx', rule: 'tx.handle', message }])
}

/** What `CompiledQuery.raw` of Kysely makes. */
function compiled(sql: string): object {
  const query = { kind: 'RawNode', sqlFragments: [sql], parameters: [] }
  return { sql, query, parameters: [], queryId: { queryId: 'evertick' } }
}

function firstColumn(result: unknown): unknown[] {
  const rows = Array.isArray(result) ? (result as unknown[]) : (result as { rows: unknown[] }).rows
  return rows.map((row) => Object.values(row as object)[0] as unknown)
}
