import { InvalidError, type Problem } from '../../domain/errors.js'
import { longestMonth } from '../civil.js'
import { collect, didYouMean, quote, refuse } from '../problems.js'
import { bits, sixtyBits, type CronFields } from './fields.js'
import { readField, type FieldRule, type FieldValues, type Word } from './field.js'

const LONGEST_EXPRESSION = 256

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

const SECOND: FieldRule = { rule: 'cron.second', label: 'second', min: 0, max: 59, names: [] }
const MINUTE: FieldRule = { rule: 'cron.minute', label: 'minute', min: 0, max: 59, names: [] }
const HOUR: FieldRule = { rule: 'cron.hour', label: 'hour', min: 0, max: 23, names: [] }
const DAY: FieldRule = {
  rule: 'cron.dayOfMonth',
  label: 'day of month',
  min: 1,
  max: 31,
  names: [],
  day: true,
}
const MONTH: FieldRule = { rule: 'cron.month', label: 'month', min: 1, max: 12, names: MONTHS }
const WEEKDAY: FieldRule = {
  rule: 'cron.dayOfWeek',
  label: 'day of week',
  min: 0,
  max: 6,
  names: WEEKDAYS,
  day: true,
  alias: 7,
}

const FIVE_FIELDS = [MINUTE, HOUR, DAY, MONTH, WEEKDAY]
type Five = [FieldValues, FieldValues, FieldValues, FieldValues, FieldValues]

const MACROS: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
])

/**
 * Reads a cron expression of 5 fields, or 6 with seconds first, or a macro. Linear in its length.
 * @throws {InvalidError} INVALID_TRIGGER with a problem per field, which tells the column (from 1) and what was found.
 */
export function parseCron(expression: unknown): CronFields {
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
  if (words.length !== 5 && words.length !== 6) {
    throw refused(
      'cron.fields',
      'expression must have 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first, ' +
        `but ${quote(expression)} has ${words.length}`,
    )
  }
  return readFields(words)
}

/**
 * Whether any date matches. Months are judged by their longest form, for the leap day comes; and a weekday comes in
 * every month.
 */
export function everFires(fields: CronFields): boolean {
  if (fields.weekdaysRestricted) return true
  for (let month = 1; month <= 12; month++) {
    // Two shifts: shifting by 32 bits at once would shift by none.
    const exists = ~((-1 << longestMonth(month)) << 1)
    if ((fields.months & (1 << month)) !== 0 && (fields.days & exists) !== 0) return true
  }
  return false
}

const ON_THE_MINUTE: FieldValues = { values: [0], star: false, open: false }

function readFields(words: readonly Word[]): CronFields {
  const problems: Problem[] = []
  const read = (word: Word, rule: FieldRule): FieldValues =>
    collect(problems, () => readField(word, rule)) ?? ON_THE_MINUTE
  const second = words.length === 6 ? read(words[0]!, SECOND) : ON_THE_MINUTE
  const [minute, hour, day, month, weekday] = FIVE_FIELDS.map((rule, i) =>
    read(words.at(i - 5)!, rule),
  ) as Five
  refuse(problems)
  return {
    seconds: sixtyBits(second.values),
    minutes: sixtyBits(minute.values),
    hours: bits(hour.values),
    days: bits(day.values),
    months: bits(month.values),
    weekdays: bits(weekday.values),
    daysRestricted: !day.star,
    weekdaysRestricted: !weekday.star,
    wildcard: second.open || minute.open || hour.open,
  }
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
