export { all, type AllJson } from './all.js'
export { any, type AnyJson } from './any.js'
export { calendarNames } from './calendar-names.js'
export { calendar, type CalendarLength, type CalendarStepsJson, type Overflow } from './calendar.js'
export { cron, type CronJson } from './cron/index.js'
export type { DstGap, DstJson, DstOverlap } from './dst.js'
export type { ExcludeJson, Instead } from './exclude.js'
export { explain, EXPLAIN_LOCALES, type ExplainLocale } from './explain/index.js'
export { densestGap } from './density.js'
export { fires, nextFire, previousFire, type FiresRange } from './fires.js'
export { interval, type IntervalJson, type IntervalLength } from './interval.js'
export type { TriggerKind } from './kind.js'
export { restrict, type TriggerModifiers } from './modifiers.js'
export {
  checkCalendar,
  compileCalendar,
  type CalendarDefinition,
  type NamedCalendar,
} from './named-calendar.js'
export { once, type OnceJson } from './once.js'
export type { DateRangeJson, DatesJson } from './read-dates.js'
export { checkTrigger, compileTrigger, TRIGGER_KINDS, type TriggerContext } from './registry.js'
export { rrule, type RruleJson } from './rrule/index.js'
export { StoredCalendars, type CalendarLookup } from './stored-calendars.js'
export { wallTime, zoneOf, type Zone } from './zone.js'
export type { Segment } from './zone-table.js'
