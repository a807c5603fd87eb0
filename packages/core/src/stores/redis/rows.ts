import { parseRunId, type RunId, type ScheduleId } from '../../domain/ids.js'
import type { Fence } from '../../domain/lease.js'
import type { Delivery } from '../../domain/policies.js'
import type { PastAttempt, Run, RunKind, RunStatus } from '../../domain/run.js'
import type { Schedule, ScheduleDefinition, ScheduleState } from '../../domain/schedule.js'
import type { ClaimedRun, DueSchedule, NodeInfo, NodeRecord } from '../../store/contract.js'

// What the scripts answer, and what it means. The fields are described in lua/lib/.

/** Names and values in turn, as HGETALL answers within a script. */
type Flat = readonly string[]

export type ScheduleRow = readonly [hot: string, definition: Flat, lastRun: readonly string[]]

export type RunRow = readonly [id: RunId, fields: Flat, texts: Flat, attempts: readonly string[]]

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

export type DueRow = readonly [
  id: ScheduleId,
  revision: string,
  fireTime: string,
  dueAt: string,
  fires: string,
  calendars: string,
]

export type NodeRow = readonly [
  info: string,
  startedAt: string,
  lastBeatAt: string,
  until: string,
  left: string,
]

export function scheduleOf(id: ScheduleId, [hot, cold, last]: ScheduleRow): Schedule {
  const [revision, state, fireTime, due, tzdata, highWaterMark, fires, failures] = hot.split('|')
  const d = fieldsOf(cold)
  const [member, status, lease = '', endedAt] = last
  return {
    id,
    definition: JSON.parse(d.get('def')!) as ScheduleDefinition,
    state: state as ScheduleState,
    stateReason: d.get('why') ?? null,
    revision: Number(revision),
    nextFireTime: numberOf(fireTime),
    dueAt: numberOf(due),
    tzdata: textOf(tzdata),
    highWaterMark: numberOf(highWaterMark),
    fires: Number(fires),
    consecutiveFailures: Number(failures),
    createdAt: Number(d.get('at')),
    updatedAt: Number(d.get('up')),
    lastRun:
      member === undefined
        ? null
        : {
            id: `${id}@${member}`,
            status: status as RunStatus,
            fireTime: Number(member.split('.', 1)[0]),
            startedAt: leaseOf(lease).startedAt,
            endedAt: numberOf(endedAt),
          },
  }
}

export function idOfScheduleRow([, cold]: ScheduleRow): ScheduleId {
  return (JSON.parse(fieldsOf(cold).get('def')!) as ScheduleDefinition).id
}

export function runOf([id, fields, texts, attempts]: RunRow): Run {
  const { scheduleId, fireTime, requestId } = parseRunId(id)!
  const r = fieldsOf(fields)
  const x = fieldsOf(texts)
  const [number, task, group, due] = r.get('i')!.split('|')
  const { attempt, fence, startedAt, node } = leaseOf(r.get('l') ?? '')
  return {
    id,
    scheduleId,
    kind: (r.get('kind') ?? 'scheduled') as RunKind,
    fireTime,
    requestId,
    task: task!,
    status: r.get('st') as RunStatus,
    attempt,
    node,
    fence,
    priority: Number(r.get('pr') ?? 0),
    group: textOf(group) ?? 'default',
    delivery: (r.get('dl') ?? 'atLeastOnce') as Delivery,
    dueAt: numberOf(r.get('due')) ?? numberOf(due) ?? fireTime,
    createdAt: Math.floor(Number(number) / 1000),
    startedAt,
    endedAt: numberOf(r.get('en')),
    cancelRequested: r.has('cx'),
    error: parsed(x.get('error')),
    result: parsed(x.get('result')),
    progress: parsed(x.get('progress')),
    missed: parsed(x.get('missed')),
    attempts: attempts.map((text) => JSON.parse(text) as PastAttempt),
    spec: x.get('spec') ?? null,
  }
}

/** In which order runs were created: what lists of all runs go by. */
export function numberOfRun([, fields]: RunRow): number {
  return Number.parseInt(fieldsOf(fields).get('i')!, 10)
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

export function dueOf([id, revision, fireTime, dueAt, fires, calendars]: DueRow): DueSchedule {
  return {
    id,
    revision: Number(revision),
    fireTime: Number(fireTime),
    dueAt: Number(dueAt),
    fires: Number(fires),
    calendarsRevision: calendars === '' ? null : Number(calendars),
  }
}

export function nodeOf([info, startedAt, lastBeatAt, until, left]: NodeRow, now: number): NodeRecord {
  return Object.assign(JSON.parse(info) as NodeInfo, {
    alive: Number(until) > now,
    left: left === '1',
    startedAt: Number(startedAt),
    lastBeatAt: Number(lastBeatAt),
    leaseUntil: Number(until),
  })
}

export function fieldsOf(flat: Flat): Map<string, string> {
  const fields = new Map<string, string>()
  for (let i = 0; i < flat.length; i += 2) fields.set(flat[i]!, flat[i + 1]!)
  return fields
}

/** Of the last lease of a run; see lua/lib/runs.lua. */
function leaseOf(text: string): Pick<Run, 'attempt' | 'fence' | 'startedAt' | 'node'> {
  const [attempt, fence, started, , ...node] = text.split('|')
  const startedAt = numberOf(started)
  return {
    attempt: Number(attempt),
    fence: numberOf(fence) ?? (startedAt ?? 0) * 1000,
    startedAt,
    node: textOf(node.join('|')),
  }
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
