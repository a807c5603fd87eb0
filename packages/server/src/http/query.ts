/** The part of a JSON schema that decides how the text of a query parameter is read. */
interface ParameterSchema {
  readonly type?: string
}

/**
 * A query string holds only text: here numbers, booleans and lists become what their schema asks for, lists from
 * `a,b` and from `?x=a&x=b`, each value once. What cannot be read so stays as it is, for the validator to refuse by name.
 */
export function readQuery(
  query: Readonly<Record<string, unknown>>,
  parameters: Readonly<Record<string, ParameterSchema>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      const type = Object.hasOwn(parameters, name) ? parameters[name]!.type : undefined
      return [name, type === 'array' ? listOf(value) : typeof value === 'string' ? read(value, type) : value]
    }),
  )
}

function listOf(value: unknown): unknown[] {
  const items = [value].flat().flatMap((item) => (typeof item === 'string' ? item.split(',') : [item]))
  return [...new Set(items)]
}

function read(text: string, type: string | undefined): unknown {
  if (type === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : text
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  return text
}
