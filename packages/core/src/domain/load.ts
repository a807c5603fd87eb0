/** What a node tells of itself that says how busy it is. */
export interface NodeMeasures {
  /** By how much timers are late, in all but the worst hundredth of cases. */
  readonly eventLoopDelayMs: number
  /** Of one core: 1 is a core fully used. */
  readonly cpu: number
  readonly slots: number
  readonly slotsInUse: number
  /** By how much the most overdue schedule was found overdue. */
  readonly latenessMs: number
}

/** A node whose timers are so late is fully loaded: handlers and fires wait for each other all the time. */
const SATURATED_DELAY_MS = 200
/** Twice what a fire may be late when a node dies, so that a death alone does not look like too much work. */
const SATURATED_LATENESS_MS = 2000

/** How busy a node is, from 0 to 1: as busy as the scarcest of its resources. One core is all that JavaScript can use. */
export function loadOf(measures: NodeMeasures): number {
  const { eventLoopDelayMs, cpu, slots, slotsInUse, latenessMs } = measures
  return Math.min(
    1,
    Math.max(
      eventLoopDelayMs / SATURATED_DELAY_MS,
      cpu,
      slotsInUse / slots,
      latenessMs / SATURATED_LATENESS_MS,
    ),
  )
}
