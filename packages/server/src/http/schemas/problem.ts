import { ERROR_CODES, type ErrorCode } from '@evertick/core'
import { Type, type Static } from 'typebox'
import { choice, ref } from './shared.js'

const CODES = Object.keys(ERROR_CODES) as ErrorCode[]

export const ProblemSchema = Type.Object(
  {
    type: Type.String({
      description: 'A URN made of the code.',
      examples: ['urn:evertick:error:UNKNOWN_TASK'],
    }),
    title: Type.String({ description: 'What the code means.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    code: choice(CODES, { description: 'Stable: branch on this.' }),
    detail: Type.String({ description: 'What was wrong this time, in words.' }),
    errors: Type.Array(
      Type.Object({
        path: Type.String({
          description: 'The field, dotted; empty for the whole.',
          examples: ['trigger.cron'],
        }),
        rule: Type.String({ description: 'The rule that it breaks.', examples: ['field.unknown'] }),
        message: Type.String({ description: 'The rule and the value found, in words.' }),
      }),
    ),
  },
  { $id: 'Problem', description: 'An error, as RFC 9457 writes it.' },
)

export type ProblemDocument = Static<typeof ProblemSchema>

/** The answers of a route that is refused; every route can answer these. */
export const refusals = {
  '4xx': {
    description: 'The request is wrong, or what it names does not allow it.',
    content: { 'application/problem+json': { schema: ref(ProblemSchema) } },
  },
  '5xx': {
    description: 'The store does not answer, or Evertick failed.',
    content: { 'application/problem+json': { schema: ref(ProblemSchema) } },
  },
}
