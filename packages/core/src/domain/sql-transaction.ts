/**
 * A database transaction that the caller is in, as their driver gave it to them: the client of `pg` between BEGIN and
 * COMMIT, the `sql` of `sql.begin` in postgres.js, the transaction of Kysely or of Drizzle. It must be READ COMMITTED.
 */
export type SqlTransaction = PgClient | PostgresJsSql | KyselyTransaction | DrizzleTransaction

interface PgClient {
  query(statement: string): PromiseLike<{ readonly rows: readonly unknown[] }>
}

interface PostgresJsSql {
  unsafe(statement: string): PromiseLike<readonly unknown[]>
}

interface KyselyTransaction {
  executeQuery(query: never): PromiseLike<{ readonly rows: readonly unknown[] }>
}

interface DrizzleTransaction {
  execute(statement: string): PromiseLike<readonly unknown[] | { readonly rows: readonly unknown[] }>
}
