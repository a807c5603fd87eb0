import { InvalidError, type Problem } from '../../domain/errors.js'
import { collect, didYouMean, quote, refuse } from '../problems.js'
import { readField, type FieldRule, type FieldValues, type MovingTerm, type Word } from './field.js'
import {
  bits,
  FIRST_YEAR,
  LAST_YEAR,
  sixtyBits,
  yearBits,
  type CronFields,
  type MovingDays,
} from './fields.js'

const LONGEST_EXPRESSION = 256

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

const SECOND: FieldRule = { name: 'second', label: 'second', min: 0, max: 59, names: [] }
const MINUTE: FieldRule = { name: 'minute', label: 'minute', min: 0, max: 59, names: [] }
const HOUR: FieldRule = { name: 'hour', label: 'hour', min: 0, max: 23, names: [] }
const DAY: FieldRule = {
  name: 'dayOfMonth',
  label: 'day of month',
  min: 1,
  max: 31,
  names: [],
  day: 'ofMonth',
  // Every month has these.
  hashMax: 28,
}
const MONTH: FieldRule = { name: 'month', label: 'month', min: 1, max: 12, names: MONTHS }
const WEEKDAY: FieldRule = {
  name: 'dayOfWeek',
  label: 'day of week',
  min: 0,
  max: 6,
  names: WEEKDAYS,
  day: 'ofWeek',
  alias: 7,
}
const YEAR: FieldRule = {
  name: 'year',
  label: 'year',
  min: FIRST_YEAR,
  max: LAST_YEAR,
  names: [],
  hashMax: null,
  straight: true,
}

/** In the order in which an expression has them. */
export const FIELD_RULES = [SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR] as const

const MACROS: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
])

export interface CronReading {
  readonly fields: CronFields
  /** Its fields as they were written, those of a macro written out: 5, 6 or 7. */
  readonly words: readonly string[]
  /** Said by a leading `+` on the day of week. */
  readonly bothDays: boolean
}

/**
 * Reads a cron expression of 5 fields, or 6 with seconds first, or 7 with the year last, or a macro. Linear in its length.
 * `hashKey` is what `H` spreads by, the id of the schedule.
 * @throws {InvalidError} INVALID_TRIGGER with a problem per field, which tells the column (from 1) and what was found.
 */
export function parseCron(expression: unknown, hashKey = ''): CronReading {
  if (typeof expression !== 'string') {
    throw refused('cron.text', `expression must be text such as "0 2 * * *", but was ${quote(expression)}`)
  }
  if (expression.length > LONGEST_EXPRESSION) {
    throw refused(
      'cron.length',
      `expression must have at most ${LONGEST_EXPRESSION} characters, but has ${expression.length}`,
    )
  }
  const words = splitWords(expression)
  if (words[0]?.text.startsWith('@') === true) {
    const macro = words.length === 1 ? MACROS.get(words[0].text.toLowerCase()) : undefined
    if (macro !== undefined) return parseCron(macro)
    const known = [...MACROS.keys()]
    throw refused(
      'cron.macro',
      `expression must be one of ${known.join(', ')} when it begins with @, but was ${quote(expression)}` +
        didYouMean(expression.trim(), known),
    )
  }
  if (words.length < 5 || words.length > 7) {
    throw refused(
      'cron.fields',
      'expression must have 5 fields (minute, hour, day of month, month, day of week), 6 with seconds first, ' +
        `or 7 with the year last, but ${quote(expression)} has ${words.length}`,
    )
  }
  return readFields(words, hashKey)
}

const ON_THE_MINUTE: FieldValues = { values: [0], star: false, open: false, moving: [] }
const ANY_YEAR: FieldValues = { values: [], star: true, open: true, moving: [] }

function readFields(words: readonly Word[], hashKey: string): CronReading {
  const problems: Problem[] = []
  const read = (word: Word, rule: FieldRule): FieldValues =>
    collect(problems, () => readField(word, rule, hashKey)) ?? ON_THE_MINUTE
  const hasSeconds = words.length > 5
  const [minuteWord, hourWord, dayWord, monthWord, weekdayWord, yearWord] = words.slice(
    hasSeconds ? 1 : 0,
  ) as [Word, Word, Word, Word, Word, Word | undefined]
  const plus = weekdayWord.text.startsWith('+')

  const second = hasSeconds ? read(words[0]!, SECOND) : ON_THE_MINUTE
  const minute = read(minuteWord, MINUTE)
  const hour = read(hourWord, HOUR)
  const day = read(dayWord, DAY)
  const month = read(monthWord, MONTH)
  const weekday = read(plus ? withoutFirst(weekdayWord) : weekdayWord, WEEKDAY)
  const year = yearWord === undefined ? ANY_YEAR : read(yearWord, YEAR)
  refuse(problems)
  return {
    fields: {
      seconds: sixtyBits(second.values),
      minutes: sixtyBits(minute.values),
      hours: bits(hour.values),
      days: bits(day.values),
      months: bits(month.values),
      weekdays: bits(weekday.values),
      moving: movingDays([...day.moving, ...weekday.moving]),
      years: year.star ? null : yearBits(year.values),
      bothDays: plus || day.star || weekday.star,
      wildcard: second.open || minute.open || hour.open,
    },
    words: words.map(({ text }) => text),
    bothDays: plus,
  }
}

function movingDays(terms: readonly MovingTerm[]): MovingDays | null {
  if (terms.length === 0) return null
  let [fromLast, nearest, lastWeekdays] = [0, 0, 0]
  const nthWeekdays = [0, 0, 0, 0, 0]
  for (const term of terms) {
    switch (term.type) {
      case 'fromLast':
        fromLast |= 1 << term.days
        break
      case 'nearest':
        nearest |= 1 << (term.day ?? 0)
        break
      case 'lastWeekday':
        lastWeekdays |= 1 << term.weekday
        break
      case 'nthWeekday':
        nthWeekdays[term.nth - 1]! |= 1 << term.weekday
        break
    }
  }
  return { fromLast, nearest, lastWeekdays, nthWeekdays }
}

function withoutFirst({ text, column }: Word): Word {
  return { text: text.slice(1), column: column + 1 }
}

function splitWords(expression: string): Word[] {
  const words: Word[] = []
  let start = -1
  for (let i = 0; i <= expression.length; i++) {
    const blank = i === expression.length || expression[i] === ' ' || expression[i] === '\t'
    if (!blank && start === -1) start = i
    else if (blank && start !== -1) {
      words.push({ text: expression.slice(start, i), column: start + 1 })
      start = -1
    }
  }
  return words
}

function refused(rule: string, message: string): InvalidError {
  return new InvalidError('INVALID_TRIGGER', [{ path: 'expression', rule, message }])
}
