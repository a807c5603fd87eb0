import type { Calendar, CalendarName } from '../domain/calendar.js'
import { compileCalendar, type NamedCalendar } from './named-calendar.js'
import { didYouMean, invalid, quote } from './problems.js'

/** Finds a calendar by its name. @throws {InvalidError} INVALID_TRIGGER, rule `calendar.known`, when there is none. */
export type CalendarLookup = (name: CalendarName) => NamedCalendar

/** Calendars as the store keeps them, each compiled once per revision for all triggers that refer to it. */
export class StoredCalendars {
  readonly #compiled = new Map<
    CalendarName,
    { readonly revision: number; readonly calendar: NamedCalendar }
  >()

  /**
   * Looks among `calendars`, and there only. `known` are names to suggest for one that is not there.
   * The lookup throws INVALID_CALENDAR for a calendar that another release wrote and this one cannot read.
   */
  among(calendars: readonly (Calendar | null)[], known: readonly CalendarName[] = []): CalendarLookup {
    const byName = new Map(calendars.filter((one) => one !== null).map((one) => [one.name, one]))
    return (name) => {
      const stored = byName.get(name)
      if (stored !== undefined) return this.#compile(stored)
      throw invalid(
        'exclude.calendar',
        'calendar.known',
        `exclude.calendar must be the name of a calendar, but there is none called ${quote(name)}` +
          didYouMean(name, known),
      )
    }
  }

  #compile({ name, revision, definition }: Calendar): NamedCalendar {
    const known = this.#compiled.get(name)
    if (known?.revision === revision) return known.calendar
    const calendar = compileCalendar(definition)
    this.#compiled.set(name, { revision, calendar })
    return calendar
  }
}
