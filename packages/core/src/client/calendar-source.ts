import type { CalendarName } from '../domain/calendar.js'
import { calendarNames } from '../triggers/calendar-names.js'
import { StoredCalendars, type CalendarLookup } from '../triggers/stored-calendars.js'
import type { Store } from '../store/contract.js'

// Enough to find the one that was meant by a misspelt name.
const MOST_SUGGESTED = 1000

/** The calendars that some triggers refer to, as they stood at one moment. */
export interface CalendarSource {
  readonly calendar: CalendarLookup
  /** Of all calendars together, at that moment; −1 when none was asked for. */
  readonly revision: number
}

/** Reads calendars for the compilation of triggers. */
export class CalendarReader {
  readonly #store: Store
  readonly #compiled = new StoredCalendars()

  constructor(store: Store) {
    this.#store = store
  }

  /** What the triggers refer to, in one round trip, or none where they refer to nothing. Takes any JSON. */
  async sourceFor(triggers: Iterable<unknown>): Promise<CalendarSource> {
    const names = new Set<CalendarName>()
    for (const trigger of triggers) for (const name of calendarNames(trigger)) names.add(name)
    if (names.size === 0) return { calendar: this.#compiled.among([]), revision: -1 }
    const { calendars, revision } = await this.#store.getCalendars([...names])
    const known = calendars.includes(null)
      ? (await this.#store.listCalendars({ limit: MOST_SUGGESTED })).items.map(({ name }) => name)
      : []
    return { calendar: this.#compiled.among(calendars, known), revision }
  }
}
