import type { Calendar } from '../domain/calendar.js'
import { canonicalJson } from '../domain/json.js'

/**
 * The revision of all calendars once one of a store was imported in which it is `theirs`. What was computed here with
 * other calendars must be computed again; what was computed there, with these, must not.
 */
export function revisionAfter(ours: number, theirs: number, isChanged: boolean): number {
  return isChanged && theirs < ours ? ours + 1 : Math.max(ours, theirs)
}

export function sameCalendar(existing: Calendar | null, imported: Calendar): boolean {
  return (
    existing !== null &&
    existing.revision === imported.revision &&
    canonicalJson(existing.definition) === canonicalJson(imported.definition)
  )
}
