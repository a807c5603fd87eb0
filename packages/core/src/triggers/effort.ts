import type { EpochMs } from '../domain/clock.js'
import type { Trigger } from '../domain/trigger.js'

// Some 25 ms, for everything that is nested in a trigger together.
const MOST_STEPS = 50_000

/**
 * What one question to a trigger may cost. Triggers that search among the fire times of others share one, however they are
 * nested, so that what each of them allows does not multiply.
 */
export class Effort {
  #left = 0
  #question = 0
  #isShared = false

  /** Whether anything compiled for the trigger searches at all. */
  get isShared(): boolean {
    return this.#isShared
  }

  /** Counts the questions. */
  get question(): number {
    return this.#question
  }

  /** A new question begins. */
  begin(): void {
    this.#left = MOST_STEPS
    this.#question++
  }

  share(): void {
    this.#isShared = true
  }

  /** Takes one step of a search; `false` when none is left. */
  spend(): boolean {
    return this.#left-- > 0
  }
}

/** A search in one direction that may find nothing. */
export class Search {
  readonly #effort: Effort
  readonly #mostSteps: number
  #question = -1
  #futileFrom = 0

  constructor(effort: Effort, mostSteps: number) {
    this.#effort = effort
    this.#mostSteps = mostSteps
    effort.share()
  }

  /**
   * What `step` finds, called until that is not `undefined`; `null` when it is given up. `from` is where the search begins
   * and rises in its direction. Within one question, nothing is looked for again beyond a place from which nothing was
   * found: it would cost the same each time that a combination comes back to it.
   */
  run<T>(from: number, step: () => T | null | undefined): T | null {
    const { question } = this.#effort
    if (this.#question === question && from >= this.#futileFrom) return null
    for (let steps = 0; steps < this.#mostSteps && this.#effort.spend(); steps++) {
      const found = step()
      if (found === null) break
      if (found !== undefined) return found
    }
    this.#question = question
    this.#futileFrom = from
    return null
  }
}

/** A trigger of which every question begins with the whole effort, so that its answers do not depend on one another. */
export function metered(trigger: Trigger, effort: Effort): Trigger {
  const result: { -readonly [Key in keyof Trigger]: Trigger[Key] } = {
    next(after: EpochMs) {
      effort.begin()
      return trigger.next(after)
    },
    previous(before: EpochMs) {
      effort.begin()
      return trigger.previous(before)
    },
  }
  if (trigger.afterCompletion === true) result.afterCompletion = true
  return result
}
