/**
 * The little of `node:sqlite` that we use. Node ≥ 24 has it built in; for Node 20 and 22 (where it is missing, or
 * still announces itself as experimental on every start) `@photostructure/sqlite` offers the same interface, prebuilt.
 */
export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  get(...values: SqlValue[]): unknown
  all(...values: SqlValue[]): unknown[]
}

export interface Connection {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export type SqlValue = string | number | null

interface DriverModule {
  DatabaseSync: new (path: string) => Connection
}

const BUILT_IN_SINCE = 24

export async function connect(path: string): Promise<Connection> {
  const major = Number(process.versions.node.split('.')[0])
  const builtIn = 'node:sqlite'
  const driver = (major >= BUILT_IN_SINCE
    ? await import(builtIn)
    : await import('@photostructure/sqlite')) as unknown as DriverModule
  return new driver.DatabaseSync(path)
}
