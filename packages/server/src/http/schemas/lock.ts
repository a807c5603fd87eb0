import { ID_RULE, LOCK_TTL } from '@evertick/core'
import { Type, type Static } from 'typebox'
import { choice, Instant, nullable } from './shared.js'

const strict = { additionalProperties: false }

/** Longer, and a waiter that died would hold the others up for too long. */
const LONGEST_PLACE_MS = 60_000

/** Of an address, where it is part of it. */
export const LockName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$',
  description: `The name of the lock: ${ID_RULE}.`,
})

const owner = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_:-]{0,63}$',
  description:
    'A token made by chance for this acquisition, such as a UUID, and the same when a call is repeated. ' +
    'Who knows it can release the lock.',
})

const ttlMs = Type.Optional(
  Type.Integer({
    minimum: LOCK_TTL.leastMs,
    maximum: LOCK_TTL.mostMs,
    description: `How long the lock is held from now on, unless renewed; ${LOCK_TTL.defaultMs} unless said.`,
  }),
)

const fence = Type.Integer({
  minimum: 1,
  description: 'Rises with every grant of the lock. Hand it to what the lock protects.',
})

export const AcquireInputSchema = Type.Object(
  {
    owner,
    holder: Type.String({ minLength: 1, maxLength: 128, description: 'Who that is, for people.' }),
    ttlMs,
    queueMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: LONGEST_PLACE_MS,
        description:
          'How long to keep a place in the queue from now on, so that asking again within it keeps the place; ' +
          '0, as unless said: do not stand in the queue.',
      }),
    ),
  },
  { $id: 'AcquireInput', ...strict },
)

export const RenewInputSchema = Type.Object({ owner, fence, ttlMs }, { $id: 'RenewInput', ...strict })

export const ReleaseInputSchema = Type.Object({ owner }, { $id: 'ReleaseInput', ...strict })

export const LockAnswerSchema = Type.Object(
  {
    outcome: choice(['acquired', 'held'], { description: '`held`: not granted; ask again.' }),
    fence: nullable(fence, '`null` when it was not granted.'),
    heldUntil: nullable(Instant, '`null` when it was not granted.'),
    holder: nullable(Type.String(), 'Who has it; `null` while it is free, and kept for one who waits.'),
    freeInMs: nullable(
      Type.Integer(),
      'When it is worth while to ask again at the latest: the lease ends, or the place of the first who waits.',
    ),
  },
  { $id: 'LockAnswer', ...strict, description: 'Whether the lock was granted.' },
)

export type LockAnswerJson = Static<typeof LockAnswerSchema>

export const ReleasedSchema = Type.Object(
  { released: Type.Boolean({ description: 'Whether the owner held it; `false` when repeated.' }) },
  { $id: 'Released', ...strict },
)

export const LockSchema = Type.Object(
  {
    name: Type.String(),
    holder: Type.String({ description: 'Who has it, for people.' }),
    fence,
    acquiredAt: Instant,
    heldUntil: { ...Instant, description: 'When it is free unless it is renewed.' },
    waiting: Type.Integer({ description: 'How many stand in its queue.' }),
  },
  { $id: 'Lock', ...strict, description: 'A lock that is held.' },
)

export type LockJson = Static<typeof LockSchema>
