import type { Problem } from '../../domain/errors.js'
import type { Frequency, RecurrenceRule } from './rule.js'

const BY_PARTS = [
  'seconds',
  'minutes',
  'hours',
  'weekdays',
  'monthDays',
  'yearDays',
  'weekNumbers',
  'months',
] as const

/** The parts that RFC 5545, section 3.3.10, does not allow together. */
export function checkCombination(rule: RecurrenceRule, problems: Problem[]): void {
  const { frequency, weekdays } = rule
  const add = (message: string): void => {
    problems.push({ path: 'rrule', rule: 'rrule.combination', message: `rrule must not have ${message}` })
  }
  const notWith = (part: string, given: unknown, ...frequencies: readonly Frequency[]): void => {
    if (given !== null && frequencies.includes(frequency)) {
      add(`${part} with FREQ=${frequency}: RFC 5545 gives it no meaning there`)
    }
  }
  if (rule.count !== null && rule.until !== null) add('both COUNT and UNTIL: each of them says where it ends')
  notWith('BYWEEKNO', rule.weekNumbers, 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY')
  notWith('BYYEARDAY', rule.yearDays, 'MONTHLY', 'WEEKLY', 'DAILY')
  notWith('BYMONTHDAY', rule.monthDays, 'WEEKLY')
  const isNumbered = weekdays !== null && weekdays.some(({ ordinal }) => ordinal !== 0)
  if (isNumbered && frequency !== 'MONTHLY' && frequency !== 'YEARLY') {
    add(`numbers before the weekdays of BYDAY with FREQ=${frequency}: they count within a month or a year`)
  }
  if (isNumbered && rule.weekNumbers !== null) {
    add('numbers before the weekdays of BYDAY together with BYWEEKNO: a week has each weekday once')
  }
  if (rule.positions !== null && BY_PARTS.every((part) => rule[part] === null)) {
    add('BYSETPOS without another BY part: it picks from what those give')
  }
}
