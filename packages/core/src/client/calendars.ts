import type { Calendar, CalendarJson, CalendarName } from '../domain/calendar.js'
import { EvertickError, InvalidError } from '../domain/errors.js'
import { shown } from '../domain/field-checks.js'
import { canonicalJson, isPlainObject } from '../domain/json.js'
import { checkCalendar, type CalendarDefinition } from '../triggers/named-calendar.js'
import type { CalendarQuery, Page, Store } from '../store/contract.js'
import { calendarQuery } from './query.js'
import type { Schedules } from './schedules.js'
import type { CalendarClient } from './types.js'

/** Others may edit the same calendar; so many times in a row they do not. */
const MAX_RACES = 20
const RETIMED_AT_ONCE = 500

export class Calendars implements CalendarClient {
  readonly #store: Store
  readonly #schedules: Schedules

  constructor(store: Store, schedules: Schedules) {
    this.#store = store
    this.#schedules = schedules
  }

  async put(definition: CalendarDefinition, options: { ifRevision?: number } = {}): Promise<Calendar> {
    const calendar = await this.#write(canonical(definition), options.ifRevision)
    // Also when nothing was written: whoever wrote it may have died before this was done.
    await this.#retime(calendar.name)
    return calendar
  }

  async #write(definition: CalendarJson, ifRevision: number | undefined): Promise<Calendar> {
    const { name } = definition
    for (let races = 0; races < MAX_RACES; races++) {
      const existing = await this.get(name)
      if (ifRevision !== undefined && existing?.revision !== ifRevision) {
        throw existing === null ? notFound(name) : revisionConflict(name, existing.revision, ifRevision)
      }
      if (existing !== null && canonicalJson(existing.definition) === canonicalJson(definition))
        return existing
      const expect = existing?.revision ?? 'absent'
      const answer = await this.#store.putCalendar({ definition, expect })
      if (answer.outcome !== 'conflict') return answer.calendar
    }
    throw new EvertickError(
      'REVISION_CONFLICT',
      `Calendar ${name} is being changed by others all the time; try again`,
    )
  }

  async #retime(name: CalendarName): Promise<void> {
    let cursor: string | null = null
    do {
      const page = await this.#store.listSchedules({
        calendar: name,
        limit: RETIMED_AT_ONCE,
        ...(cursor === null ? {} : { cursor }),
      })
      await this.#schedules.retime(page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)
  }

  async get(name: CalendarName): Promise<Calendar | null> {
    return (await this.#store.getCalendars([name])).calendars[0] ?? null
  }

  // Async, so that a wrong query is a rejection and not a throw.
  async list(query: Partial<CalendarQuery> = {}): Promise<Page<Calendar>> {
    return this.#store.listCalendars(calendarQuery(query))
  }

  delete(name: CalendarName, options: { ifRevision?: number } = {}): Promise<boolean> {
    return this.#store.deleteCalendar(name, options.ifRevision)
  }
}

/** @throws {InvalidError} INVALID_CALENDAR, naming every field that is wrong. */
function canonical(input: unknown): CalendarJson {
  const given = isPlainObject(input)
    ? Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined && value !== null))
    : input
  const problems = checkCalendar(given)
  if (problems.length > 0) throw new InvalidError('INVALID_CALENDAR', problems)
  // Through JSON once, so that what is compared and kept is what will be read.
  return JSON.parse(JSON.stringify(given)) as CalendarJson
}

function notFound(name: CalendarName): EvertickError {
  return new EvertickError('CALENDAR_NOT_FOUND', `There is no calendar ${shown(name)}`)
}

function revisionConflict(name: CalendarName, is: number, expected: number): EvertickError {
  return new EvertickError(
    'REVISION_CONFLICT',
    `Calendar ${name} has revision ${is}, not ${expected}: read it again`,
  )
}
