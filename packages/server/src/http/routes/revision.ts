import { Type, type Static } from 'typebox'
import { invalid } from '../errors.js'

export const IfRevisionQuery = {
  ifRevision: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Refuse unless it has this revision. `If-Match` does the same.',
    }),
  ),
}

const IfMatch = {
  'if-match': Type.Optional(
    Type.String({
      description: 'Refuse unless it has this ETag; `*`: unless there is one.',
      examples: ['"3"'],
    }),
  ),
}

export const IfMatchHeader = Type.Object(IfMatch)

export const PutHeaders = Type.Object({
  ...IfMatch,
  'if-none-match': Type.Optional(
    Type.String({ description: '`*`: refuse if there is one already.', examples: ['*'] }),
  ),
})

export function etagOf({ revision }: { readonly revision: number }): string {
  return `"${revision}"`
}

/** What must be there for a write to happen: anything or nothing, something, nothing, or this revision. */
export type Condition = 'any' | 'exists' | 'absent' | number

/**
 * What a write is conditional on, from `If-Match`, `If-None-Match` or the query.
 * @throws {EvertickError} BAD_REQUEST: a header is none that we know, or two of them differ.
 */
export function conditionOf(
  { headers }: { readonly headers: Static<typeof PutHeaders> },
  ifRevision: number | undefined,
): Condition {
  const matching = matchOf(headers['if-match'], ifRevision)
  const header = headers['if-none-match']
  if (header === undefined) return matching
  if (header !== '*') {
    const message = `If-None-Match must be *, but is ${JSON.stringify(header)}`
    throw invalid('BAD_REQUEST', 'If-None-Match', 'revision', message)
  }
  if (matching !== 'any') {
    const message = 'If-None-Match asks for no schedule, but If-Match or ifRevision for one; send one of them'
    throw invalid('BAD_REQUEST', 'If-None-Match', 'revision', message)
  }
  return 'absent'
}

/** For writes that need a schedule anyway: `exists` adds nothing to them. @throws {EvertickError} BAD_REQUEST */
export function expectedRevision(
  { headers }: { readonly headers: Static<typeof IfMatchHeader> },
  ifRevision: number | undefined,
): { ifRevision?: number } {
  const matching = matchOf(headers['if-match'], ifRevision)
  return typeof matching === 'number' ? { ifRevision: matching } : {}
}

function matchOf(header: string | undefined, ifRevision: number | undefined): 'any' | 'exists' | number {
  if (header === undefined) return ifRevision ?? 'any'
  if (header === '*') return ifRevision ?? 'exists'
  const revision = /^"(\d{1,15})"$/.exec(header)?.[1]
  if (revision === undefined) {
    const message = `If-Match must be * or one revision in quotes, such as "3", but is ${JSON.stringify(header)}`
    throw invalid('BAD_REQUEST', 'If-Match', 'revision', message)
  }
  if (ifRevision !== undefined && ifRevision !== Number(revision)) {
    const message = `ifRevision is ${ifRevision}, but If-Match is ${header}; send one of them`
    throw invalid('BAD_REQUEST', 'ifRevision', 'revision', message)
  }
  return Number(revision)
}
