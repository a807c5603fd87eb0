import type { Calendar, CalendarName } from '../domain/calendar.js'
import type { EpochMs } from '../domain/clock.js'
import type { ScheduleId } from '../domain/ids.js'
import { isOpen, type LogLine, type Run } from '../domain/run.js'
import type { Schedule } from '../domain/schedule.js'
import { CANCELLED, LEFT_RUNNING } from './reasons.js'

// What travels from one store to another, or into a file: see docs/decisions/0023.

/**
 * A schedule with all that decides what it does next, of one moment. `open` are the runs that go on elsewhere: those
 * that wait, as they are, and those that run and may begin again, as `retrying`; by fire time, then by request id.
 */
export interface ScheduleExport extends Omit<Schedule, 'lastRun'> {
  readonly kind: 'schedule'
  readonly calendars: readonly CalendarName[]
  /** Of all calendars, when its fire time was computed; `null` when it refers to none. */
  readonly calendarsRevision: number | null
  readonly afterRunMs: number | null
  readonly open: readonly OpenRun[]
}

/** A run that can still execute. */
export interface OpenRun extends Run {
  /** Waits for an earlier run of its schedule to end. */
  readonly blocked: boolean
  /** As in {@link RunExport}. */
  readonly log?: readonly LogLine[]
}

/** A run that has ended, with what its handler wrote; or one that goes on, and whose schedule is no more. */
export interface RunExport {
  readonly kind: 'run'
  readonly run: Run
  readonly log: readonly LogLine[]
}

export interface CalendarExport extends Calendar {
  readonly kind: 'calendar'
  /** Of all calendars of the store. */
  readonly calendarsRevision: number
}

/** What outlives a deleted schedule, so that a namesake repeats neither a revision nor a fire time. */
export interface TombstoneExport {
  readonly kind: 'tombstone'
  readonly id: ScheduleId
  readonly revision: number
  readonly highWaterMark: EpochMs | null
  readonly expiresAt: EpochMs
}

export type StoreExport = CalendarExport | RunExport | ScheduleExport | TombstoneExport

/** What a store knows of a schedule beside what it shows. */
export type ExportedTiming = Pick<ScheduleExport, 'calendars' | 'calendarsRevision' | 'afterRunMs'>

/**
 * The schedule as it travels. `open` are its open runs as they stand in the store, in any order. Depends on nothing
 * else, so that the same data gives the same export at any time and in any store.
 */
export function scheduleExport(
  { lastRun: _lastRun, ...schedule }: Schedule,
  timing: ExportedTiming,
  open: readonly OpenRun[],
): ScheduleExport {
  const travelling = open
    .filter(goesOn)
    .map((run) => Object.assign(asItGoesOn(run), { blocked: run.blocked }))
    .toSorted(byIdentity)
  const stayed = open.filter((run) => !goesOn(run))
  const { nextFireTime, dueAt } = schedule
  const restarted =
    timing.afterRunMs !== null && nextFireTime === null && travelling.length === 0 && stayed.length > 0
      ? endOfLast(stayed) + timing.afterRunMs
      : null
  // The fields in one order, whichever store they come from: so files can be compared line by line.
  return {
    kind: 'schedule',
    id: schedule.id,
    state: schedule.state,
    stateReason: schedule.stateReason,
    revision: schedule.revision,
    nextFireTime: restarted ?? nextFireTime,
    dueAt: restarted ?? dueAt,
    stretchedMs: schedule.stretchedMs,
    highWaterMark: schedule.highWaterMark,
    fires: schedule.fires,
    consecutiveFailures: schedule.consecutiveFailures,
    tzdata: schedule.tzdata,
    calendars: [...timing.calendars].sort(),
    calendarsRevision: timing.calendarsRevision,
    afterRunMs: timing.afterRunMs,
    createdAt: schedule.createdAt,
    updatedAt: schedule.updatedAt,
    definition: schedule.definition,
    open: withOneInTurn(travelling),
  }
}

/**
 * A run as it travels with the history, `null` when it is one that goes on. What runs and must not begin a second time
 * is told as what it would be had its node died.
 */
export function endedRun(run: Run): Run | null {
  if (!isOpen(run.status)) return inOneOrder(run)
  if (goesOn(run)) return null
  return {
    ...inOneOrder(run),
    status: run.cancelRequested ? 'cancelled' : 'lost',
    error: run.cancelRequested ? CANCELLED : LEFT_RUNNING,
    endedAt: run.startedAt,
  }
}

/** An open run as it goes on without its schedule; `null` when it does not. */
export function runWithoutSchedule(run: Run): Run | null {
  return isOpen(run.status) && goesOn(run) ? asItGoesOn(run) : null
}

function inOneOrder(run: Run): Run {
  return {
    id: run.id,
    scheduleId: run.scheduleId,
    kind: run.kind,
    fireTime: run.fireTime,
    requestId: run.requestId,
    task: run.task,
    status: run.status,
    attempt: run.attempt,
    node: run.node,
    fence: run.fence,
    priority: run.priority,
    group: run.group,
    delivery: run.delivery,
    stretchedMs: run.stretchedMs,
    dueAt: run.dueAt,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    cancelRequested: run.cancelRequested,
    error: run.error,
    result: run.result,
    progress: run.progress,
    missed: run.missed,
    attempts: run.attempts,
    spec: run.spec,
  }
}

/** Whether an open run executes elsewhere, or, if it is running, may begin again there. */
function goesOn(run: Run): boolean {
  return run.status !== 'running' || (run.delivery === 'atLeastOnce' && !run.cancelRequested)
}

function asItGoesOn(run: Run): Run {
  const ordered = inOneOrder(run)
  return run.status === 'running' ? { ...ordered, status: 'retrying', error: LEFT_RUNNING } : ordered
}

/** Without those that stayed behind, the turn may have come to the first that waited for them. */
function withOneInTurn(open: readonly OpenRun[]): OpenRun[] {
  const [first, ...others] = open
  if (first === undefined || open.some(({ blocked }) => !blocked)) return [...open]
  return [{ ...first, blocked: false }, ...others]
}

function endOfLast(runs: readonly Run[]): EpochMs {
  return Math.max(...runs.map(({ startedAt, createdAt }) => startedAt ?? createdAt))
}

function byIdentity(a: Run, b: Run): number {
  return a.fireTime - b.fireTime || (a.requestId < b.requestId ? -1 : 1)
}
