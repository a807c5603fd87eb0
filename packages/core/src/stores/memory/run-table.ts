import type { EpochMs } from '../../domain/clock.js'
import type { RunId, ScheduleId, SessionId, TaskName } from '../../domain/ids.js'
import { isOpen, type RunStatus } from '../../domain/run.js'
import { OpenRuns } from './open-runs.js'
import { ReadyQueue } from './ready-queue.js'
import { changed, isWaiting, newRecord, type NewRun, type RunKey, type RunRecord } from './run-record.js'
import { byText, SortedSet } from './sorted-set.js'

const NOTHING: ReadonlySet<RunId> = new Set()

/** All runs, and every order and count in which the verbs look for them, kept in step with each change. */
export class RunTable {
  readonly #records = new Map<RunId, RunRecord>()
  readonly #byCreation = new SortedSet<RunKey>((a, b) => a.sequence - b.sequence)
  readonly #bySchedule = new Map<ScheduleId, SortedSet<RunKey>>()
  readonly #scheduleIds = new SortedSet<ScheduleId>(byText)
  readonly #manual = new Map<string, RunId>()
  readonly #open = new Map<ScheduleId, OpenRuns>()
  readonly #held = new Map<SessionId, Set<RunId>>()
  readonly #running = new Counter()
  readonly #waiting = new Counter()
  readonly #byStatus = new Counter()
  readonly ready = new ReadyQueue()
  #created = 0

  get(id: RunId): RunRecord | null {
    return this.#records.get(id) ?? null
  }

  /** `null` when there is a run of this identity already: it stays as it is. */
  create(run: NewRun, now: EpochMs): RunRecord | null {
    const record = newRecord(run, this.#created, now)
    if (this.#records.has(record.id)) return null
    this.#created++
    return this.#insert(record)
  }

  /** Writes a run of another store, in place of the one that is here; it stands among the others by its creation. */
  restore(run: Omit<RunRecord, 'key'>): void {
    const { id, scheduleId, fireTime, requestId, createdAt } = run
    const before = this.get(id)
    if (before !== null) this.delete(before)
    const sequence = before?.key.sequence ?? this.#sequenceAt(createdAt)
    this.#insert(
      Object.freeze({ ...run, key: Object.freeze({ id, scheduleId, fireTime, requestId, sequence }) }),
    )
    this.#created = Math.max(this.#created, sequence + 1)
  }

  #insert(record: RunRecord): RunRecord {
    this.#byCreation.add(record.key)
    this.#ofSchedule(record.scheduleId).add(record.key)
    if (record.kind === 'manual') this.#manual.set(requestKey(record.scheduleId, record.requestId), record.id)
    this.#records.set(record.id, record)
    this.#enter(record)
    return record
  }

  /** Above those of an earlier moment and of this one, below those of a later one. */
  #sequenceAt(createdAt: EpochMs): number {
    const next = (createdAt + 1) * 1000
    const [last] = this.#byCreation.descending((key) => key.sequence >= next)
    return Math.max((last?.sequence ?? -1) + 1, createdAt * 1000)
  }

  change(record: RunRecord, changes: Parameters<typeof changed>[1]): RunRecord {
    const next = changed(record, changes)
    this.#leave(record)
    this.#records.set(next.id, next)
    this.#enter(next)
    return next
  }

  delete(record: RunRecord): void {
    const { id, scheduleId, requestId } = record
    this.#leave(record)
    this.#records.delete(id)
    this.#byCreation.delete(record.key)
    const keys = this.#ofSchedule(scheduleId)
    keys.delete(record.key)
    if (keys.size === 0) {
      this.#bySchedule.delete(scheduleId)
      this.#scheduleIds.delete(scheduleId)
    }
    if (record.kind === 'manual') this.#manual.delete(requestKey(scheduleId, requestId))
  }

  // ── in order ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The oldest first. */
  byCreation(): SortedSet<RunKey> {
    return this.#byCreation
  }

  /** Of one schedule by fire time, the oldest first; `null` when it has none. */
  bySchedule(scheduleId: ScheduleId): SortedSet<RunKey> | null {
    return this.#bySchedule.get(scheduleId) ?? null
  }

  /** The schedules that have runs, deleted ones too, beginning after `position`. */
  scheduleIdsAfter(position: ScheduleId): ScheduleId[] {
    return [...this.#scheduleIds.ascending((id) => id > position)]
  }

  manualRun(scheduleId: ScheduleId, requestId: string): RunRecord | null {
    const id = this.#manual.get(requestKey(scheduleId, requestId))
    return id === undefined ? null : this.get(id)
  }

  // ── by state ───────────────────────────────────────────────────────────────────────────────────────────────

  openOf(scheduleId: ScheduleId): OpenRuns | null {
    return this.#open.get(scheduleId) ?? null
  }

  heldBy(session: SessionId): ReadonlySet<RunId> {
    return this.#held.get(session) ?? NOTHING
  }

  holders(): SessionId[] {
    return [...this.#held.keys()]
  }

  runningOf(task: TaskName): number {
    return this.#running.of(task)
  }

  waitingOf(task: TaskName): number {
    return this.#waiting.of(task)
  }

  waitingByTask(): readonly (readonly [TaskName, number])[] {
    return this.#waiting.entries()
  }

  countOf(status: RunStatus): number {
    return this.#byStatus.of(status)
  }

  #enter(record: RunRecord): void {
    const { id, scheduleId, status, task, session } = record
    this.#byStatus.add(status, 1)
    if (!isOpen(status)) return
    const open = this.#open.get(scheduleId) ?? new OpenRuns()
    this.#open.set(scheduleId, open)
    open.add(record)
    if (isWaiting(record)) {
      this.#waiting.add(task, 1)
      if (!record.blocked) this.ready.add(record)
    } else if (session !== null) {
      this.#running.add(task, 1)
      const held = this.#held.get(session) ?? new Set()
      this.#held.set(session, held)
      held.add(id)
    }
  }

  #leave(record: RunRecord): void {
    const { id, scheduleId, status, task, session } = record
    this.#byStatus.add(status, -1)
    if (!isOpen(status)) return
    const open = this.#open.get(scheduleId)
    open?.delete(record)
    if (open?.size === 0) this.#open.delete(scheduleId)
    if (isWaiting(record)) {
      this.#waiting.add(task, -1)
      if (!record.blocked) this.ready.delete(record)
    } else if (session !== null) {
      this.#running.add(task, -1)
      const held = this.#held.get(session)
      held?.delete(id)
      if (held?.size === 0) this.#held.delete(session)
    }
  }

  #ofSchedule(scheduleId: ScheduleId): SortedSet<RunKey> {
    let keys = this.#bySchedule.get(scheduleId)
    if (keys === undefined) {
      keys = new SortedSet<RunKey>((a, b) => a.fireTime - b.fireTime || byText(a.requestId, b.requestId))
      this.#bySchedule.set(scheduleId, keys)
      this.#scheduleIds.add(scheduleId)
    }
    return keys
  }
}

/** How many there are of each name; a name that has none takes no space. */
class Counter {
  readonly #counts = new Map<string, number>()

  add(name: string, difference: number): void {
    const count = this.of(name) + difference
    if (count === 0) this.#counts.delete(name)
    else this.#counts.set(name, count)
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  entries(): [string, number][] {
    return [...this.#counts]
  }
}

function requestKey(scheduleId: ScheduleId, requestId: string): string {
  // Neither may contain a space.
  return `${scheduleId} ${requestId}`
}
