import type {
  EpochMs,
  ExplainLocale,
  LockTaker,
  PutOptions,
  RunStatus,
  ScheduleState,
  TriggerJson,
} from '@evertick/core'
import type { CalendarJson } from '../http/schemas/calendar.js'
import type { NodeJson, StatsJson } from '../http/schemas/cluster.js'
import type { LockJson } from '../http/schemas/lock.js'
import type { LogPageJson, RunJson } from '../http/schemas/run.js'
import type { ScheduleJson } from '../http/schemas/schedule.js'
import type { FireJson, PreviewJson } from '../http/schemas/trigger.js'

export type { CalendarJson, LogPageJson, PreviewJson, RunJson, ScheduleJson }

export interface PageJson<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

/** A schedule as it is sent: checked by whoever receives it, so that there is one set of rules. */
export interface ScheduleRequest {
  readonly id: string
  readonly [field: string]: unknown
}

interface PreviewRequest {
  readonly trigger: TriggerJson
  /** Strictly after this. */
  readonly from: EpochMs
  readonly count: number
  readonly locale: ExplainLocale
}

interface ScheduleFilter {
  readonly state?: ScheduleState
  readonly task?: string
  readonly limit: number
  readonly cursor?: string
}

export interface RunFilter {
  readonly scheduleId?: string
  readonly task?: string
  readonly status?: readonly RunStatus[]
  readonly limit: number
  readonly cursor?: string
}

interface LockFilter {
  readonly prefix?: string
  readonly limit: number
  readonly cursor?: string
}

/**
 * What the commands ask for, of a server or straight of a store. The answers are those of the HTTP API.
 * What is not there is an error with the code SCHEDULE_NOT_FOUND, RUN_NOT_FOUND or CALENDAR_NOT_FOUND.
 * @throws {UnreachableError} nobody answers.
 */
export interface Client extends AsyncDisposable {
  putSchedule(
    schedule: ScheduleRequest,
    options: Omit<PutOptions, 'ifRevision' | 'tx'>,
  ): Promise<ScheduleJson>
  getSchedule(id: string): Promise<ScheduleJson>
  listSchedules(filter: ScheduleFilter): Promise<PageJson<ScheduleJson>>
  pauseSchedule(id: string, reason: string | undefined): Promise<ScheduleJson>
  resumeSchedule(id: string): Promise<ScheduleJson>
  removeSchedule(id: string): Promise<void>
  /** `input`: instead of the schedule's own; `undefined` keeps that. */
  runSchedule(id: string, input: unknown): Promise<RunJson>
  upcoming(id: string, count: number): Promise<PageJson<FireJson>>
  listRuns(filter: RunFilter): Promise<PageJson<RunJson>>
  getRun(id: string): Promise<RunJson>
  readLog(id: string, after: number): Promise<LogPageJson>
  cancelRun(id: string): Promise<RunJson>
  retryRun(id: string): Promise<RunJson>
  listNodes(): Promise<PageJson<NodeJson>>
  /** The calendars that the trigger refers to are those of the server or store. */
  preview(request: PreviewRequest): Promise<PreviewJson>
  stats(): Promise<StatsJson>
  putCalendar(definition: { readonly name: string; readonly [field: string]: unknown }): Promise<CalendarJson>
  getCalendar(name: string): Promise<CalendarJson>
  listCalendars(page: { readonly limit: number; readonly cursor?: string }): Promise<PageJson<CalendarJson>>
  removeCalendar(name: string): Promise<void>
  /** Those that this process holds are released when the client is closed. */
  readonly locks: LockTaker
  listLocks(filter: LockFilter): Promise<PageJson<LockJson>>
}
