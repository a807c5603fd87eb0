import { Compile } from 'typebox/schema'

interface Operation {
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: object }> }>>
}

/** The part of an OpenAPI document that says what an answer looks like. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

export interface Answer {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly contentType: string
  readonly body: unknown
}

/** How an answer differs from what the document promises of it; empty when it does not. */
export function undocumented(document: OpenApiDocument, answer: Answer): string[] {
  const { method, path, status, contentType, body } = answer
  const operation = operationOf(document, method, path)
  // Addresses that do not exist are not documented, and neither are pages.
  if (operation === null) return []
  const response = operation.responses[status] ?? operation.responses[`${String(status)[0]}XX`]
  if (response === undefined) return [`${method} ${path} is not said to answer ${status}`]
  if (response.content === undefined)
    return body === '' ? [] : [`${method} ${path} is said to answer nothing`]
  const type = contentType.split(';', 1)[0]!
  const schema = response.content[type]?.schema
  if (schema === undefined) return [`${method} ${path} is not said to answer ${type}`]
  const [, errors] = Compile({ components: document.components, ...schema }).Errors(body)
  return errors.map(({ instancePath, message }) => `${method} ${path} ${status}: ${instancePath} ${message}`)
}

function operationOf(document: OpenApiDocument, method: string, path: string): Operation | null {
  for (const [template, operations] of Object.entries(document.paths)) {
    const pattern = template.replaceAll('.', String.raw`\.`).replaceAll(/\{[^}]+\}/g, '[^/]+')
    if (new RegExp(`^${pattern}$`).test(path)) return operations[method.toLowerCase()] ?? null
  }
  return null
}
