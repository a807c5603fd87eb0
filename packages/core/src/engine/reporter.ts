import type { Logger } from '../domain/logger.js'
import type { Clock, Random } from '../domain/clock.js'
import { codeOf } from '../domain/errors.js'
import type { AttemptOutcome, RunUpdate, Store } from '../store/contract.js'
import type { RunId } from '../domain/ids.js'
import type { Lease } from '../domain/lease.js'
import type { Run } from '../domain/run.js'

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

/** What the store holds as the end of the attempt; `null`: the lease was lost, and nothing was written. */
type Answered = (written: AttemptOutcome | null) => void

interface PendingReport extends Lease {
  /** `null`: nothing is to be written, for the lease was given up. */
  readonly outcome: AttemptOutcome | null
  readonly answered: Answered
  /** Its handler may have ended the run in a transaction of its own, which then counts instead. */
  readonly mayBeComplete: () => boolean
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
  /** Whose updates are on the way, and who waits for them to arrive. */
  #sending: ReadonlySet<RunId> = new Set()
  readonly #waiting: (() => void)[] = []
  #flushing: Promise<void> | null = null
  /** Until each of those that were postponed is asked again. */
  readonly #postponed = new Set<Promise<void>>()
  #givenUp = false

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  outcome(
    { runId, fence }: Lease,
    outcome: AttemptOutcome | null,
    answered: Answered,
    mayBeComplete = (): boolean => false,
  ): void {
    this.#outcomes.push({
      runId,
      fence,
      outcome,
      answered,
      mayBeComplete,
      mayBeWritten: false,
      postponed: 0,
    })
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

  /** Resolves when what this attempt wrote so far is in the store, or was refused. */
  async written(runId: RunId): Promise<void> {
    while (this.#updates.has(runId) || this.#sending.has(runId))
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
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
    this.#sending = new Set(updates.map(({ runId }) => runId))
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
    } finally {
      this.#sending = new Set()
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  async #sendOutcomes(reports: PendingReport[]): Promise<void> {
    const { log } = this.#options
    for (let tries = 1; ; tries++) {
      try {
        const accepted = await this.#finish(reports)
        const ends = await Promise.all(reports.map((report, index) => this.#endOf(report, accepted[index]!)))
        for (const [index, report] of reports.entries()) {
          const end = ends[index]
          if (end === 'undecided' && !this.#givenUp) this.#postpone(report)
          else report.answered(end === 'undecided' ? null : end!)
        }
        return
      } catch (error) {
        if (this.#givenUp || codeOf(error) === 'STORE_CLOSED') {
          for (const { answered } of reports) answered(null)
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

  async #finish(reports: readonly PendingReport[]): Promise<(boolean | null)[]> {
    const sent = reports.flatMap(({ runId, fence, outcome }) =>
      outcome === null ? [] : { runId, fence, outcome },
    )
    const answers = sent.length === 0 ? [] : await this.#options.store.finish(sent)
    let next = 0
    return reports.map(({ outcome }) => (outcome === null ? false : answers[next++]!))
  }

  /**
   * An outcome is refused when it has been written before and only the answer was lost, or when the handler has completed
   * its run itself: what is there then tells whether it is ours.
   */
  async #endOf(
    report: PendingReport,
    accepted: boolean | null,
  ): Promise<AttemptOutcome | null | 'undecided'> {
    const { runId, fence, outcome, mayBeWritten } = report
    if (accepted === null) return 'undecided'
    if (accepted) return outcome
    const mayBeComplete = report.mayBeComplete()
    if (!mayBeWritten && !mayBeComplete) return null
    const run = await this.#options.store.getRun(runId)
    if (run === null || run.fence !== fence || run.status === 'running') return null
    if (mayBeComplete && run.status === 'succeeded') return completed(run)
    return outcome !== null && mayBeWritten && isEndOf(run, outcome) ? outcome : null
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

function completed({ result }: Run): AttemptOutcome {
  return { kind: 'succeeded', result: result === null ? null : JSON.stringify(result) }
}

function isEndOf(run: Run, outcome: AttemptOutcome): boolean {
  if (!('error' in outcome)) return run.status === outcome.kind
  return run.error?.code === outcome.error.code && run.error.message === outcome.error.message
}
