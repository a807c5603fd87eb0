import { describe, expect, test } from 'vitest'
import { InvalidError, type Problem } from '../../domain/errors.js'
import { nextBit, nextOfSixty, type CronFields, type SixtyBits } from './fields.js'
import { everFires, parseCron } from './parse.js'

const all = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

function membersOf(set: number | SixtyBits): number[] {
  const next = typeof set === 'number' ? nextBit.bind(null, set) : nextOfSixty.bind(null, set)
  const last = typeof set === 'number' ? 31 : 59
  const members: number[] = []
  for (let at = next(0); at !== -1; at = at < last ? next(at + 1) : -1) members.push(at)
  return members
}

function problemsOf(expression: unknown): readonly Problem[] {
  try {
    parseCron(expression)
  } catch (error) {
    if (error instanceof InvalidError) return error.problems
    throw error
  }
  return []
}

describe('a cron expression', () => {
  type SetField = 'seconds' | 'minutes' | 'hours' | 'days' | 'months' | 'weekdays'
  const VALUES: readonly (readonly [string, SetField, readonly number[]])[] = [
    ['* * * * *', 'minutes', all(0, 59)],
    ['* * * * *', 'seconds', [0]],
    ['*/7 * * * * *', 'seconds', [0, 7, 14, 21, 28, 35, 42, 49, 56]],
    ['*/20 * * * *', 'minutes', [0, 20, 40]],
    ['10-40/10 * * * *', 'minutes', [10, 20, 30, 40]],
    ['5/15 * * * *', 'minutes', [5, 20, 35, 50]],
    ['00,07,59 * * * *', 'minutes', [0, 7, 59]],
    ['58-2 * * * *', 'minutes', [0, 1, 2, 58, 59]],
    ['*/60 * * * *', 'minutes', [0]],
    ['0 22-2 * * *', 'hours', [0, 1, 2, 22, 23]],
    ['0 22-4/3 * * *', 'hours', [1, 4, 22]],
    ['0 0 28-2 * *', 'days', [1, 2, 28, 29, 30, 31]],
    ['0 0 1,15,31 * *', 'days', [1, 15, 31]],
    ['0 0 ? * *', 'days', all(1, 31)],
    ['0 0 1 jan,Dec *', 'months', [1, 12]],
    ['0 0 1 NOV-FEB *', 'months', [1, 2, 11, 12]],
    ['0 0 1 2/3 *', 'months', [2, 5, 8, 11]],
    ['0 0 * * 0', 'weekdays', [0]],
    ['0 0 * * 7', 'weekdays', [0]],
    ['0 0 * * 7/2', 'weekdays', [0, 2, 4, 6]],
    ['0 0 * * 5-7', 'weekdays', [0, 5, 6]],
    ['0 0 * * 1-7/2', 'weekdays', [0, 1, 3, 5]],
    ['0 0 * * 0-7', 'weekdays', all(0, 6)],
    ['0 0 * * 7-7', 'weekdays', [0]],
    ['0 0 * * 7-2', 'weekdays', [0, 1, 2]],
    ['0 0 * * FRI-MON', 'weekdays', [0, 1, 5, 6]],
    ['0 0 * * Mon-fri', 'weekdays', [1, 2, 3, 4, 5]],
    ['0 0 * * ?', 'weekdays', all(0, 6)],
    [' \t5   4 *\t* * ', 'hours', [4]],
  ]

  test.each(VALUES)('%j has %s %j', (expression, field, expected) => {
    expect(membersOf(parseCron(expression)[field])).toEqual(expected)
  })

  test.each([
    ['@yearly', '0 0 1 1 *'],
    ['@annually', '0 0 1 1 *'],
    ['@monthly', '0 0 1 * *'],
    ['@weekly', '0 0 * * 0'],
    ['@Daily', '0 0 * * *'],
    ['@midnight', '0 0 * * *'],
    [' @hourly ', '0 * * * *'],
  ])('%s is short for %s', (macro, expression) => {
    expect(parseCron(macro)).toEqual(parseCron(expression))
  })

  test.each([
    ['* 2 * * *', true],
    ['*/15 2 * * *', true],
    ['0/15 2 * * *', true],
    ['0-59/5 2 * * *', true],
    ['1,*/15 2 * * *', true],
    ['0 * * * *', true],
    ['0 0-23 * * *', true],
    ['* 0 2 * * *', true],
    ['0 0 2 * * *', false],
    ['0 2 * * *', false],
    ['5/15 2 * * *', false],
    ['0-58 9-17 * * *', false],
    ['0,30 0-22 */2 * *', false],
  ])('%s follows real time: %s', (expression, wildcard) => {
    expect(parseCron(expression).wildcard).toBe(wildcard)
  })

  test.each<[string, Pick<CronFields, 'daysRestricted' | 'weekdaysRestricted'>]>([
    ['0 0 * * *', { daysRestricted: false, weekdaysRestricted: false }],
    ['0 0 ? * ?', { daysRestricted: false, weekdaysRestricted: false }],
    ['0 0 */1 * 5,*', { daysRestricted: false, weekdaysRestricted: false }],
    ['0 0 13 * FRI', { daysRestricted: true, weekdaysRestricted: true }],
    ['0 0 */2 * *', { daysRestricted: true, weekdaysRestricted: false }],
    ['0 0 1-31 * 0-6', { daysRestricted: true, weekdaysRestricted: true }],
  ])('%s restricts %j', (expression, expected) => {
    expect(parseCron(expression)).toMatchObject(expected)
  })

  test.each([
    ['0 0 31 2 *', false],
    ['0 0 30 2 *', false],
    ['0 0 31 2,4,6,9,11 *', false],
    ['0 0 31 4,5 *', true],
    ['0 0 30 4 *', true],
    ['0 0 29 2 *', true],
    ['0 0 31 2 MON', true],
    ['0 0 * 2 *', true],
  ])('%s ever fires: %s', (expression, expected) => {
    expect(everFires(parseCron(expression))).toBe(expected)
  })
})

describe('a cron expression that is wrong', () => {
  test.each([
    ['60 * * * *', 'cron.minute', 'expression: minute must be 0 to 59, but found "60" at column 1'],
    ['0 24 * * *', 'cron.hour', 'expression: hour must be 0 to 23, but found "24" at column 3'],
    ['0 0 0 * *', 'cron.dayOfMonth', 'expression: day of month must be 1 to 31, but found "0" at column 5'],
    [
      '0 0 1 13 *',
      'cron.month',
      'expression: month must be 1 to 12 or JAN to DEC, but found "13" at column 7',
    ],
    [
      '0 0 * * 8',
      'cron.dayOfWeek',
      'expression: day of week must be 0 to 7 or SUN to SAT, but found "8" at column 9',
    ],
    ['60 0 0 * * *', 'cron.second', 'expression: second must be 0 to 59, but found "60" at column 1'],
    [
      '0 0 * * MOM',
      'cron.dayOfWeek',
      'expression: day of week must be 0 to 7 or SUN to SAT, but found "MOM" at column 9; did you mean MON?',
    ],
    [
      '0 0 1 1,Sept *',
      'cron.month',
      'expression: month must be 1 to 12 or JAN to DEC, but found "Sept" at column 9; did you mean SEP?',
    ],
    [
      '0 0 * * MON-Friday',
      'cron.dayOfWeek',
      'expression: day of week must be 0 to 7 or SUN to SAT, but found "Friday" at column 13; did you mean FRI?',
    ],
    [
      '5- * * * *',
      'cron.minute',
      'expression: minute must be 0 to 59, but found the end of the field at column 3',
    ],
    ['1,,2 * * * *', 'cron.minute', 'expression: minute must be 0 to 59, but found "," at column 3'],
    ['-5 * * * *', 'cron.minute', 'expression: minute must be 0 to 59, but found "-" at column 1'],
    [
      '1-5-9 * * * *',
      'cron.minute',
      'expression: minute must be followed by "," or the end of the field, but found "-" at column 4',
    ],
    [
      '*/0 * * * *',
      'cron.minute',
      'expression: minute must have a step of 1 to 60 after "/", but found "0" at column 3',
    ],
    [
      '*/90 * * * *',
      'cron.minute',
      'expression: minute must have a step of 1 to 60 after "/", but found "90" at column 3',
    ],
    [
      '*/ * * * *',
      'cron.minute',
      'expression: minute must have a step of 1 to 60 after "/", but found the end of the field at column 3',
    ],
    [
      '? * * * *',
      'cron.minute',
      'expression: minute does not take "?", which stands for any day, but found "?" at column 1',
    ],
    [
      '0 0 * *',
      'cron.fields',
      'expression must have 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first, but "0 0 * *" has 4',
    ],
    ['', 'cron.fields', expect.stringContaining('but "" has 0')],
    ['0 0 0 1 1 ? 2030', 'cron.fields', expect.stringContaining('has 7')],
    ['@dayly', 'cron.macro', expect.stringMatching(/but was "@dayly"; did you mean "@daily"\?$/)],
    ['@daily 5', 'cron.macro', expect.stringContaining('but was "@daily 5"')],
    [
      `${'1,'.repeat(128)}1 * * * *`,
      'cron.length',
      'expression must have at most 256 characters, but has 265',
    ],
    [undefined, 'cron.text', 'expression must be text such as "0 2 * * *", but was missing'],
    [5, 'cron.text', 'expression must be text such as "0 2 * * *", but was 5'],
  ])('%j breaks %s', (expression, rule, message: unknown) => {
    expect(problemsOf(expression)).toEqual([{ path: 'expression', rule, message }])
  })

  test('has a problem for each field that is wrong', () => {
    expect(problemsOf('61 25 0 0 9').map(({ rule }) => rule)).toEqual([
      'cron.minute',
      'cron.hour',
      'cron.dayOfMonth',
      'cron.month',
      'cron.dayOfWeek',
    ])
  })
})
