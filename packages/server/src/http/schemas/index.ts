import type { TSchema } from 'typebox'
import { CalendarInputSchema, CalendarSchema } from './calendar.js'
import { AliveSchema, NodeSchema, ReadySchema, StatsSchema, TaskSchema } from './cluster.js'
import {
  AcquireInputSchema,
  LockAnswerSchema,
  LockSchema,
  ReleasedSchema,
  ReleaseInputSchema,
  RenewInputSchema,
} from './lock.js'
import { ProblemSchema } from './problem.js'
import { LogPageSchema, RunErrorSchema, RunInputSchema, RunSchema, RunStatusSchema } from './run.js'
import { PauseInputSchema, ScheduleInputSchema, SchedulePatchSchema, ScheduleSchema } from './schedule.js'
import { FireSchema, FireWarningSchema, PreviewInputSchema, PreviewSchema, TriggerSchema } from './trigger.js'

/** Every schema that has a name, which OpenAPI lists as a component. */
export const SCHEMAS: readonly TSchema[] = [
  ScheduleSchema,
  ScheduleInputSchema,
  SchedulePatchSchema,
  PauseInputSchema,
  TriggerSchema,
  FireSchema,
  FireWarningSchema,
  PreviewInputSchema,
  PreviewSchema,
  CalendarSchema,
  CalendarInputSchema,
  RunSchema,
  RunStatusSchema,
  RunErrorSchema,
  RunInputSchema,
  LogPageSchema,
  LockSchema,
  LockAnswerSchema,
  AcquireInputSchema,
  RenewInputSchema,
  ReleaseInputSchema,
  ReleasedSchema,
  NodeSchema,
  TaskSchema,
  StatsSchema,
  AliveSchema,
  ReadySchema,
  ProblemSchema,
]
