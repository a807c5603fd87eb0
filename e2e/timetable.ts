import { interval, type ScheduleInput } from '@evertick/core'

/** A schedule of a fault run, and what its handler does. */
export interface Entry {
  readonly id: string
  /** It fires at every multiple of `everyMs`, plus `phaseMs`. */
  readonly everyMs: number
  readonly phaseMs: number
  /** How long its handler works. */
  readonly bodyMs: number
  /** Runs one after the other, or side by side. */
  readonly overlap: 'bufferAll' | 'allow'
  readonly delivery: 'atLeastOnce' | 'atMostOnce'
}

/** What the handler is given. `version` rises with each edit. */
export interface EntryInput {
  readonly bodyMs: number
  readonly version: number
}

const PHASES = 10
const SHORT_BODY_MS = 20
/** Times the lease: a run that is taken over is still going on when the late outcome of its first node arrives. */
const LONG_BODY = 0.4
/** Long bodies at once in the whole cluster: so few that also what an outage has piled up finds free slots. */
const LONG_BODIES = 30

/**
 * Of each ten schedules that fire together, one has a long body, so that at any moment runs are in flight; one runs one
 * run after the other; and one is delivered at most once.
 */
export function timetable(schedules: number, everyMs: number, leaseMs: number): Entry[] {
  const longBodyMs = Math.round(leaseMs * LONG_BODY)
  const longest = Math.floor((LONG_BODIES * everyMs) / longBodyMs)
  return Array.from({ length: schedules }, (_, i) => ({
    id: `schedule-${i}`,
    everyMs,
    phaseMs: Math.floor(((Math.floor(i / 10) % PHASES) * everyMs) / PHASES),
    bodyMs: i % 10 === 0 && i / 10 < longest ? longBodyMs : SHORT_BODY_MS,
    overlap: i % 10 === 3 ? 'bufferAll' : 'allow',
    delivery: i % 10 === 7 ? 'atMostOnce' : 'atLeastOnce',
  }))
}

export function scheduleOf({ id, everyMs, phaseMs, bodyMs, overlap, delivery }: Entry): ScheduleInput {
  return {
    id,
    task: 'work',
    trigger: interval({ milliseconds: everyMs }, { start: new Date(phaseMs) }),
    input: { bodyMs, version: 0 } satisfies EntryInput,
    overlap,
    delivery,
    // Downtime is part of the test: whatever is late still runs, however late it is.
    catchUp: 'all',
    history: { maxRuns: 1_000_000, maxSkipped: 1_000_000 },
  }
}

/** Its fire times from `from` to `to`, both included. */
export function* fireTimes({ everyMs, phaseMs }: Entry, from: number, to: number): Generator<number> {
  for (let time = Math.ceil((from - phaseMs) / everyMs) * everyMs + phaseMs; time <= to; time += everyMs)
    yield time
}
