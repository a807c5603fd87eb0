import {
  toIso,
  wallTime,
  zoneOf,
  type Calendar,
  type EpochMs,
  type JsonValue,
  type LockAnswer,
  type LockRecord,
  type LogPage,
  type NodeId,
  type NodeRecord,
  type Page,
  type Run,
  type RunSpec,
  type Schedule,
  type StoreInfo,
  type StoreStats,
} from '@evertick/core'
import type { CalendarJson } from './schemas/calendar.js'
import type { NodeJson, StatsJson } from './schemas/cluster.js'
import type { LockAnswerJson, LockJson } from './schemas/lock.js'
import type { LogPageJson, RunJson } from './schemas/run.js'
import type { ScheduleJson } from './schemas/schedule.js'
import type { FireJson } from './schemas/trigger.js'

/** The definition at the top level, with where the schedule stands. */
export function presentSchedule(schedule: Schedule): ScheduleJson {
  const { definition, lastRun } = schedule
  return {
    ...definition,
    input: definition.input ?? null,
    state: schedule.state,
    stateReason: schedule.stateReason,
    revision: schedule.revision,
    nextFireTime: isoOrNull(schedule.nextFireTime),
    dueAt: isoOrNull(schedule.dueAt),
    tzdata: schedule.tzdata,
    stretchedMs: schedule.stretchedMs,
    fires: schedule.fires,
    consecutiveFailures: schedule.consecutiveFailures,
    createdAt: toIso(schedule.createdAt),
    updatedAt: toIso(schedule.updatedAt),
    lastRun: lastRun && {
      id: lastRun.id,
      status: lastRun.status,
      fireTime: toIso(lastRun.fireTime),
      startedAt: isoOrNull(lastRun.startedAt),
      endedAt: isoOrNull(lastRun.endedAt),
    },
  }
}

export function presentCalendar({ definition, revision, createdAt, updatedAt }: Calendar): CalendarJson {
  return {
    ...(definition as Pick<CalendarJson, 'name'>),
    revision,
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  }
}

export function presentRun(run: Run): RunJson {
  const { progress, missed } = run
  return {
    id: run.id,
    scheduleId: run.scheduleId,
    kind: run.kind,
    fireTime: toIso(run.fireTime),
    stretchedMs: run.stretchedMs,
    task: run.task,
    status: run.status,
    attempt: run.attempt,
    node: run.node,
    fence: run.fence,
    priority: run.priority,
    group: run.group,
    delivery: run.delivery,
    dueAt: toIso(run.dueAt),
    createdAt: toIso(run.createdAt),
    startedAt: isoOrNull(run.startedAt),
    endedAt: isoOrNull(run.endedAt),
    cancelRequested: run.cancelRequested,
    input: inputOf(run),
    result: run.result,
    error: run.error,
    progress: progress && { ...progress, at: toIso(progress.at) },
    missed: missed && { ...missed, from: toIso(missed.from), to: toIso(missed.to) },
    attempts: run.attempts.map((past) => ({
      ...past,
      startedAt: isoOrNull(past.startedAt),
      endedAt: toIso(past.endedAt),
    })),
  }
}

export function presentLog({ lines, position }: LogPage): LogPageJson {
  return { lines: lines.map(({ at, level, message }) => ({ at: toIso(at), level, message })), position }
}

export function presentLock({ acquiredAt, heldUntil, ...lock }: LockRecord): LockJson {
  return { ...lock, acquiredAt: toIso(acquiredAt), heldUntil: toIso(heldUntil) }
}

/** To one who asked for it as `holder`. */
export function presentLockAnswer(answer: LockAnswer, holder: string): LockAnswerJson {
  if (answer.outcome === 'held') return { ...answer, fence: null, heldUntil: null }
  const { outcome, fence, heldUntil } = answer
  return { outcome, fence, heldUntil: toIso(heldUntil), holder, freeInMs: null }
}

/** `leader`: the node that is. */
export function presentNode(node: NodeRecord, leader: NodeId | null): NodeJson {
  return {
    node: node.node,
    session: node.session,
    alive: node.alive,
    leader: node.alive && node.node === leader,
    left: node.left,
    host: node.host,
    pid: node.pid,
    version: node.version,
    tzdata: node.tzdata,
    groups: [...node.groups],
    tasks: [...node.tasks],
    slots: node.slots,
    slotsInUse: node.slotsInUse,
    eventLoopDelayMs: node.eventLoopDelayMs,
    cpu: node.cpu,
    memoryBytes: node.memoryBytes,
    latenessMs: node.latenessMs,
    load: node.load,
    startedAt: toIso(node.startedAt),
    lastBeatAt: toIso(node.lastBeatAt),
    leaseUntil: toIso(node.leaseUntil),
    runsHeld: node.runsHeld,
    heldRuns: node.heldRuns && [...node.heldRuns],
  }
}

export function presentStats(stats: StoreStats, info: StoreInfo, node: string): StatsJson {
  const { kind, location, durable, shared } = info
  const { pending, running, retrying } = stats
  return {
    now: toIso(stats.now),
    node,
    store: { kind, location, durable, shared },
    schedules: { ...stats.schedules },
    runs: { pending, running, retrying },
    tzdata: { ...stats.tzdata },
    overdueMs: overdueMs(stats),
    unclaimed: { ...stats.unclaimed },
  }
}

/** How long the most overdue active schedule has been due; 0 when none is. */
export function overdueMs({ now, oldestDueAt }: Pick<StoreStats, 'now' | 'oldestDueAt'>): number {
  return oldestDueAt === null ? 0 : Math.max(0, now - oldestDueAt)
}

/** Fire times as the clocks of a zone show them, marked where those have been changed since the one before. */
export function presentFires(times: Iterable<EpochMs>, timezone: string): FireJson[] {
  const zone = zoneOf(timezone)
  let offset: string | null = null
  return Array.from(times, (at) => {
    const shown = wallTime(at, zone)
    const before = offset
    offset = OFFSET.exec(shown)?.[0] ?? ''
    const fire = { fireTime: toIso(at), wallTime: shown }
    return before === null || before === offset
      ? fire
      : { ...fire, clockChange: { from: before, to: offset } }
  })
}

/** `+02:00` of `2026-03-29T03:30:00+02:00`. */
const OFFSET = /(?:Z|[+-][\d:]+)$/

export function presentPage<Item, Json>(
  page: Page<Item>,
  present: (item: Item) => Json,
): { items: Json[]; nextCursor: string | null } {
  return { items: page.items.map(present), nextCursor: page.nextCursor }
}

function inputOf(run: Run): JsonValue {
  return run.spec === null ? null : ((JSON.parse(run.spec) as RunSpec).input ?? null)
}

function isoOrNull(at: EpochMs | null): string | null {
  return at === null ? null : toIso(at)
}
