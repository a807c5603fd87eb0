import type { TriggerJson } from '@evertick/core'
import { Type, type Static } from 'typebox'
import { Instant, InstantInput, ref } from './shared.js'

export const TriggerSchema = Type.Unsafe<TriggerJson>({
  $id: 'Trigger',
  type: 'object',
  required: ['kind'],
  properties: { kind: { type: 'string', description: 'Chooses the rule; the other fields belong to it.' } },
  additionalProperties: true,
  description: [
    'A rule that gives fire times.',
    '',
    '- `cron`: an `expression` of five fields, or six with seconds first, and a `timezone` of the IANA database.',
    '- `interval`: `every` so many `weeks`, `days`, `hours`, `minutes`, `seconds` and `milliseconds` of real time,',
    '  counted from `start` (ISO 8601 with its offset; 1970-01-01T00:00:00Z unless given).',
    '- `once`: `at` one instant, ISO 8601 with its offset; or without one, as the wall clock of `timezone` shows it.',
  ].join('\n'),
  examples: [
    { kind: 'cron', expression: '0 9 * * MON-FRI', timezone: 'Europe/Berlin' },
    { kind: 'interval', every: { minutes: 15 } },
    { kind: 'once', at: '2026-12-01T09:00:00Z' },
  ],
})

export const PreviewInputSchema = Type.Object(
  {
    trigger: ref(TriggerSchema),
    from: Type.Optional({ ...InstantInput, description: 'Strictly after this instant; now unless given.' }),
    count: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: 'How many; 10 unless given.' }),
    ),
  },
  { $id: 'PreviewInput', additionalProperties: false, description: 'Which fire times to show.' },
)

export const FireSchema = Type.Object(
  {
    fireTime: Instant,
    wallTime: Type.String({
      description: "What the wall clock of the trigger's zone shows then, with its offset from UTC.",
      examples: ['2026-12-01T09:00:00+01:00'],
    }),
  },
  { $id: 'Fire', additionalProperties: false, description: 'A fire time to come, before jitter.' },
)

export type FireJson = Static<typeof FireSchema>

export const PreviewSchema = Type.Object(
  { fires: Type.Array(ref(FireSchema)) },
  {
    $id: 'Preview',
    additionalProperties: false,
    description: 'The next fire times of a trigger; fewer than asked for when it ends.',
  },
)
