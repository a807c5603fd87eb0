import type { EpochMs } from '../../domain/clock.js'
import { policyOf } from '../../domain/definition.js'
import { EvertickError } from '../../domain/errors.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { Schedule, ScheduleDefinition } from '../../domain/schedule.js'
import type {
  DueSchedule,
  Page,
  Peek,
  PutResult,
  PutSchedule,
  ScheduleQuery,
  Timing,
} from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import { droppedFire } from '../../store/dropped-fire.js'
import type { Hints } from '../../store/hints.js'
import type { Calendars } from './calendars.js'
import { deepFreeze } from './deep-freeze.js'
import type { RunEndings } from './run-endings.js'
import type { RunTable } from './run-table.js'
import type { DueRecord, ScheduleRecord, ScheduleTable } from './schedule-table.js'
import type { Tombstones } from './tombstones.js'
import type { StoreClock } from '../../store/store-clock.js'
import { DELETED, DROPPED } from '../../store/reasons.js'
import { BACKLOG_AFTER_MS, ON_TIME_SHARE, TOMBSTONE_MS } from '../../store/periods.js'

export class Schedules {
  readonly #table: ScheduleTable
  readonly #calendars: Calendars
  readonly #runs: RunTable
  readonly #endings: RunEndings
  readonly #hints: Hints
  readonly #clock: StoreClock
  readonly #tombstones: Tombstones

  constructor(
    table: ScheduleTable,
    calendars: Calendars,
    runs: RunTable,
    endings: RunEndings,
    tombstones: Tombstones,
    hints: Hints,
    clock: StoreClock,
  ) {
    this.#table = table
    this.#calendars = calendars
    this.#runs = runs
    this.#endings = endings
    this.#tombstones = tombstones
    this.#hints = hints
    this.#clock = clock
  }

  put(item: PutSchedule): PutResult {
    const { id } = item.definition
    const existing = this.#table.get(id)
    if (item.expect === 'absent' ? existing !== null : existing?.revision !== item.expect) {
      return { outcome: 'conflict', schedule: this.get(id) }
    }
    if (item.timing !== 'keep' && item.timing?.calendars != null) {
      const { names, revision } = item.timing.calendars
      const missing = this.#calendars.missing(names)
      if (missing.length > 0 || revision !== this.#calendars.revision)
        return { outcome: 'calendars', missing }
    }
    const base = existing ?? this.#blank(id, item.definition)
    const resumed = item.state === 'active' && base.state !== 'active'
    const dropped = item.timing === 'keep' ? null : this.#recordDropped(base, item.timing)
    this.#table.set({
      ...base,
      highWaterMark: dropped ?? base.highWaterMark,
      ...(item.timing === 'keep' ? {} : this.#timed(id, item.timing)),
      definition: deepFreeze(structuredClone(item.definition)),
      state: item.state,
      stateReason: item.stateReason,
      revision: base.revision + 1,
      // A schedule that someone sets going again has a clean record.
      consecutiveFailures: resumed ? 0 : base.consecutiveFailures,
      updatedAt: this.#clock.now(),
    })
    this.#tombstones.delete(id)
    this.#hints.note('due')
    return { outcome: existing === null ? 'created' : 'updated', schedule: this.get(id)! }
  }

  /** Answers the fire time that is recorded as dropped, if there is one. */
  #recordDropped(base: ScheduleRecord, timing: Timing | null): EpochMs | null {
    const now = this.#clock.now()
    const dropped = droppedFire(base, timing, now)
    if (dropped === null) return null
    const { delivery, priority, group } = policyOf(base.definition)
    const { task } = base.definition
    const identity = { scheduleId: base.id, kind: 'scheduled', fireTime: dropped.to, requestId: '' } as const
    const missed = { status: 'missed', error: DROPPED, missed: Object.freeze(dropped), endedAt: now } as const
    this.#runs.create(
      { ...identity, ...missed, task, delivery, priority, group, dueAt: base.dueAt!, spec: null },
      now,
    )
    return dropped.to
  }

  #timed(id: ScheduleId, timing: Timing | null): Partial<ScheduleRecord> {
    if (timing === null)
      return { nextFireTime: null, dueAt: null, stretchedMs: null, tzdata: null, afterRunMs: null }
    const { fireTime, dueAt, stretchedMs = null, tzdata, calendars, afterRunMs } = timing
    const waits = afterRunMs !== null && this.#runs.openOf(id) !== null
    return {
      nextFireTime: waits ? null : fireTime,
      dueAt: waits ? null : dueAt,
      stretchedMs,
      tzdata,
      calendars: calendars === null ? [] : [...calendars.names],
      calendarsRevision: calendars?.revision ?? null,
      afterRunMs,
    }
  }

  #blank(id: ScheduleId, definition: ScheduleDefinition): ScheduleRecord {
    const now = this.#clock.now()
    const remembered = this.#tombstones.get(id, now)
    return {
      id,
      definition,
      state: 'active',
      stateReason: null,
      revision: remembered?.revision ?? 0,
      nextFireTime: null,
      dueAt: null,
      stretchedMs: null,
      tzdata: null,
      calendars: [],
      calendarsRevision: null,
      afterRunMs: null,
      highWaterMark: remembered?.highWaterMark ?? null,
      fires: 0,
      consecutiveFailures: 0,
      createdAt: now,
      updatedAt: now,
    }
  }

  get(id: ScheduleId): Schedule | null {
    const record = this.#table.get(id)
    if (record === null) return null
    const newest = this.#runs.bySchedule(id)?.last()
    const { calendars: _names, calendarsRevision: _revision, afterRunMs: _delay, ...schedule } = record
    if (newest === undefined) return { ...schedule, lastRun: null }
    const { status, fireTime, startedAt, endedAt } = this.#runs.get(newest.id)!
    return { ...schedule, lastRun: { id: newest.id, status, fireTime, startedAt, endedAt } }
  }

  list({ state, task, prefix = '', calendar, limit, cursor }: ScheduleQuery): Page<Schedule> {
    const after = cursor === undefined ? '' : (decodeCursor(cursor, ['string'])[0] as ScheduleId)
    const found: ScheduleId[] = []
    for (const id of this.#table.ids().ascending((each) => each > after && each >= prefix)) {
      if (!id.startsWith(prefix)) break
      const record = this.#table.get(id)!
      if (state !== undefined && record.state !== state) continue
      if (task !== undefined && record.definition.task !== task) continue
      if (calendar !== undefined && !record.calendars.includes(calendar)) continue
      if (found.push(id) > limit) break
    }
    const items = found.slice(0, limit).map((id) => this.get(id)!)
    return { items, nextCursor: found.length > limit ? encodeCursor([items.at(-1)!.id]) : null }
  }

  delete(id: ScheduleId, revision: number | undefined): boolean {
    const record = this.#table.get(id)
    if (record === null) return false
    if (revision !== undefined && revision !== record.revision) {
      throw new EvertickError(
        'REVISION_CONFLICT',
        `Schedule ${id} has revision ${record.revision}, not ${revision}`,
      )
    }
    this.#endings.cancelAllOf(id, DELETED)
    // As it stands now: the end of its runs may have given it a fire time.
    this.#table.delete(this.#table.get(id)!)
    const { highWaterMark } = record
    this.#tombstones.set({
      id,
      revision: record.revision,
      highWaterMark,
      expiresAt: this.#clock.now() + TOMBSTONE_MS,
    })
    return true
  }

  peek(limit: number): Peek {
    const now = this.#clock.now()
    const punctualFrom = now - BACKLOG_AFTER_MS
    // One more of each than can be shown, to know what comes next.
    const onTime = upTo(
      limit + 1,
      this.#table.due().ascending((record) => record.dueAt > punctualFrom),
      now,
    )
    const room = Math.max(limit - onTime.length, limit - Math.ceil(limit * ON_TIME_SHARE))
    const backlog = upTo(room + 1, this.#table.due().ascending(), punctualFrom)
    const shownBacklog = backlog.slice(0, room)
    const shownOnTime = onTime.slice(0, limit - shownBacklog.length)
    const next = backlog[shownBacklog.length] ?? onTime[shownOnTime.length] ?? this.#firstDueAfter(now)
    return {
      due: [...shownBacklog, ...shownOnTime].map(dueOf),
      calendarsRevision: this.#calendars.revision,
      now,
      nextDueAt: next?.dueAt ?? null,
    }
  }

  /** How many active ones have a fire time, by the version of the time zone database. */
  byTzdata(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { tzdata } of this.#table.due().ascending()) {
      if (tzdata !== null) counts[tzdata] = (counts[tzdata] ?? 0) + 1
    }
    return counts
  }

  oldestDueAt(now: EpochMs): EpochMs | null {
    const first = this.#table.due().first()
    return first !== undefined && first.dueAt <= now ? first.dueAt : null
  }

  #firstDueAfter(now: EpochMs): DueRecord | undefined {
    const [first] = this.#table.due().ascending((record) => record.dueAt > now)
    return first
  }
}

/** At most `count` of those that are due at `until`. */
function upTo(count: number, records: Iterable<DueRecord>, until: EpochMs): DueRecord[] {
  const found: DueRecord[] = []
  for (const record of records) {
    if (found.length === count || record.dueAt > until) break
    found.push(record)
  }
  return found
}

function dueOf(record: DueRecord): DueSchedule {
  const { id, revision, nextFireTime, dueAt, fires, stretchedMs, calendarsRevision } = record
  return { id, revision, fireTime: nextFireTime, dueAt, fires, stretchedMs, calendarsRevision }
}
