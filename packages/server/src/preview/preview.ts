import {
  compileTrigger,
  densestGap,
  explain,
  fires,
  type CalendarLookup,
  type EpochMs,
  type ExplainLocale,
  type TriggerJson,
} from '@evertick/core'
import { presentFires } from '../http/present.js'
import type { PreviewJson } from '../http/schemas/trigger.js'
import { clockWarnings } from './warnings.js'
import { shownZone } from './zones.js'

/** A day of a trigger that fires every few minutes, for less than a millisecond of work. */
const LOOKED_AT = 500

export interface PreviewOptions {
  /** Fires strictly after this instant are shown. */
  readonly after: EpochMs
  readonly count: number
  readonly locale: ExplainLocale
  /** The zone in which to show times; the trigger's own unless given. */
  readonly timezone?: string
  /** Finds the calendars that the trigger refers to. */
  readonly calendar?: CalendarLookup
}

/**
 * What there is to know of a trigger before it is put to use.
 * @throws {InvalidError} INVALID_TRIGGER or NEVER_FIRES, with paths relative to the trigger.
 */
export function preview(trigger: TriggerJson, options: PreviewOptions): PreviewJson {
  const { after, count, locale, timezone = shownZone(trigger), calendar } = options
  const compiled = compileTrigger(trigger, calendar === undefined ? {} : { calendar })
  return {
    explanation: explain(trigger, locale),
    densestGapMs: densestGap(compiled, after, LOOKED_AT),
    fires: presentFires(fires(compiled, { after, count }), timezone),
    warnings: clockWarnings(trigger, { after, locale, ...(calendar === undefined ? {} : { calendar }) }),
  }
}
