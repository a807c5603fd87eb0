import { DELIVERIES, RUN_STATUSES, type RunKind } from '@evertick/core'
import { Type, type Static } from 'typebox'
import { choice, Instant, json, nullable, ref } from './shared.js'

const RUN_KINDS = ['scheduled', 'manual', 'backfill'] as const satisfies readonly RunKind[]

export const RunStatusSchema = choice(RUN_STATUSES, {
  $id: 'RunStatus',
  description: [
    '`pending`, `running` and `retrying` runs are open: they can still execute.',
    '`succeeded`, `failed`, `cancelled` and `lost` ones have ended; `missed` and `skipped` ones never started.',
  ].join(' '),
})

export const RunErrorSchema = Type.Object(
  {
    code: Type.String({ description: "A code of Evertick, or that of the handler's own error." }),
    message: Type.String(),
    stack: Type.Optional(Type.String()),
  },
  { $id: 'RunError', description: 'Why a run, or an attempt of it, has not succeeded.' },
)

export const RunSchema = Type.Object(
  {
    id: Type.String({
      description: 'The idempotency key: the same for every attempt.',
      examples: ['report@1796119200000'],
    }),
    scheduleId: Type.String(),
    kind: choice(RUN_KINDS, {
      description: '`scheduled` by the trigger, `manual` by request, `backfill` for a past range.',
    }),
    fireTime: Instant,
    stretchedMs: nullable(
      Type.Integer(),
      'The interval that led to this fire time, where load had spread them out; else `null`.',
    ),
    task: Type.String(),
    status: ref(RunStatusSchema),
    attempt: Type.Integer({ description: 'Which attempt is running or ran last; 0 before the first.' }),
    node: nullable(Type.String(), 'Who runs it or ran it last.'),
    fence: Type.Integer({ description: 'Rises with every lease of the run; 0 before the first.' }),
    priority: Type.Integer(),
    group: Type.String(),
    delivery: choice(DELIVERIES),
    dueAt: Instant,
    createdAt: Instant,
    startedAt: nullable(Instant, 'Of the latest attempt.'),
    endedAt: nullable(Instant),
    cancelRequested: Type.Boolean(),
    input: json('What the handler is given.'),
    result: json('What the handler returned.'),
    error: nullable(ref(RunErrorSchema)),
    progress: nullable(
      Type.Object({
        fraction: nullable(Type.Number({ minimum: 0, maximum: 1 })),
        message: nullable(Type.String()),
        at: Instant,
      }),
    ),
    missed: nullable(
      Type.Object({ count: Type.Integer(), exact: Type.Boolean(), from: Instant, to: Instant }),
      'The fire times that a `missed` record stands for.',
    ),
    attempts: Type.Array(
      Type.Object({
        attempt: Type.Integer(),
        node: nullable(Type.String()),
        startedAt: nullable(Instant),
        endedAt: Instant,
        error: ref(RunErrorSchema),
      }),
      { description: 'Earlier attempts, oldest first; the last 20.' },
    ),
  },
  {
    $id: 'Run',
    additionalProperties: false,
    description: 'One request to execute a task, and what became of it.',
  },
)

export type RunJson = Static<typeof RunSchema>

export const RunInputSchema = Type.Object(
  {
    requestId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'The same id again gives the same run, and must come with the same input. One is made up unless given.',
      }),
    ),
    input: Type.Optional(json("Instead of the schedule's input.")),
  },
  { $id: 'RunInput', additionalProperties: false, description: 'How to run a schedule by hand.' },
)

export const LogPageSchema = Type.Object(
  {
    lines: Type.Array(
      Type.Object({ at: Instant, level: choice(['debug', 'info', 'warn', 'error']), message: Type.String() }),
    ),
    position: Type.Integer({ description: 'Hand it back as `after` to read on.' }),
  },
  { $id: 'LogPage', additionalProperties: false, description: 'Lines that the handler wrote, oldest first.' },
)

export type LogPageJson = Static<typeof LogPageSchema>
