import { policyOf } from '../../domain/definition.js'
import { EvertickError } from '../../domain/errors.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { Schedule } from '../../domain/schedule.js'
import type { DueSchedule, Peek, PutResult, PutSchedule, Timing } from '../../store/contract.js'
import { BACKLOG_AFTER_MS, ON_TIME_SHARE, TOMBSTONE_MS } from '../../store/periods.js'
import type { Calendars } from './calendars.js'
import type { Cell, Cells } from './cells.js'
import { dueOf, scheduleOf, type DueRows, type ScheduleRow } from './rows.js'

type PutAnswer =
  | readonly ['created' | 'updated', ScheduleRow]
  | readonly ['conflict', ScheduleRow | null]
  | readonly ['calendars', string[]]

type PeekAnswer = readonly [now: string, nextDueAt: string | null, calendars: string, rows: DueRows]

export class Schedules {
  readonly #cells: Cells
  readonly #calendars: Calendars

  constructor(cells: Cells, calendars: Calendars) {
    this.#cells = cells
    this.#calendars = calendars
  }

  put(items: readonly PutSchedule[]): Promise<PutResult[]> {
    return this.#cells.each(items, idOf, (cell, own) => this.#putIn(cell, own))
  }

  async #putIn(cell: Cell, items: readonly PutSchedule[]): Promise<PutResult[]> {
    const results = Array.from<PutResult>({ length: items.length })
    const ownNames = cell === this.#cells.first
    const written: number[] = []
    for (const [i, { timing }] of items.entries()) {
      const names = ownNames || timing === 'keep' ? [] : (timing?.calendars?.names ?? [])
      const missing = names.length === 0 ? [] : await this.#calendars.missing(names)
      if (missing.length > 0) results[i] = { outcome: 'calendars', missing }
      else written.push(i)
    }
    const answers = await cell.run<PutAnswer[]>('put-schedules', {
      items: written.map((i) => this.#putArgs(items[i]!)),
      ownNames,
    })
    for (const [place, i] of written.entries())
      results[i] = putResultOf(items[i]!.definition.id, answers[place]!)
    return results
  }

  #putArgs({ definition, state, stateReason, expect, timing }: PutSchedule): readonly unknown[] {
    const { id, task, pauseAfterFailures, history } = definition
    const { delivery, priority, group } = policyOf(definition)
    return [
      id,
      JSON.stringify(definition),
      task,
      stateReason ?? false,
      state,
      expect === 'absent' ? 0 : expect,
      pauseAfterFailures == null ? false : String(pauseAfterFailures),
      history === undefined ? false : JSON.stringify(history),
      timing === 'keep' ? timing : timing === null ? false : timingArgs(timing),
      String(this.#cells.shardOf(id)),
      [delivery, priority, group],
    ]
  }

  get(ids: readonly ScheduleId[]): Promise<(Schedule | null)[]> {
    return this.#cells.each(
      ids,
      (id) => id,
      async (cell, own) => {
        const rows = await cell.run<(ScheduleRow | null)[]>('get-schedules', { ids: own })
        return rows.map((row, i) => (row === null ? null : scheduleOf(own[i]!, row)))
      },
    )
  }

  async delete(id: ScheduleId, revision: number | undefined): Promise<boolean> {
    const answer = await this.#cells.of(id).run<number | [string]>('delete-schedule', {
      id,
      revision: revision ?? false,
      keepMs: TOMBSTONE_MS,
    })
    if (typeof answer === 'number') return answer === 1
    throw new EvertickError('REVISION_CONFLICT', `Schedule ${id} has revision ${answer[0]}, not ${revision}`)
  }

  async peek(limit: number, shards: readonly number[] | undefined): Promise<Peek> {
    const mine = shards === undefined ? null : new Set(shards)
    const isOwn = (shard: number): boolean => mine === null || mine.has(shard)
    const answers = await this.#cells.everywhere<PeekAnswer>('peek', (cell) => ({
      limit,
      own: cell.shards.filter(isOwn),
      others: cell.shards.filter((shard) => !isOwn(shard)),
      backlogAfterMs: BACKLOG_AFTER_MS,
      onTimeShare: ON_TIME_SHARE,
    }))
    const [now, nextDueAt, calendars, rows] = answers[0]!
    const peek = {
      due: dueOf(rows),
      calendarsRevision: Number(calendars),
      now: Number(now),
      nextDueAt: nextDueAt === null ? null : Number(nextDueAt),
    }
    return answers.length === 1 ? peek : merged(answers, limit)
  }
}

/** Of what several cells show, as much as was asked for, by the same rule as each of them. */
function merged(answers: readonly PeekAnswer[], limit: number): Peek {
  // The earliest: nothing is shown as due that is not so in its own cell.
  const now = Math.min(...answers.map(([at]) => Number(at)))
  const all = answers.flatMap(([, , , rows]) => dueOf(rows)).toSorted(byDueTime)
  const backlog = all.filter(({ dueAt }) => dueAt <= now - BACKLOG_AFTER_MS)
  const onTime = all.slice(backlog.length)
  const room = Math.max(limit - onTime.length, limit - Math.ceil(limit * ON_TIME_SHARE))
  const shown = backlog.slice(0, room)
  shown.push(...onTime.slice(0, limit - shown.length))
  const nextDues = answers.flatMap(([, next]) => (next === null ? [] : [Number(next)]))
  const next = shown.length < all.length ? now : nextDues.length === 0 ? null : Math.min(...nextDues)
  return {
    due: shown,
    calendarsRevision: Math.max(...answers.map(([, , revision]) => Number(revision))),
    now,
    nextDueAt: next,
  }
}

function byDueTime(a: DueSchedule, b: DueSchedule): number {
  return a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1)
}

function idOf({ definition }: PutSchedule): ScheduleId {
  return definition.id
}

function timingArgs({
  fireTime,
  dueAt,
  stretchedMs,
  tzdata,
  afterRunMs,
  calendars,
}: Timing): readonly unknown[] {
  return [
    String(fireTime),
    String(dueAt),
    tzdata,
    afterRunMs === null ? false : String(afterRunMs),
    calendars === null ? false : [calendars.revision, ...calendars.names],
    String(stretchedMs ?? ''),
  ]
}

function putResultOf(id: ScheduleId, answer: PutAnswer): PutResult {
  switch (answer[0]) {
    case 'created':
    case 'updated':
      return { outcome: answer[0], schedule: scheduleOf(id, answer[1]) }
    case 'conflict':
      return { outcome: 'conflict', schedule: answer[1] === null ? null : scheduleOf(id, answer[1]) }
    default:
      return { outcome: 'calendars', missing: answer[1] }
  }
}
