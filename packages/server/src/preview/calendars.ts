import {
  calendarNames,
  StoredCalendars,
  type CalendarClient,
  type CalendarLookup,
  type TriggerJson,
} from '@evertick/core'

/** Finds the calendars that a trigger refers to, as they stand now. */
export async function calendarsOf(trigger: TriggerJson, calendars: CalendarClient): Promise<CalendarLookup> {
  const found = await Promise.all(calendarNames(trigger).map((name) => calendars.get(name)))
  return new StoredCalendars().among(found)
}
