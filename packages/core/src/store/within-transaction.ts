import { EvertickError } from '../domain/errors.js'
import type { SqlTransaction } from '../domain/sql-transaction.js'
import type { Store, StoreWithin } from './contract.js'

/** @throws {EvertickError} UNSUPPORTED for a store that takes no part in transactions. */
export function withinTransaction(store: Store, transaction: SqlTransaction): StoreWithin {
  if (store.within !== undefined) return store.within(transaction)
  const { kind, location } = store.info
  const message = `The ${kind} store ${location} takes no part in transactions of its callers; a PostgreSQL store does`
  throw new EvertickError('UNSUPPORTED', message)
}
