import { Type, type Static } from 'typebox'
import { choice, Instant, nullable } from './shared.js'

export const NodeSchema = Type.Object(
  {
    node: Type.String(),
    session: Type.String({ description: 'One life of the node. What it holds, it holds under this.' }),
    alive: Type.Boolean(),
    leader: Type.Boolean({ description: 'Of the nodes that stand for leader, which only some do.' }),
    left: Type.Boolean({ description: 'It ended its session itself, and so did not die.' }),
    host: Type.String(),
    pid: Type.Integer(),
    version: Type.String(),
    tzdata: Type.String({ description: 'The version of the time zone database that it computes with.' }),
    groups: Type.Array(Type.String()),
    tasks: Type.Array(Type.String()),
    slots: Type.Integer({ description: 'Runs that it takes at once.' }),
    slotsInUse: Type.Integer(),
    eventLoopDelayMs: Type.Number({
      description:
        'How late its handlers let others come to their turn; while one blocks them all, for how long it has done so.',
    }),
    cpu: Type.Number({ description: 'Of one core: 1 is a core fully used.' }),
    memoryBytes: Type.Integer(),
    latenessMs: Type.Number({ description: 'How overdue the most overdue schedule was when it was found.' }),
    load: Type.Number({
      minimum: 0,
      maximum: 1,
      description:
        'How busy it is: the highest of event loop, processor, slots in use and lateness. Adaptive schedules look at the mean of all live nodes.',
    }),
    startedAt: Instant,
    lastBeatAt: Instant,
    leaseUntil: Instant,
    runsHeld: Type.Integer({ description: 'Runs that its session holds at this moment.' }),
    heldRuns: nullable(
      Type.Array(Type.String()),
      'Their ids, at most 100; `null` where the store cannot tell cheaply.',
    ),
  },
  { $id: 'Node', additionalProperties: false, description: 'A process that takes part, or has lately.' },
)

export type NodeJson = Static<typeof NodeSchema>

export const TaskSchema = Type.Object(
  {
    name: Type.String(),
    description: nullable(Type.String()),
    concurrency: nullable(
      Type.Object({
        cluster: Type.Optional(Type.Integer({ description: 'Runs at once in the whole cluster.' })),
        perNode: Type.Optional(Type.Integer({ description: 'Runs at once on each node.' })),
      }),
    ),
    retry: nullable(
      Type.Object({
        maxAttempts: Type.Integer(),
        initialDelayMs: Type.Integer(),
        maxDelayMs: Type.Integer(),
        factor: Type.Number(),
        jitter: Type.Number(),
      }),
      'For schedules that set none; `null`: none.',
    ),
    timeoutMs: nullable(Type.Integer(), 'Per attempt; `null`: none.'),
    checksInput: nullable(Type.Boolean(), 'Whether the task has a schema for its input.'),
    local: Type.Boolean({
      description: 'Whether the node that answers knows the task. Of the others only the name is known.',
    }),
    nodes: Type.Array(Type.String(), { description: 'The live nodes that know it.' }),
  },
  { $id: 'Task', additionalProperties: false, description: 'A named handler and its defaults.' },
)

export type TaskJson = Static<typeof TaskSchema>

const count = Type.Integer({ minimum: 0 })

export const StatsSchema = Type.Object(
  {
    now: { ...Instant, description: "The store's clock." },
    node: Type.String({ description: 'The node that answers.' }),
    store: Type.Object({
      kind: Type.String(),
      location: Type.String({ description: 'Where it is, without secrets.' }),
      durable: Type.Boolean(),
      shared: Type.Boolean(),
    }),
    schedules: Type.Object({ active: count, paused: count, finished: count, broken: count }),
    runs: Type.Object({ pending: count, running: count, retrying: count }),
    tzdata: Type.Unsafe<Record<string, number>>({
      type: 'object',
      additionalProperties: { type: 'integer' },
      description:
        'Active schedules by the version of the time zone database that their next fire time was computed with.',
    }),
    overdueMs: Type.Integer({ description: 'How long the most overdue active schedule has been due.' }),
    unclaimed: Type.Unsafe<Record<string, number>>({
      type: 'object',
      additionalProperties: { type: 'integer' },
      description: 'Tasks of waiting runs that no live node knows, with how many wait.',
    }),
  },
  { $id: 'Stats', additionalProperties: false, description: 'How much there is, and how far behind.' },
)

export type StatsJson = Static<typeof StatsSchema>

export const AliveSchema = Type.Object(
  { status: Type.Literal('ok'), version: Type.String(), uptimeMs: Type.Integer() },
  { $id: 'Alive', additionalProperties: false, description: 'The process answers.' },
)

export const ReadySchema = Type.Object(
  {
    status: choice(['ready', 'unready']),
    problems: Type.Array(Type.String(), { description: 'Why not; empty when ready.' }),
    lastPeekAgeMs: nullable(Type.Number(), 'Since it last looked for due schedules.'),
    overdueMs: Type.Number(),
  },
  { $id: 'Ready', additionalProperties: false, description: 'Whether the node makes progress.' },
)
