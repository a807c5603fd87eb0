import { InvalidError, type Problem } from '../domain/errors.js'
import { isValidId, ID_RULE } from '../domain/ids.js'
import { isPlainObject } from '../domain/json.js'
import type { DateSet } from './date-set.js'
import type { DayNumber } from './date.js'
import { quote, strangers } from './problems.js'
import { DATE_FIELDS, readDates, type DatesJson } from './read-dates.js'

/** Days that a name stands for, shared by many schedules: `holidays-de`, `business-days`. */
export interface NamedCalendar {
  readonly name: string
  readonly days: DateSet
  /** Whether the calendar date `days` (counted from 1970-01-01) is one of them. */
  has(days: DayNumber): boolean
}

/** A named calendar in its stored form. */
export type CalendarDefinition = DatesJson & {
  readonly name: string
  readonly description?: string
}

const LONGEST_DESCRIPTION = 1000

/**
 * Makes a calendar of its JSON.
 * @throws {InvalidError} INVALID_CALENDAR with a problem per field.
 */
export function compileCalendar(definition: unknown): NamedCalendar {
  if (!isPlainObject(definition)) {
    throw new InvalidError('INVALID_CALENDAR', [
      {
        path: '',
        rule: 'calendar.object',
        message: `calendar must be an object such as {"name":"holidays","yearly":["12-25"]}, but was ${quote(definition)}`,
      },
    ])
  }
  const problems: Problem[] = strangers(
    definition,
    ['name', 'description', ...DATE_FIELDS],
    '',
    'The calendar',
  )
  const { name, description } = definition
  if (typeof name !== 'string' || !isValidId(name)) {
    problems.push({
      path: 'name',
      rule: 'calendar.name',
      message: `name must be ${ID_RULE}, but was ${quote(name)}`,
    })
  }
  if (description !== undefined && !isDescription(description)) {
    problems.push({
      path: 'description',
      rule: 'calendar.description',
      message: `description must be text of at most ${LONGEST_DESCRIPTION} characters, but was ${quote(description)}`,
    })
  }
  const days = readDates(definition, '', problems)
  if (problems.length > 0) throw new InvalidError('INVALID_CALENDAR', problems)
  return { name: name as string, days, has: (day) => days.has(day) }
}

/** What is wrong with the JSON of a calendar; empty when {@link compileCalendar} would take it. */
export function checkCalendar(definition: unknown): readonly Problem[] {
  try {
    compileCalendar(definition)
    return []
  } catch (error) {
    if (error instanceof InvalidError) return error.problems
    throw error
  }
}

function isDescription(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_DESCRIPTION
}
