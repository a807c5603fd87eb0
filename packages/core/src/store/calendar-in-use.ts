import type { CalendarName } from '../domain/calendar.js'
import { EvertickError } from '../domain/errors.js'
import type { ScheduleId } from '../domain/ids.js'

const MOST_NAMED = 10

/** Why a calendar cannot be deleted; `users` are the schedules that refer to it, in order of their ids. */
export function calendarInUse(name: CalendarName, users: readonly ScheduleId[]): EvertickError {
  const named = users.slice(0, MOST_NAMED).join(', ')
  const more = users.length > MOST_NAMED ? ` and ${users.length - MOST_NAMED} more` : ''
  return new EvertickError(
    'ILLEGAL_STATE',
    `Calendar ${name} cannot be deleted while schedules refer to it: ${named}${more}; change or delete them first`,
  )
}
