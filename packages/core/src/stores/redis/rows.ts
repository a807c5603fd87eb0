import { parseRunId, type RunId, type ScheduleId, type SessionId } from '../../domain/ids.js'
import type { CalendarName } from '../../domain/calendar.js'
import type { Fence } from '../../domain/lease.js'
import type { Delivery } from '../../domain/policies.js'
import type { PastAttempt, Run, RunKind, RunStatus } from '../../domain/run.js'
import type { LastRun, Schedule, ScheduleDefinition, ScheduleState } from '../../domain/schedule.js'
import type { ClaimedRun, DueSchedule, NodeInfo, NodeRecord } from '../../store/contract.js'
import type { ExportedTiming, OpenRun } from '../../store/exports.js'
import { HELD_RUNS_LISTED } from '../../store/periods.js'

// What the scripts answer, and what it means. The fields are described in lua/lib/.

/** Names and values in turn, as HGETALL answers within a script. */
type Flat = readonly string[]

export type ScheduleRow = readonly [
  hot: string,
  definition: Flat,
  lastRun: readonly [] | readonly [id: RunId, run: string],
]

export type RunRow = readonly [id: RunId, run: string, texts: Flat, attempts: readonly string[]]

export type LeasedRow = readonly [
  id: RunId,
  fence: string,
  kind: string,
  task: string,
  attempt: string,
  delivery: string,
  dueAt: string,
  createdAt: string,
  startedAt: string,
  spec: string,
]

/** Ids, each with the text s:ID. */
export type DueRows = readonly string[]

export type NodeRow = readonly [
  info: string,
  startedAt: string,
  lastBeatAt: string,
  until: string,
  left: string,
  session: SessionId,
  runsHeld: number,
  heldRuns: readonly RunId[],
]

export function scheduleOf(id: ScheduleId, [hot, cold, last]: ScheduleRow): Schedule {
  const [revision, state, fireTime, tzdata, due, highWaterMark, fires, failures, , , , stretched] =
    hot.split('|')
  const d = fieldsOf(cold)
  return {
    id,
    definition: JSON.parse(d.get('def')!) as ScheduleDefinition,
    state: state as ScheduleState,
    stateReason: d.get('why') ?? null,
    revision: Number(revision),
    nextFireTime: numberOf(fireTime),
    dueAt: numberOf(due),
    tzdata: textOf(tzdata),
    stretchedMs: numberOf(stretched),
    highWaterMark: numberOf(highWaterMark),
    fires: Number(fires),
    consecutiveFailures: Number(failures),
    createdAt: Number(d.get('at')),
    updatedAt: Number(d.get('up')),
    lastRun: last.length === 0 ? null : lastRunOf(last[0], unpackRun(last[1])),
  }
}

function lastRunOf(id: RunId, { status, startedAt, endedAt }: PackedRun): LastRun {
  const { fireTime } = parseRunId(id)!
  return { id, status, fireTime, startedAt, endedAt }
}

export function idOfScheduleRow([, cold]: ScheduleRow): ScheduleId {
  return (JSON.parse(fieldsOf(cold).get('def')!) as ScheduleDefinition).id
}

export function runOf([id, packed, texts, attempts]: RunRow): Run {
  const { scheduleId, fireTime, requestId } = parseRunId(id)!
  const { number, queue: _queue, ...run } = unpackRun(packed)
  const x = fieldsOf(texts)
  return {
    id,
    scheduleId,
    fireTime,
    stretchedMs: numberOf(x.get('stretched')),
    requestId,
    ...run,
    createdAt: Math.floor(number / 1000),
    error: parsed(x.get('error')),
    result: parsed(x.get('result')),
    progress: parsed(x.get('progress')),
    missed: parsed(x.get('missed')),
    attempts: attempts.map((text) => JSON.parse(text) as PastAttempt),
    spec: x.get('spec') ?? null,
  }
}

interface PackedRun extends Omit<
  Run,
  | 'id'
  | 'scheduleId'
  | 'fireTime'
  | 'stretchedMs'
  | 'requestId'
  | 'createdAt'
  | 'error'
  | 'result'
  | 'progress'
  | 'missed'
  | 'attempts'
  | 'spec'
> {
  readonly number: number
  readonly queue: string
}

/** The text r:ID; see lua/lib/runs.lua. */
function unpackRun(packed: string): PackedRun {
  const [
    status,
    fence,
    ended,
    ,
    attempt,
    task,
    number,
    group,
    due,
    ,
    queue,
    started,
    kind,
    priority,
    delivery,
    cancel,
    ,
    ,
    ...node
  ] = packed.split('|')
  return {
    number: Number(number),
    queue: queue!,
    kind: (textOf(kind) ?? 'scheduled') as RunKind,
    task: task!,
    status: status as RunStatus,
    attempt: Number(attempt),
    node: textOf(node.join('|')),
    fence: Number(fence),
    priority: Number(priority),
    group: textOf(group) ?? 'default',
    delivery: (textOf(delivery) ?? 'atLeastOnce') as Delivery,
    dueAt: Number(due),
    startedAt: numberOf(started),
    endedAt: numberOf(ended),
    cancelRequested: cancel !== '',
  }
}

export function openRunOf(row: RunRow): OpenRun {
  return { ...runOf(row), blocked: unpackRun(row[1]).queue === 'blocked' }
}

/** What the row says beside the schedule. */
export function timingOf([hot, cold]: ScheduleRow): ExportedTiming {
  const [, , , , , , , , , calendarsRevision, afterRunMs] = hot.split('|')
  const names = fieldsOf(cold).get('cal')
  return {
    calendars: names === undefined ? [] : (JSON.parse(names) as CalendarName[]),
    calendarsRevision: numberOf(calendarsRevision),
    afterRunMs: numberOf(afterRunMs),
  }
}

/** In which order runs were created: what lists of all runs go by. */
export function numberOfRun([, packed]: RunRow): number {
  return unpackRun(packed).number
}

export function claimedOf([
  id,
  fence,
  kind,
  task,
  attempt,
  delivery,
  due,
  created,
  started,
  spec,
]: LeasedRow): ClaimedRun {
  const { scheduleId, fireTime } = parseRunId(id)!
  return {
    runId: id,
    fence: Number(fence) as Fence,
    scheduleId,
    kind: (kind === '' ? 'scheduled' : kind) as RunKind,
    fireTime,
    task,
    attempt: Number(attempt),
    delivery: (delivery === '' ? 'atLeastOnce' : delivery) as Delivery,
    dueAt: Number(due),
    createdAt: Number(created),
    startedAt: Number(started),
    spec: spec === '' ? null : spec,
  }
}

export function dueOf(rows: DueRows): DueSchedule[] {
  return Array.from({ length: rows.length / 2 }, (_, i) => {
    const [revision, , fireTime, , dueAt, , fires, , , calendars, , stretched] = rows[2 * i + 1]!.split('|')
    return {
      id: rows[2 * i]!,
      revision: Number(revision),
      fireTime: Number(fireTime),
      dueAt: Number(dueAt),
      fires: Number(fires),
      stretchedMs: numberOf(stretched),
      calendarsRevision: numberOf(calendars),
    }
  })
}

/** `held`: its rows in all cells, for it holds runs in each. */
export function nodeOf(
  [info, startedAt, lastBeatAt, until, left]: NodeRow,
  held: readonly NodeRow[],
  now: number,
): NodeRecord {
  return Object.assign(JSON.parse(info) as NodeInfo, {
    alive: Number(until) > now,
    left: left === '1',
    startedAt: Number(startedAt),
    lastBeatAt: Number(lastBeatAt),
    leaseUntil: Number(until),
    runsHeld: held.reduce((sum, [, , , , , , count]) => sum + count, 0),
    heldRuns: held.flatMap(([, , , , , , , ids]) => ids).slice(0, HELD_RUNS_LISTED),
  })
}

export function fieldsOf(flat: Flat): Map<string, string> {
  const fields = new Map<string, string>()
  for (let i = 0; i < flat.length; i += 2) fields.set(flat[i]!, flat[i + 1]!)
  return fields
}

function textOf(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text
}

function numberOf(text: string | undefined): number | null {
  return text === undefined || text === '' ? null : Number(text)
}

function parsed<Value>(text: string | undefined): Value | null {
  return text === undefined ? null : (JSON.parse(text) as Value)
}
