import { attemptsOf, type Evidence } from './evidence.js'
import { examineAttempts, type AttemptFindings } from './attempts.js'
import { examineRecords, type RecordFindings } from './records.js'
import { examineTiming, type Measures, type TimingFindings } from './timing.js'
import { fireTimes } from '../timetable.js'

export interface StoreFindings {
  /** Verbs take what they lock in one order, so that none ever has to be sacrificed. */
  readonly deadlocks: string[]
}

export interface Findings {
  readonly fireTimes: number
  readonly attempts: number
  /** Attempts that began and whose outcome was not accepted. */
  readonly interrupted: number
  /** Promises that must hold on any machine, however slow; by their kind. */
  readonly broken: RecordFindings & AttemptFindings & StoreFindings
  /** Promises of time, which a machine that has too much to do can break as well. */
  readonly slow: TimingFindings
  readonly measures: Measures
}

/** Holds what the handlers did and what the store recorded against the timetable. */
export function examine(evidence: Evidence): Findings {
  const attempts = attemptsOf(evidence)
  const { measures, ...slow } = examineTiming(evidence, attempts)
  const { entries, from, to, deadlocks } = evidence
  return {
    fireTimes: entries.reduce((sum, entry) => sum + [...fireTimes(entry, from, to)].length, 0),
    attempts: attempts.length,
    interrupted: attempts.filter(({ answer }) => answer !== 'accepted').length,
    broken: {
      ...examineRecords(evidence, attempts),
      ...examineAttempts(evidence, attempts),
      deadlocks: deadlocks === 0 ? [] : [`The store met ${deadlocks} deadlocks`],
    },
    slow,
    measures,
  }
}

/** All findings of all kinds, in words. */
export function problemsOf(kinds: Findings['broken'] | Findings['slow']): string[] {
  return Object.values(kinds).flat() as string[]
}
