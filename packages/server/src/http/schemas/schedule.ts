import {
  ADAPTIVE_DEFAULTS,
  CATCH_UPS,
  DELIVERIES,
  OVERLAPS,
  POLICY_DEFAULTS,
  SCHEDULE_STATES,
  type ScheduleInput,
  type SchedulePatch,
} from '@evertick/core'
import { Type, type Static } from 'typebox'
import { RunStatusSchema } from './run.js'
import { choice, Instant, InstantInput, json, nullable, ref } from './shared.js'
import { TriggerSchema } from './trigger.js'

const whole = (description: string, minimum: number, value?: number) =>
  Type.Integer({ description, minimum, ...(value === undefined ? {} : { default: value }) })

const RetrySchema = Type.Object({
  maxAttempts: Type.Optional(whole('Attempts in all, the first included.', 1, 5)),
  initialDelayMs: Type.Optional(whole('Before the second attempt.', 0, 1000)),
  maxDelayMs: Type.Optional(whole('Before any attempt.', 0, 300_000)),
  factor: Type.Optional(Type.Number({ minimum: 1, default: 2, description: 'How fast delays grow.' })),
  jitter: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      default: 1,
      description: 'The part of a delay that is left to chance.',
    }),
  ),
})

const HistorySchema = Type.Object({
  maxRuns: Type.Optional(
    whole('Newest runs kept, whatever their outcome.', 1, POLICY_DEFAULTS.history.maxRuns),
  ),
  maxAgeMs: Type.Optional(whole('Older ones go.', 1000, POLICY_DEFAULTS.history.maxAgeMs)),
  maxFailures: Type.Optional(
    whole(
      'Of the failed and lost runs that these two would let go, so many stay, the newest.',
      0,
      POLICY_DEFAULTS.history.maxFailures,
    ),
  ),
  maxFailureAgeMs: Type.Optional(
    whole('No failed or lost run stays for longer.', 1000, POLICY_DEFAULTS.history.maxFailureAgeMs),
  ),
  maxSkipped: Type.Optional(
    whole(
      'Of the runs that never started (skipped, missed), only so many stay.',
      0,
      POLICY_DEFAULTS.history.maxSkipped,
    ),
  ),
})

const AdaptiveSchema = Type.Object(
  {
    above: Type.Optional(
      Type.Number({
        minimum: 0.01,
        maximum: 0.99,
        default: ADAPTIVE_DEFAULTS.above,
        description:
          'The load of the cluster above which fires spread out. They return below four fifths of it.',
      }),
    ),
    factor: Type.Optional(
      Type.Number({
        minimum: 1.01,
        maximum: 10,
        default: ADAPTIVE_DEFAULTS.factor,
        description: 'By how much with each fire.',
      }),
    ),
    maxIntervalMs: whole('No further apart than this; at least twice the interval.', 2),
  },
  {
    description:
      'Spreads the fires of an interval out while the cluster is under load. Not for other triggers.',
  },
)

const policies = {
  description: Type.Optional(Type.String({ maxLength: 1000 })),
  maxFires: Type.Optional(whole('Finished after this many fire times became runs or were skipped.', 1)),
  retry: Type.Optional(nullable(RetrySchema, "`null`: no retries. Absent: the task's own rule.")),
  timeoutMs: Type.Optional(
    nullable(whole('Per attempt.', 1), "`null`: none. Absent: the task's own, or 5 minutes."),
  ),
  catchUp: Type.Optional(
    choice(CATCH_UPS, { default: POLICY_DEFAULTS.catchUp, description: 'Which misfires still run.' }),
  ),
  misfireGraceMs: Type.Optional(
    whole('More overdue than this is a misfire.', 0, POLICY_DEFAULTS.misfireGraceMs),
  ),
  catchUpWindowMs: Type.Optional(
    whole('Older misfires are never caught up.', 0, POLICY_DEFAULTS.catchUpWindowMs),
  ),
  catchUpLimit: Type.Optional(whole('At most so many are caught up.', 1, POLICY_DEFAULTS.catchUpLimit)),
  overlap: Type.Optional(
    choice(OVERLAPS, {
      default: POLICY_DEFAULTS.overlap,
      description: 'What happens to a fire time while an earlier run is still open.',
    }),
  ),
  delivery: Type.Optional(
    choice(DELIVERIES, {
      default: POLICY_DEFAULTS.delivery,
      description: 'Whether a run abandoned by a dead node runs again, or becomes `lost`.',
    }),
  ),
  priority: Type.Optional(
    Type.Integer({
      minimum: -1000,
      maximum: 1000,
      default: POLICY_DEFAULTS.priority,
      description: 'Higher starts first.',
    }),
  ),
  group: Type.Optional(
    Type.String({ default: POLICY_DEFAULTS.group, description: 'Only nodes that offer this group run it.' }),
  ),
  jitterMs: Type.Optional(whole('Spreads due times over this span.', 0, POLICY_DEFAULTS.jitterMs)),
  adaptive: Type.Optional(AdaptiveSchema),
  pauseAfterFailures: Type.Optional(nullable(whole('Pauses after so many failed runs in a row.', 1))),
  history: Type.Optional(HistorySchema),
}

const definition = {
  task: Type.String({ description: 'The name of a task that some node knows.' }),
  trigger: ref(TriggerSchema),
  input: Type.Optional(json("What the task is given: at most 64 KiB of JSON that fits the task's schema.")),
  start: Type.Optional({ ...InstantInput, description: 'No fire time before this instant.' }),
  end: Type.Optional({ ...InstantInput, description: 'No fire time after this instant.' }),
  ...policies,
}

const id = Type.String({
  maxLength: 128,
  description: 'Letters, digits, `.`, `_`, `:` and `-`, beginning with a letter or a digit.',
  examples: ['nightly-report'],
})

export const ScheduleInputSchema = Type.Unsafe<ScheduleInput>(
  Type.Object(
    { id, ...definition },
    {
      $id: 'ScheduleInput',
      additionalProperties: false,
      description: 'When which task runs, and how. What is left out, or `null`, has its default.',
      examples: [
        {
          id: 'nightly-report',
          task: 'report',
          trigger: { kind: 'cron', expression: '0 3 * * *', timezone: 'Europe/Berlin' },
          input: { format: 'pdf' },
          retry: { maxAttempts: 3 },
        },
      ],
    },
  ),
)

const { task, trigger, ...optional } = definition

export const SchedulePatchSchema = Type.Unsafe<SchedulePatch>({
  type: 'object',
  properties: {
    task,
    trigger,
    ...Object.fromEntries(Object.entries(optional).map(([name, schema]) => [name, nullable(schema)])),
  },
  additionalProperties: false,
  $id: 'SchedulePatch',
  description: 'The fields to replace, whole. `null` goes back to the default where there is one.',
  examples: [{ trigger: { kind: 'interval', every: { minutes: 5 } } }],
})

export const ScheduleSchema = Type.Object(
  {
    id,
    ...definition,
    input: json('What the task is given; `null` when nothing was said.'),
    state: choice(SCHEDULE_STATES, {
      description: '`finished`: no fire time is left. `broken`: its trigger cannot be computed.',
    }),
    stateReason: nullable(Type.String(), 'Why it is paused or broken.'),
    revision: Type.Integer({ description: 'Rises with every change, never by firing. It is the ETag.' }),
    nextFireTime: nullable(
      Instant,
      '`null` when finished, and while an interval after completion waits for its run to end. Kept while paused.',
    ),
    dueAt: nullable(Instant, 'That fire time plus its jitter.'),
    tzdata: nullable(
      Type.String(),
      'The version of the time zone database that the next fire time was computed with.',
    ),
    stretchedMs: nullable(
      Type.Integer(),
      'The interval that leads to the next fire time, while load spreads them out; else `null`.',
    ),
    fires: Type.Integer({ description: 'Fire times that became runs or were skipped.' }),
    consecutiveFailures: Type.Integer(),
    createdAt: Instant,
    updatedAt: Instant,
    lastRun: nullable(
      Type.Object({
        id: Type.String(),
        status: ref(RunStatusSchema),
        fireTime: Instant,
        startedAt: nullable(Instant),
        endedAt: nullable(Instant),
      }),
    ),
  },
  {
    $id: 'Schedule',
    additionalProperties: false,
    description:
      'A schedule: its definition, and where it stands. Absent fields of the definition have their default.',
  },
)

export type ScheduleJson = Static<typeof ScheduleSchema>

export const PauseInputSchema = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 1000, description: 'Shown wherever the schedule is.' })) },
  { $id: 'PauseInput', additionalProperties: false, description: 'Why a schedule is paused.' },
)
