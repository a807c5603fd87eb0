import type { Problem } from '../../domain/errors.js'
import { DAY_MS, daysFromCivil, daysInMonth, SECOND_MS } from '../civil.js'
import { didYouMean, invalid, quote, refuse } from '../problems.js'
import { checkCombination } from './combination.js'
import { FREQUENCIES, WEEKDAYS, type NthWeekday, type RecurrenceRule, type Until } from './rule.js'

/** Every day of a year fits. */
const LONGEST_RULE = 2048
const HIGHEST_INTERVAL = 1_000_000_000
// Counted one by one from dtstart: some 0.1 s, once.
const HIGHEST_COUNT = 1_000_000

const PARTS = [
  'FREQ',
  'INTERVAL',
  'COUNT',
  'UNTIL',
  'BYSECOND',
  'BYMINUTE',
  'BYHOUR',
  'BYDAY',
  'BYMONTHDAY',
  'BYYEARDAY',
  'BYWEEKNO',
  'BYMONTH',
  'BYSETPOS',
  'WKST',
] as const

type PartName = (typeof PARTS)[number]
type Parts = ReadonlyMap<PartName, string>

/**
 * Reads a recurrence rule of RFC 5545, section 3.3.10, in any case, with or without `RRULE:` before it.
 * @throws {InvalidError} INVALID_TRIGGER with a problem at `rrule` for every part that is wrong.
 */
export function parseRule(text: unknown): RecurrenceRule {
  if (typeof text !== 'string' || text.length === 0 || text.length > LONGEST_RULE) {
    const found =
      typeof text === 'string' && text !== '' ? `has ${text.length} characters` : `was ${quote(text)}`
    throw invalid(
      'rrule',
      'rrule.text',
      `rrule must be a rule of RFC 5545 such as "FREQ=WEEKLY;BYDAY=MO,FR", of at most ${LONGEST_RULE} characters, but ${found}`,
    )
  }
  const problems: Problem[] = []
  const parts = split(text.toUpperCase().replace(/^RRULE:/, ''), problems)
  const reader = new PartReader(parts, problems)
  const frequency = reader.frequency()
  const rule = {
    interval: reader.number('INTERVAL', HIGHEST_INTERVAL) ?? 1,
    count: reader.number('COUNT', HIGHEST_COUNT),
    until: reader.until(),
    // Leap seconds are shown by no clock that we read: 60 stands for 59, as section 3.3.12 asks.
    seconds: distinct(reader.list('BYSECOND', 0, 60)?.map((second) => Math.min(second, 59))),
    minutes: reader.list('BYMINUTE', 0, 59),
    hours: reader.list('BYHOUR', 0, 23),
    weekdays: reader.weekdays(),
    monthDays: reader.signedList('BYMONTHDAY', 31),
    yearDays: reader.signedList('BYYEARDAY', 366),
    weekNumbers: reader.signedList('BYWEEKNO', 53),
    months: reader.list('BYMONTH', 1, 12),
    positions: reader.signedList('BYSETPOS', 366),
    weekStart: reader.weekStart(),
  }
  if (frequency !== null && problems.length === 0) checkCombination({ frequency, ...rule }, problems)
  refuse(problems)
  return { frequency: frequency!, ...rule }
}

function split(text: string, problems: Problem[]): Parts {
  const parts = new Map<PartName, string>()
  for (const part of text.split(';')) {
    const equals = part.indexOf('=')
    const name = part.slice(0, Math.max(equals, 0))
    const known = PARTS.find((each) => each === name)
    if (equals === -1) {
      problems.push(
        problem('part', `must be parts such as "FREQ=DAILY" with ";" between them, but has ${quote(part)}`),
      )
    } else if (known === undefined) {
      problems.push(
        problem('part', `must have parts of RFC 5545, but has ${quote(name)}${didYouMean(name, PARTS)}`),
      )
    } else if (parts.has(known)) {
      problems.push(problem('twice', `must have each part once, but has ${known} again`))
    } else parts.set(known, part.slice(equals + 1))
  }
  return parts
}

class PartReader {
  readonly #parts: Parts
  readonly #problems: Problem[]

  constructor(parts: Parts, problems: Problem[]) {
    this.#parts = parts
    this.#problems = problems
  }

  frequency(): RecurrenceRule['frequency'] | null {
    const text = this.#parts.get('FREQ')
    const frequency = FREQUENCIES.find((each) => each === text)
    if (frequency !== undefined) return frequency
    const hint = text === undefined ? '' : didYouMean(text, FREQUENCIES)
    return this.#wrong('FREQ', `one of ${FREQUENCIES.join(', ')}`, text, hint)
  }

  number(name: 'INTERVAL' | 'COUNT', highest: number): number | null {
    const text = this.#parts.get(name)
    if (text === undefined) return null
    const value = wholeNumber(text)
    if (value !== null && value >= 1 && value <= highest) return value
    return this.#wrong(name, `a whole number from 1 to ${highest}`, text)
  }

  list(name: PartName, lowest: number, highest: number): readonly number[] | null {
    return this.#each(name, `whole numbers from ${lowest} to ${highest}`, (text) => {
      const value = wholeNumber(text)
      return value !== null && value >= lowest && value <= highest ? value : null
    })
  }

  signedList(name: PartName, highest: number): readonly number[] | null {
    const expected = `whole numbers from 1 to ${highest}, or from -${highest} to -1 to count from the end`
    return this.#each(name, expected, (text) => {
      const value = wholeNumber(text.replace(/^[+-]/, ''))
      if (value === null || value < 1 || value > highest) return null
      return text.startsWith('-') ? -value : value
    })
  }

  weekdays(): readonly NthWeekday[] | null {
    const text = this.#parts.get('BYDAY')
    if (text === undefined) return null
    const found = text.split(',').map((each): NthWeekday | null => {
      const match = /^(?:([+-]?)(\d{1,2}))?([A-Z]{2})$/.exec(each)
      const weekday = WEEKDAYS.findIndex((name) => name === match?.[3])
      if (match === null || weekday === -1) return null
      if (match[2] === undefined) return { weekday, ordinal: 0 }
      const ordinal = Number(match[2])
      return ordinal >= 1 && ordinal <= 53
        ? { weekday, ordinal: match[1] === '-' ? -ordinal : ordinal }
        : null
    })
    const weekdays = found.filter((each) => each !== null)
    if (weekdays.length === found.length) return weekdays
    const wrong = text.split(',').find((_, i) => found[i] === null)
    return this.#wrong(
      'BYDAY',
      `weekdays out of ${WEEKDAYS.join(', ')}, with a number from -53 to 53 before them at most`,
      wrong,
    )
  }

  weekStart(): number {
    const text = this.#parts.get('WKST') ?? 'MO'
    const weekday = WEEKDAYS.findIndex((name) => name === text)
    if (weekday === -1) this.#wrong('WKST', `one of ${WEEKDAYS.join(', ')}`, text)
    return weekday
  }

  until(): Until | null {
    const text = this.#parts.get('UNTIL')
    if (text === undefined) return null
    const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(text)
    const numbers = match?.slice(1, 7).map((part) => Number(part ?? 0)) ?? []
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers
    const isDate = year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
    if (match === null || !isDate || hour > 23 || minute > 59 || second > 60) {
      return this.#wrong('UNTIL', 'a time such as "20261231T235959Z", or a date such as "20261231"', text)
    }
    const midnight = daysFromCivil(year, month, day) * DAY_MS
    // A date includes the whole of it.
    if (match[4] === undefined) return { wall: midnight + DAY_MS - SECOND_MS, utc: false }
    const seconds = (hour * 60 + minute) * 60 + Math.min(second, 59)
    return { wall: midnight + seconds * SECOND_MS, utc: match[7] === 'Z' }
  }

  /** The values of a list, rising, each once. */
  #each(name: PartName, expected: string, read: (text: string) => number | null): readonly number[] | null {
    const text = this.#parts.get(name)
    if (text === undefined) return null
    const texts = text.split(',')
    const values = texts.map(read)
    const wrong = values.indexOf(null)
    if (wrong !== -1) return this.#wrong(name, expected, texts[wrong])
    return distinct(values.filter((value) => value !== null))
  }

  #wrong(name: PartName, expected: string, found: string | undefined, hint = ''): null {
    this.#problems.push(
      problem(name.toLowerCase(), `must have ${name} with ${expected}, but it was ${quote(found)}${hint}`),
    )
    return null
  }
}

function problem(rule: string, message: string): Problem {
  return { path: 'rrule', rule: `rrule.${rule}`, message: `rrule ${message}` }
}

function wholeNumber(text: string): number | null {
  return /^\d{1,10}$/.test(text) ? Number(text) : null
}

function distinct(values: readonly number[] | null | undefined): readonly number[] | null {
  return values === null || values === undefined ? null : [...new Set(values)].toSorted((a, b) => a - b)
}
