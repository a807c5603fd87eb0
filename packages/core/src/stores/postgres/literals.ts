import type { SqlValue } from './sql.js'

/** The statement with its values in it, each as a text that takes its type from where it stands, like a parameter. */
export function inlined(sql: string, values: readonly SqlValue[]): string {
  return sql.replaceAll(/\$(\d+)/g, (_, number: string) => literalOf(values[Number(number) - 1]!))
}

function literalOf(value: SqlValue): string {
  if (value === null) return 'NULL'
  if (!Array.isArray(value)) return quoted(String(value))
  const items = (value as readonly (string | number | boolean | null)[]).map((item) =>
    item === null ? 'NULL' : `"${String(item).replaceAll(/["\\]/g, String.raw`\$&`)}"`,
  )
  return quoted(`{${items.join(',')}}`)
}

/** Means the same under either setting of `standard_conforming_strings`. */
export function quoted(text: string): string {
  const doubled = text.replaceAll("'", "''")
  return text.includes('\\') ? ` E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`
}

/** Answers each row as JSON in one column of text, and a row for each that it changed. */
export function asJson(sql: string): string {
  const statement = sql.trim()
  if (statement.startsWith('SELECT'))
    return `SELECT row_to_json(step)::text AS row FROM (${statement}) AS step`
  const answering = statement.includes('RETURNING') ? statement : `${statement} RETURNING 1 AS changed`
  return `WITH step AS (${answering}) SELECT row_to_json(step)::text AS row FROM step`
}
