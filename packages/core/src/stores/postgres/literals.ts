import type { SqlValue } from './sql.js'

/** The statement with its values in it, each as a text that takes its type from where it stands, like a parameter. */
export function inlined(sql: string, values: readonly SqlValue[]): string {
  return sql.replaceAll(/\$(\d+)/g, (_, number: string) => literalOf(values[Number(number) - 1]!))
}

function literalOf(value: SqlValue): string {
  const stored = storable(value)
  return stored === null ? 'NULL' : quoted(String(stored))
}

/** As a parameter that any driver takes as it is: a list as the text of an array, which is made faster here than there. */
export function storable(value: SqlValue): string | number | boolean | null {
  if (typeof value === 'string') return withoutNul(value)
  if (!Array.isArray(value)) return value as number | boolean | null
  const items = value as readonly (string | number | boolean | null)[]
  return `{${items.map(itemOf).join(',')}}`
}

function itemOf(item: string | number | boolean | null): string {
  if (typeof item !== 'string') return item === null ? 'NULL' : String(item)
  const text = withoutNul(item)
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : `"${text}"`
}

/** PostgreSQL has no place for the character NUL in a text. */
function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text
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
