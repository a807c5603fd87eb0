import type { NodeId } from '../domain/ids.js'
import { SIZE_LIMITS } from '../domain/policies.js'
import { MAX_RECOVERIES, type MissedRange, type RunError } from '../domain/run.js'

// What every store says in the same words, whatever it keeps its records in.

export const OVERLAP = reason('OVERLAP', 'The last run of the schedule was still going')
export const CANCELLED = reason('CANCELLED', 'Cancelled on request')
export const REPLACED = reason('CANCELLED', 'A newer run of the schedule took its place')
export const DELETED = reason('CANCELLED', 'Its schedule was deleted')
/** A fire time that was due when an edit gave its schedule another timing. */
export const DROPPED = reason(
  'MISFIRE',
  'Due, but not yet turned into a run when the schedule was given another timing',
)

/** What ran when its schedule was exported. */
export const LEFT_RUNNING = reason('ABANDONED', 'It was running in the store that it comes from')
/** What waited here, and had ended where its schedule was imported from. */
export const NOT_OPEN_THERE = reason(
  'CANCELLED',
  'It no longer waits in the store that its schedule comes from',
)

/** The line that ends a log which has reached its limit. */
export const LOG_CUT = `The log is full: only its first ${SIZE_LIMITS.logPerRun} bytes are kept`

export function missedReason({ count, exact }: MissedRange): RunError {
  return reason(
    'MISFIRE',
    count === 1
      ? 'Not started within its misfire grace'
      : `${exact ? '' : 'More than '}${count} fire times were not started within their misfire grace`,
  )
}

export function abandonedBy(node: NodeId | null): RunError {
  return reason('ABANDONED', `Node ${node ?? 'unknown'} died or lost its lease`)
}

/** After too many recoveries, of which `last` was the last. */
export function givenUp(last: RunError): RunError {
  return reason('ABANDONED', `Given up after ${MAX_RECOVERIES} recoveries; the last: ${last.message}`)
}

export function pausedAfter(failures: number): string {
  return `${failures} runs failed in a row`
}

function reason(code: string, message: string): RunError {
  return Object.freeze({ code, message })
}
