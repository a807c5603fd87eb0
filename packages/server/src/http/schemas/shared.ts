import type { JsonValue } from '@evertick/core'
import { Type, type Static, type TSchema } from 'typebox'

/** Refers to a schema that has an `$id`, so that OpenAPI names it instead of repeating it. */
export function ref<Schema extends TSchema>(schema: Schema): ReturnType<typeof Type.Unsafe<Static<Schema>>> {
  const { $id } = schema as { $id?: string }
  if ($id === undefined) throw new Error('Only a schema with an $id can be referred to')
  return Type.Unsafe<Static<Schema>>({ $ref: `${$id}#` })
}

export function nullable<Schema extends TSchema>(
  schema: Schema,
  description?: string,
): ReturnType<typeof Type.Unsafe<Static<Schema> | null>> {
  const described = description === undefined ? {} : { description }
  return Type.Unsafe<Static<Schema> | null>({ anyOf: [schema, { type: 'null' }], ...described })
}

export function choice<const Choices extends readonly string[]>(
  choices: Choices,
  options: { $id?: string; description?: string; default?: Choices[number] } = {},
): ReturnType<typeof Type.Unsafe<Choices[number]>> {
  return Type.Unsafe<Choices[number]>({ type: 'string', enum: [...choices], ...options })
}

/** A time of an answer. */
export const Instant = Type.String({
  format: 'date-time',
  description: 'ISO 8601 in UTC with milliseconds.',
  examples: ['2026-12-01T09:00:00.000Z'],
})

/** A time of a request. */
export const InstantInput = Type.String({
  format: 'date-time',
  description: 'ISO 8601 with its offset from UTC.',
  examples: ['2026-12-01T09:00:00Z'],
})

export function json(description: string): ReturnType<typeof Type.Unsafe<JsonValue>> {
  return Type.Unsafe<JsonValue>({ description })
}

/** A list as every list answers. The items' schema must have an `$id`. */
export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(ref(item)),
    nextCursor: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Hand it back as `cursor` to go on after this page; `null` on the last one.',
    }),
  })
}

export const PageQuery = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, description: 'How many at most; 100 unless said.' }),
  ),
  cursor: Type.Optional(
    Type.String({ maxLength: 1000, description: 'The `nextCursor` of the page before.' }),
  ),
}
