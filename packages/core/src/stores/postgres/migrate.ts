import { EvertickError } from '../../domain/errors.js'
import type { StoreSchema } from '../../store/contract.js'
import type { Database } from './database.js'
import { sqlStateOf } from './errors.js'
import { MIGRATION } from './lock-keys.js'
import { MIGRATIONS } from './migrations/index.js'
import type { Queryable } from './sql.js'
import type { Transaction } from './transaction.js'

/** What there is already: a table, an index. */
const DUPLICATE: ReadonlySet<string | null> = new Set(['42P07', '42710'])

interface Migrating {
  /** `false`: a schema that is not there, or is older, is refused and left as it is. */
  readonly mayChange: boolean
  /** Those that this release knows. */
  readonly migrations?: readonly string[]
}

/**
 * Brings the schema up to date, and makes it where there is none. Several may do so at once: one does it, the others wait.
 * Where nothing is to be done, nothing is locked, and no right to change tables is needed.
 * Answers which schema was there, as far as it was this call that changed it.
 * @throws {EvertickError} STORE_VERSION, STORE_UNREADABLE, STORE_UNAVAILABLE
 */
export async function migrate(
  db: Database,
  schema: string,
  { mayChange, migrations = MIGRATIONS }: Migrating,
): Promise<StoreSchema> {
  const version = migrations.length
  const found = await versionOf(db, schema, { location: db.location, known: version })
  if (found === version) return { found, version }
  if (!mayChange) throw outdated(db.location, found, version)
  return db.migration(async (tx) => {
    // Others may be at it, and tables of a large store may take their time.
    await tx.script('SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0')
    await tx.lock([MIGRATION])
    return { found: await applyMissing(tx, db, schema, migrations), version }
  })
}

async function applyMissing(
  tx: Transaction,
  db: Database,
  schema: string,
  migrations: readonly string[],
): Promise<number | null> {
  const version = await versionOf(tx, schema, { location: db.location, known: migrations.length })
  if (version === null) {
    // Asked first: `IF NOT EXISTS` demands the right to make schemas also where there is one.
    const [found] = await tx.rows('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema])
    if (found === undefined) await tx.script(`CREATE SCHEMA ${db.schema}`)
    await tx.script(
      'CREATE TABLE @evertick_migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL)',
    )
  }
  for (let next = version ?? 0; next < migrations.length; next++) {
    await apply(tx, db, migrations[next]!)
    await tx.script(`INSERT INTO @evertick_migrations VALUES (${next + 1}, now())`)
  }
  return version
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

function outdated(location: string, found: number | null, version: number): EvertickError {
  const has = found === null ? 'has no tables of Evertick' : `has schema ${found}`
  return new EvertickError(
    'STORE_VERSION',
    `${location} ${has}, this release of Evertick needs schema ${version}, and \`migrate=false\` leaves that to you; run \`evertick migrate\` as a user that may change tables`,
  )
}

/** How many migrations were applied; `null` where Evertick has never been. */
async function versionOf(
  connection: Queryable,
  schema: string,
  { location, known }: { readonly location: string; readonly known: number },
): Promise<number | null> {
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
  if (version > known) {
    throw new EvertickError(
      'STORE_VERSION',
      `${location} has schema ${version}, but this release of Evertick knows only up to ${known}; use a newer release`,
    )
  }
  return version
}
