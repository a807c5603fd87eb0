import type { Database } from './database.js'
import type { SqlValue } from './sql.js'

/** Conditions with `?` for their values. */
export class Filter {
  readonly #conditions: string[] = []
  readonly #values: SqlValue[] = []

  where(condition: string, ...values: SqlValue[]): this {
    let next = this.#values.length
    this.#conditions.push(condition.replaceAll('?', () => `$${++next}`))
    this.#values.push(...values)
    return this
  }

  async select<Row extends object>(db: Database, from: string, order: string, limit: number): Promise<Row[]> {
    const filter = this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`
    const { rows } = await db.query<Row>(
      `${from} ${filter} ORDER BY ${order} LIMIT $${this.#values.length + 1}`,
      [...this.#values, limit],
    )
    return rows
  }
}
