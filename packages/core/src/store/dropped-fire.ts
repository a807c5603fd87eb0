import type { EpochMs } from '../domain/clock.js'
import type { MissedRange } from '../domain/run.js'
import type { Schedule } from '../domain/schedule.js'
import type { Timing } from './contract.js'

/**
 * What an edit drops: the fire time of an active schedule that is due and that no node has committed yet. It leaves a
 * record, as every fire time does. How many more lay between it and now, only the old trigger could tell.
 */
export function droppedFire(
  { state, nextFireTime, dueAt, highWaterMark }: Omit<Schedule, 'lastRun'>,
  timing: Timing | null,
  now: EpochMs,
): MissedRange | null {
  if (state !== 'active' || nextFireTime === null || dueAt === null || dueAt > now) return null
  if (timing?.fireTime === nextFireTime || nextFireTime <= (highWaterMark ?? -Infinity)) return null
  return { count: 1, exact: false, from: nextFireTime, to: nextFireTime }
}
