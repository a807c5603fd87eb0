import type { QueryResultRow } from 'pg'

export type SqlValue =
  | string
  | number
  | boolean
  | null
  | readonly (string | null)[]
  | readonly (number | null)[]
  | readonly boolean[]

export interface Answer<Row> {
  readonly rows: Row[]
  /** Rows read, or changed. */
  readonly count: number
}

/** What carries out one statement: as a step of its own, or within a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(sql: string, values?: readonly SqlValue[]): Promise<Answer<Row>>
}
