import type { Logger } from '../domain/logger.js'
import type { Clock, Random } from '../domain/clock.js'
import { codeOf } from '../domain/errors.js'
import type { AttemptOutcome, AttemptReport, RunUpdate, Store } from '../store/contract.js'
import type { RunId } from '../domain/ids.js'
import type { Lease } from '../domain/lease.js'

const MOST_AT_ONCE = 500
const LONGEST_PAUSE_MS = 1000

export interface ReporterOptions {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Logs or progress of this attempt were refused: its lease is lost. */
  readonly refused: (lease: Lease) => void
}

interface PendingUpdate extends Lease {
  readonly log: RunUpdate['log'][number][]
  progress: RunUpdate['progress']
}

interface PendingReport extends AttemptReport {
  readonly answered: (accepted: boolean) => void
  /** It was sent, and the answer did not come. */
  mayBeWritten: boolean
  /** How many times the store said that it cannot tell yet. */
  postponed: number
}

/**
 * Carries outcomes, logs and progress to the store, many in one call. An outcome is repeated until the store answers:
 * it is fenced, so a repetition can do no harm, and a lost one would run again.
 */
export class Reporter {
  readonly #options: ReporterOptions
  #outcomes: PendingReport[] = []
  /** By run, for only the last progress of an attempt is kept, and its lines go together. */
  readonly #updates = new Map<RunId, PendingUpdate>()
  #flushing: Promise<void> | null = null
  /** Until each of those that were postponed is asked again. */
  readonly #postponed = new Set<Promise<void>>()
  #givenUp = false

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  /** `answered(false)`: the lease was lost, and nothing was written. */
  outcome({ runId, fence }: Lease, outcome: AttemptOutcome, answered: (accepted: boolean) => void): void {
    this.#outcomes.push({ runId, fence, outcome, answered, mayBeWritten: false, postponed: 0 })
    this.#flushing ??= this.#flush()
  }

  /** What an attempt wrote is in the store before its outcome, and holds back no other attempt's. */
  update({ runId, fence, log, progress }: RunUpdate): void {
    const pending = this.#updates.get(runId)
    if (pending?.fence === fence) {
      pending.log.push(...log)
      pending.progress = progress ?? pending.progress
    } else {
      this.#updates.set(runId, { runId, fence, log: [...log], progress })
    }
    this.#flushing ??= this.#flush()
  }

  /** Resolves when everything handed over so far has been answered. */
  async drained(): Promise<void> {
    while (this.#flushing !== null || this.#postponed.size > 0) {
      await (this.#flushing ?? Promise.race(this.#postponed))
    }
  }

  /** What the store has not answered by now stays unanswered; its leases are left to recovery. */
  giveUp(): void {
    this.#givenUp = true
  }

  async #flush(): Promise<void> {
    try {
      while (this.#outcomes.length > 0 || this.#updates.size > 0) {
        // One turn, so that what ends together is written together.
        await new Promise<void>((resolve) => void setImmediate(resolve))
        const outcomes = this.#outcomes.splice(0, MOST_AT_ONCE)
        const updates = this.#takeUpdates(outcomes)
        if (updates.length > 0) await this.#sendUpdates(updates)
        if (outcomes.length > 0) await this.#sendOutcomes(outcomes)
      }
    } finally {
      this.#flushing = null
    }
  }

  /** All that the attempts that end here had to say, and what there is room for of the others. */
  #takeUpdates(outcomes: readonly PendingReport[]): RunUpdate[] {
    if (this.#updates.size === 0) return []
    const updates: RunUpdate[] = []
    const take = (runId: RunId): void => {
      const update = this.#updates.get(runId)
      if (update !== undefined) updates.push(update)
      this.#updates.delete(runId)
    }
    for (const { runId } of outcomes) take(runId)
    for (const runId of this.#updates.keys()) {
      if (updates.length >= MOST_AT_ONCE) break
      take(runId)
    }
    return updates
  }

  async #sendUpdates(updates: readonly RunUpdate[]): Promise<void> {
    try {
      const accepted = await this.#options.store.report(updates)
      for (const [index, update] of updates.entries())
        if (accepted[index] === false) this.#options.refused(update)
    } catch (error) {
      // Not repeated: a log line twice is worse than one that is missing while the store is away.
      this.#options.log.warn(
        { err: error, updates: updates.length },
        'Log lines and progress could not be written',
      )
    }
  }

  /** A repeated outcome is refused when its first answer was lost: what is there then tells whether it is ours. */
  async #recognise(reports: readonly PendingReport[], accepted: (boolean | null)[]): Promise<void> {
    for (const [index, { runId, fence, outcome, mayBeWritten }] of reports.entries()) {
      if (accepted[index] !== false || !mayBeWritten) continue
      const run = await this.#options.store.getRun(runId)
      if (run === null || run.fence !== fence || run.status === 'running') continue
      const error = 'error' in outcome ? outcome.error : null
      accepted[index] =
        error === null
          ? run.status === outcome.kind
          : run.error?.code === error.code && run.error.message === error.message
    }
  }

  async #sendOutcomes(reports: PendingReport[]): Promise<void> {
    const { store, log } = this.#options
    for (let tries = 1; ; tries++) {
      try {
        const accepted = await store.finish(reports)
        await this.#recognise(reports, accepted)
        for (const [index, report] of reports.entries()) {
          if (accepted[index] === null && !this.#givenUp) this.#postpone(report)
          else report.answered(accepted[index] === true)
        }
        return
      } catch (error) {
        if (this.#givenUp || codeOf(error) === 'STORE_CLOSED') {
          for (const { answered } of reports) answered(false)
          return
        }
        for (const report of reports) report.mayBeWritten = true
        log.error(
          { err: error, outcomes: reports.length, tries },
          'Outcomes could not be written and will be repeated',
        )
        await this.#pause(tries)
      }
    }
  }

  /** Asked again later, and meanwhile nothing waits for it: whoever holds its schedule may do so for long. */
  #postpone(report: PendingReport): void {
    const again = this.#pause(++report.postponed).then(() => {
      this.#postponed.delete(again)
      this.#outcomes.push(report)
      this.#flushing ??= this.#flush()
    })
    this.#postponed.add(again)
  }

  /** Longer with each of the `tries`. */
  async #pause(tries: number): Promise<void> {
    const { clock, random } = this.#options
    const pauseMs = Math.min(LONGEST_PAUSE_MS, 20 * 2 ** (tries - 1)) * (0.5 + random() / 2)
    await new Promise<void>((resolve) => void clock.setTimer(resolve, pauseMs))
  }
}
