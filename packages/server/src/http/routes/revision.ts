import { Type, type Static } from 'typebox'
import { invalid } from '../errors.js'

export const IfRevisionQuery = {
  ifRevision: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Refuse unless the schedule has this revision. `If-Match` does the same.',
    }),
  ),
}

export const IfMatchHeader = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'Refuse unless the schedule has this ETag.', examples: ['"3"'] }),
  ),
})

export function etagOf({ revision }: { readonly revision: number }): string {
  return `"${revision}"`
}

/**
 * The revision that a write is conditional on, from `If-Match` or the query.
 * @throws {EvertickError} BAD_REQUEST: the header is no revision, or the two differ.
 */
export function expectedRevision(
  { headers }: { readonly headers: Static<typeof IfMatchHeader> },
  ifRevision: number | undefined,
): { ifRevision?: number } {
  const header = headers['if-match']
  if (header === undefined) return ifRevision === undefined ? {} : { ifRevision }
  const revision = /^"(\d{1,15})"$/.exec(header)?.[1]
  if (revision === undefined) {
    const message = `If-Match must be one revision in quotes, such as "3", but is ${JSON.stringify(header)}`
    throw invalid('BAD_REQUEST', 'If-Match', 'revision', message)
  }
  if (ifRevision !== undefined && ifRevision !== Number(revision)) {
    const message = `ifRevision is ${ifRevision}, but If-Match is ${header}; send one of them`
    throw invalid('BAD_REQUEST', 'ifRevision', 'revision', message)
  }
  return { ifRevision: Number(revision) }
}
