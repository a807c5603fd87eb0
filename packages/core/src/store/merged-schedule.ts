import type { EpochMs } from '../domain/clock.js'
import { canonicalJson } from '../domain/json.js'
import type { Schedule } from '../domain/schedule.js'
import type { ScheduleExport } from './exports.js'

/** What is remembered of a deleted namesake. */
export interface Remembered {
  readonly revision: number
  readonly highWaterMark: EpochMs | null
}

/**
 * What a schedule becomes when `item` is imported over `existing`, or over what is remembered of a deleted one. Imported
 * again it becomes the same. Nothing goes back: see {@link Store.import}.
 */
export function mergedSchedule(
  item: ScheduleExport,
  existing: Omit<Schedule, 'lastRun'> | null,
  grave: Remembered | null,
): ScheduleExport {
  const highWaterMark = latest(item.highWaterMark, latest(existing?.highWaterMark, grave?.highWaterMark))
  if (existing === null) {
    const revision = grave === null ? item.revision : Math.max(item.revision, grave.revision + 1)
    return { ...item, revision, highWaterMark }
  }
  const sameDefinition = canonicalJson(existing.definition) === canonicalJson(item.definition)
  const hasGoneOn = (existing.highWaterMark ?? -Infinity) > (item.highWaterMark ?? -Infinity)
  const merged = sameDefinition && hasGoneOn ? { ...item, ...whereItHasCome(existing, item) } : item
  const isEdited =
    !sameDefinition || existing.state !== merged.state || existing.stateReason !== merged.stateReason
  return {
    ...merged,
    fires: Math.max(item.fires, existing.fires),
    highWaterMark,
    // What was decided by the old definition must not fit the new one.
    revision: Math.max(item.revision, existing.revision + (isEdited ? 1 : 0)),
  }
}

/** Of a schedule that has fired here since it was exported. */
function whereItHasCome(
  { state, nextFireTime, dueAt, tzdata, stretchedMs, consecutiveFailures }: Omit<Schedule, 'lastRun'>,
  item: ScheduleExport,
): Partial<ScheduleExport> {
  return {
    state: state === 'finished' ? state : item.state,
    nextFireTime,
    dueAt,
    tzdata,
    stretchedMs,
    consecutiveFailures,
    // None: with which calendars this fire time was computed is not known here, so it is computed again.
    calendarsRevision: item.calendarsRevision === null ? null : 0,
  }
}

function latest(a: EpochMs | null | undefined, b: EpochMs | null | undefined): EpochMs | null {
  if (a == null) return b ?? null
  return b == null ? a : Math.max(a, b)
}
