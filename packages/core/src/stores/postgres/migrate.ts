import { EvertickError } from '../../domain/errors.js'
import type { Database } from './database.js'
import { sqlStateOf } from './errors.js'
import { MIGRATION } from './lock-keys.js'
import { MIGRATIONS } from './migrations/index.js'
import type { Queryable } from './sql.js'
import type { Transaction } from './transaction.js'

/** What there is already: a table, an index. */
const DUPLICATE: ReadonlySet<string | null> = new Set(['42P07', '42710'])

/**
 * Brings the schema up to date, and makes it where there is none. Several may do so at once: one does it, the others wait.
 * Where nothing is to be done, nothing is locked, and no right to change tables is needed.
 * @throws {EvertickError} STORE_VERSION, STORE_UNREADABLE, STORE_UNAVAILABLE
 */
export async function migrate(db: Database, schema: string): Promise<void> {
  if ((await versionOf(db, schema, db.location)) === MIGRATIONS.length) return
  await db.migration(async (tx) => {
    // Others may be at it, and tables of a large store may take their time.
    await tx.script('SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0')
    await tx.lock([MIGRATION])
    await applyMissing(tx, db, schema)
  })
}

async function applyMissing(tx: Transaction, db: Database, schema: string): Promise<void> {
  const version = await versionOf(tx, schema, db.location)
  if (version === null) {
    // Asked first: `IF NOT EXISTS` demands the right to make schemas also where there is one.
    const [found] = await tx.rows('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema])
    if (found === undefined) await tx.script(`CREATE SCHEMA ${db.schema}`)
    await tx.script(
      'CREATE TABLE @evertick_migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL)',
    )
  }
  for (let next = version ?? 0; next < MIGRATIONS.length; next++) {
    await apply(tx, db, MIGRATIONS[next]!)
    await tx.script(`INSERT INTO @evertick_migrations VALUES (${next + 1}, now())`)
  }
}

async function apply(tx: Transaction, db: Database, migration: string): Promise<void> {
  try {
    await tx.script(migration)
  } catch (cause) {
    if (!DUPLICATE.has(sqlStateOf(cause))) throw cause
    throw new EvertickError(
      'STORE_UNREADABLE',
      `${db.location} has tables of another program with the names that Evertick needs; name a different schema`,
      { cause },
    )
  }
}

/** How many migrations were applied; `null` where Evertick has never been. */
async function versionOf(connection: Queryable, schema: string, location: string): Promise<number | null> {
  const { rows: tables } = await connection.query(
    `SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = 'evertick_migrations'`,
    [schema],
  )
  if (tables.length === 0) return null
  const { rows } = await connection.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) AS version FROM @evertick_migrations',
  )
  const { version } = rows[0]!
  if (version > MIGRATIONS.length) {
    throw new EvertickError(
      'STORE_VERSION',
      `${location} has schema ${version}, but this release of Evertick knows only up to ${MIGRATIONS.length}; use a newer release`,
    )
  }
  return version
}
