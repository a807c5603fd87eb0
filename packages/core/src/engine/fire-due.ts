import type { Logger } from '../domain/logger.js'
import type { EpochMs } from '../domain/clock.js'
import { isOfAnotherRelease } from '../triggers/another-release.js'
import type { DueSchedule, FireDecision, Peek, Store } from '../store/contract.js'
import { decisionOf } from './decision.js'
import type { Dispatcher } from './dispatcher.js'
import { runErrorOf } from './run-error.js'
import { ScheduleCache, type CachedSchedule, type UnplannableSchedule } from './schedule-cache.js'
import type { NodeEvents } from './node-events.js'

/** Enough to share an fsync or a round trip among many; few enough to keep one atomic step within milliseconds. */
const MOST_AT_ONCE = 500
const LEAST_AT_ONCE = 50

export interface FireDueOptions {
  readonly store: Store
  readonly dispatcher: Dispatcher
  readonly events: NodeEvents
  readonly log: Logger
  /** How long to sleep at most: what a lost hint costs. */
  readonly pollMs: number
  /** What this node looks after; see {@link Store.peek}. */
  readonly shards: () => readonly number[] | undefined
  /** Runs were created that this node did not lease at once. */
  readonly onWaiting: () => void
  /** The load of the cluster as the store last told it; `null` before it has. */
  readonly load: () => number | null
  readonly now: () => number
}

/** An answer of the store, and when it came, on the monotonic clock. */
interface Looked {
  readonly peek: Peek
  readonly peekedAt: number
}

/** The first loop: peek at due schedules, plan each, commit the plans. */
export class FireDue {
  readonly #options: FireDueOptions
  readonly #cache: ScheduleCache
  readonly #reported = new Set<string>()
  /** How many of those that were due last time this node could not handle. */
  #leftAlone = 0
  /** What comes after the batch that is being committed, where that could be asked for already. */
  #ahead: Promise<Looked | null> | null = null
  #lastPeekAt: number | null = null
  #overdueMs = 0
  #firstPeekAt: number | null = null
  #latenessMs = 0

  constructor(options: FireDueOptions) {
    this.#options = options
    this.#cache = new ScheduleCache(options.store)
  }

  /** When the store last answered what is due, on the monotonic clock. */
  get lastPeekAt(): number | null {
    return this.#lastPeekAt
  }

  /** By how much the most overdue schedule that this node can handle was overdue when the store was last asked. */
  get overdueMs(): number {
    return this.#overdueMs
  }

  /**
   * By how much the most overdue schedule was overdue since this was last asked. What fell due before this node began to
   * look is not late because of load.
   */
  takeLatenessMs(): number {
    const latenessMs = this.#latenessMs
    this.#latenessMs = 0
    return latenessMs
  }

  async step(): Promise<number> {
    const { dispatcher, now, pollMs } = this.#options
    const { free } = dispatcher.slots
    const ahead = this.#ahead
    this.#ahead = null
    // As many as can start at once, so that a fire costs one round trip; without slots, as many as there are.
    const { peek, peekedAt } = (await ahead) ?? (await this.#look(free < LEAST_AT_ONCE ? MOST_AT_ONCE : free))
    this.#lastPeekAt = peekedAt
    this.#firstPeekAt ??= peekedAt
    this.#overdueMs = 0
    const handled = peek.due.length > 0 ? await this.#fire(peek) : 0
    this.#latenessMs = Math.max(this.#latenessMs, Math.min(this.#overdueMs, peekedAt - this.#firstPeekAt))
    const leftBefore = this.#leftAlone
    this.#leftAlone = peek.due.length - handled
    if (handled > 0 || this.#leftAlone > leftBefore) return 0
    const nextDueInMs = peek.nextDueAt === null ? Infinity : peek.nextDueAt - peek.now - (now() - peekedAt)
    // Due at once, but not found beyond what is left alone: the loop must not spin.
    if (nextDueInMs <= 0 && this.#leftAlone > 0) return pollMs
    return Math.max(0, Math.min(nextDueInMs, pollMs))
  }

  async #look(limit: number): Promise<Looked> {
    const { store, shards, now } = this.#options
    // What this node cannot handle stays due, before all others: look beyond it.
    const peek = await store.peek(Math.min(limit, MOST_AT_ONCE) + this.#leftAlone, shards())
    return { peek, peekedAt: now() }
  }

  /** While the last batch of what was due is committed and started, the store can look for what more there is. */
  #lookAhead(peek: Peek, lastBatch: number): void {
    const { store, dispatcher } = this.#options
    const isMore = peek.nextDueAt !== null && peek.nextDueAt <= peek.now
    const free = dispatcher.slots.free - lastBatch
    if (!isMore || !store.info.ordered || free < LEAST_AT_ONCE) return
    // What fails here is asked again.
    this.#ahead = this.#look(free).catch(() => null)
  }

  async #fire(peek: Peek): Promise<number> {
    const cached = await this.#cache.resolve(peek)
    let batch: FireDecision[] = []
    let batchRuns = 0
    let handled = 0
    for (const [index, due] of peek.due.entries()) {
      const entry = cached[index]
      if (entry === null || entry === undefined) continue
      const decision = await this.#decide(due, entry, peek.now)
      if (decision === null) continue
      this.#overdueMs = Math.max(this.#overdueMs, peek.now - due.dueAt)
      if (batchRuns + decision.runs.length > MOST_AT_ONCE && batch.length > 0) {
        handled += await this.#commit(batch)
        batch = []
        batchRuns = 0
      }
      batch.push(decision)
      batchRuns += decision.runs.length
    }
    if (batch.length > 0) handled += await this.#commit(batch, () => this.#lookAhead(peek, batchRuns))
    return handled
  }

  async #decide(due: DueSchedule, entry: CachedSchedule, storeNow: EpochMs): Promise<FireDecision | null> {
    if ('error' in entry) {
      await this.#setAside(entry)
      return null
    }
    try {
      const decision = decisionOf(due, entry, storeNow, this.#options.load())
      // The stored due time is earlier than ours, as after a change of how jitter is spread: not due yet for us.
      return isSame(decision.next, due.fireTime) ? null : decision
    } catch (error) {
      const [schedule] = await this.#options.store.getSchedules([due.id])
      if (schedule?.revision === due.revision) await this.#setAside({ ...entry, schedule, error })
      return null
    }
  }

  /** A schedule that cannot be planned must not disturb the others, and someone must learn of it. */
  async #setAside({ schedule, error }: UnplannableSchedule): Promise<void> {
    const { store, events, log } = this.#options
    const key = `${schedule.id} ${schedule.revision}`
    if (isOfAnotherRelease(error)) {
      // Left to a node that knows the kind of trigger.
      if (!this.#reported.has(key))
        log.warn({ scheduleId: schedule.id, err: error }, 'Schedule left to a newer release')
      this.#reported.add(key)
      return
    }
    const reason = runErrorOf(error)
    const [result] = await store.putSchedules([
      {
        definition: schedule.definition,
        state: 'broken',
        stateReason: `${reason.code}: ${reason.message}`,
        expect: schedule.revision,
        timing: 'keep',
      },
    ])
    if (result?.outcome !== 'updated') return
    log.error(
      { scheduleId: schedule.id, err: error },
      'Schedule cannot be computed and is now broken; put it again to mend it',
    )
    events.emit('schedule.broken', { scheduleId: schedule.id, error: reason })
  }

  async #commit(batch: FireDecision[], sent?: () => void): Promise<number> {
    const { store, dispatcher, events, onWaiting } = this.#options
    const result = await dispatcher.dispatch((dispatch) => {
      const answer = store.commit(batch, dispatch)
      sent?.()
      return answer
    })
    if (result.waiting > 0) onWaiting()
    for (const runId of result.skipped)
      events.emit('run.skipped', { runId, scheduleId: scheduleOfRun(runId) })
    for (const runId of result.missed) events.emit('run.missed', { runId, scheduleId: scheduleOfRun(runId) })
    return result.committed.length
  }
}

function isSame(next: FireDecision['next'], fireTime: EpochMs): boolean {
  return next !== null && next !== 'afterRun' && next.fireTime === fireTime
}

function scheduleOfRun(runId: string): string {
  return runId.slice(0, runId.indexOf('@'))
}
