import type { EpochMs } from './clock.js'
import type { JsonValue } from './json.js'

export type CalendarName = string

/**
 * A named calendar in its stored form: days that many schedules refer to by name. The other fields say which days;
 * those of a newer release are kept as they are.
 */
export interface CalendarJson {
  readonly name: CalendarName
  readonly [field: string]: JsonValue | undefined
}

/** A named calendar as the store keeps it. */
export interface Calendar {
  readonly name: CalendarName
  readonly definition: CalendarJson
  /**
   * Rises with every change. All calendars of a store draw their revisions from one series, so that none comes back,
   * not even to a calendar that was deleted and created again.
   */
  readonly revision: number
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
}
