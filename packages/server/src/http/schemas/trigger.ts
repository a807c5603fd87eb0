import type { TriggerJson } from '@evertick/core'
import { Type, type Static } from 'typebox'
import { choice, Instant, InstantInput, ref, nullable } from './shared.js'

export const TriggerSchema = Type.Unsafe<TriggerJson>({
  $id: 'Trigger',
  type: 'object',
  required: ['kind'],
  properties: { kind: { type: 'string', description: 'Chooses the rule; the other fields belong to it.' } },
  additionalProperties: true,
  description: [
    'A rule that gives fire times.',
    '',
    '- `cron`: an `expression` of five fields, or six with seconds first, or seven with the year last, or a macro such as',
    '  `@daily`; and a `timezone` of the IANA database.',
    '- `interval`: `every` so many `weeks`, `days`, `hours`, `minutes`, `seconds` and `milliseconds` of real time,',
    '  counted from `start` (ISO 8601 with its offset; 1970-01-01T00:00:00Z unless given); with `after: "completion"`',
    '  counted from the end of the last run, and from `start` or the creation of the schedule before the first.',
    '- `once`: `at` one instant, ISO 8601 with its offset; or without one, as the wall clock of `timezone` shows it.',
    '- `calendar`: `every` so many `years`, `months`, `weeks` and `days` from `startDate`, `at` a time of the day.',
    '- `rrule`: a rule of RFC 5545 from `dtstart` on, with `rdates` and `exdates`.',
    '- `any` and `all`: the fire times that any, or all, of some `triggers` have.',
    '',
    'Each of them may have a `start`, an `end`, and dates to `exclude`: `dates`, `weekdays`, `ranges`, and the days of a',
    'named `calendar`. Those that go by a wall clock may choose what changes of the clocks do: `dst`.',
  ].join('\n'),
  examples: [
    { kind: 'cron', expression: '0 9 * * MON-FRI', timezone: 'Europe/Berlin' },
    { kind: 'interval', every: { minutes: 15 } },
    { kind: 'interval', after: 'completion', every: { minutes: 5 } },
    { kind: 'once', at: '2100-12-01T09:00:00Z' },
    {
      kind: 'calendar',
      every: { months: 1 },
      at: '09:00',
      startDate: '2026-01-31',
      timezone: 'Europe/Berlin',
    },
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
    clockChange: Type.Optional(
      Type.Object(
        { from: Type.String(), to: Type.String() },
        { description: 'Where the clocks were changed since the fire time before: their offsets from UTC.' },
      ),
    ),
  },
  { $id: 'Fire', additionalProperties: false, description: 'A fire time to come, before jitter.' },
)

export type FireJson = Static<typeof FireSchema>

export const FireWarningSchema = Type.Object(
  {
    kind: choice(['gap', 'overlap'], {
      description: '`gap`: the clocks jump over this time. `overlap`: they show it twice.',
    }),
    wallTime: Type.String({
      description: 'The time that the trigger asks for, on the wall clock.',
      examples: ['2026-03-29T02:30:00'],
    }),
    timezone: Type.String(),
    changeTime: { ...Instant, description: 'When the clocks are changed.' },
    fireTimes: Type.Array(Instant, { description: 'When it fires; empty when it does not.' }),
    message: Type.String({ description: 'The same in words.' }),
  },
  {
    $id: 'FireWarning',
    additionalProperties: false,
    description: 'A time of a trigger that a change of the clocks leaves out or repeats.',
  },
)

export type FireWarningJson = Static<typeof FireWarningSchema>

export const PreviewSchema = Type.Object(
  {
    explanation: Type.String({ description: 'The trigger in words.' }),
    densestGapMs: nullable(
      Type.Integer(),
      'The shortest time between two of its next 500 fire times, in milliseconds; `null` with fewer than two.',
    ),
    fires: Type.Array(ref(FireSchema), { description: 'Fewer than asked for when it ends.' }),
    warnings: Type.Array(ref(FireWarningSchema), {
      description:
        'Where a change of the clocks within two years leaves out or repeats a time of it: the first 20.',
    }),
  },
  {
    $id: 'Preview',
    additionalProperties: false,
    description: 'What a trigger means, and when it would fire.',
  },
)

export type PreviewJson = Static<typeof PreviewSchema>
