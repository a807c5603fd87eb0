import { describe, expect, test } from 'vitest'
import { InvalidError, type Problem } from '../../domain/errors.js'
import { hash32 } from '../../domain/ids.js'
import { matchesAnyDate } from './days.js'
import { hasYear, nextBit, nextOfSixty, type CronFields, type SixtyBits } from './fields.js'
import { parseCron } from './parse.js'

const fieldsOf = (expression: string, scheduleId = ''): CronFields => parseCron(expression, scheduleId).fields

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
    ['1 2 3 4 5 6 2030', 'seconds', [1]],
    ['1 2 3 4 5 6 2030', 'weekdays', [6]],
    ['0 0 L * *', 'days', []],
    ['0 0 L,15 * *', 'days', [15]],
    ['0 0 * * 1,5L', 'weekdays', [1]],
    ['0 0 * * +MON', 'weekdays', [1]],
  ]

  test.each(VALUES)('%j has %s %j', (expression, field, expected) => {
    expect(membersOf(fieldsOf(expression)[field])).toEqual(expected)
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
    expect(fieldsOf(expression).wildcard).toBe(wildcard)
  })

  test.each([
    ['0 0 * * *', true],
    ['0 0 ? * ?', true],
    ['0 0 */1 * 5,*', true],
    ['0 0 */2 * *', true],
    ['0 0 13 * FRI', false],
    ['0 0 1-31 * 0-6', false],
    ['0 0 L * 5L', false],
    ['0 0 13 * +FRI', true],
  ])('%s asks both day fields: %s', (expression, expected) => {
    expect(fieldsOf(expression).bothDays).toBe(expected)
  })

  test.each([
    ['0 0 0 1 1 ? 2030', [2030]],
    ['0 0 0 1 1 ? 2030,2032-2034', [2030, 2032, 2033, 2034]],
    ['0 0 0 1 1 ? 1970-1980/5', [1970, 1975, 1980]],
    ['0 0 0 1 1 ? 2190/5', [2190, 2195]],
    ['0 0 0 1 1 ? */100', [1970, 2070, 2170]],
  ])('%s has the years %j', (expression, expected) => {
    const { years } = fieldsOf(expression)
    expect(all(1, 2500).filter((year) => hasYear(years!, year))).toEqual(expected)
  })

  test('has any year when the field is a star, also beyond those that it could name', () => {
    expect(fieldsOf('0 0 0 1 1 ? *').years).toBeNull()
    expect(fieldsOf('0 0 0 1 1 ?').years).toBeNull()
  })

  test.each([
    ['0 0 31 2 *', false],
    ['0 0 30 2 *', false],
    ['0 0 31 2,4,6,9,11 *', false],
    ['0 0 31 4,5 *', true],
    ['0 0 30 4 *', true],
    ['0 0 29 2 *', true],
    ['0 0 31 2 MON', true],
    ['0 0 31 2 +MON', false],
    ['0 0 * 2 *', true],
    ['0 0 29 2 +MON', true],
    ['0 0 29 2 +MON#5', true],
    ['0 0 29 2 +MON#4', false],
    ['0 0 1 * +MON#2', false],
    ['0 0 31W 2 *', false],
    ['0 0 29W 2 *', true],
    ['0 0 L-30 2 *', false],
    ['0 0 L-28 2 *', true],
    ['0 0 0 29 2 ? 2100', false],
    ['0 0 0 29 2 ? 2097-2103', false],
    ['0 0 0 29 2 ? 2096', true],
    ['0 0 0 29 2 +MON 2017-2043', false],
    ['0 0 0 29 2 +MON 2017-2044', true],
    ['0 0 0 29 2 +MON#5 2044', true],
  ])('%s has a date in some year: %s', (expression, expected) => {
    expect(matchesAnyDate(fieldsOf(expression))).toBe(expected)
  })
})

describe('H', () => {
  const hash = (field: string): number => hash32(`nightly#${field}`)

  test.each<[string, 'seconds' | 'minutes' | 'hours' | 'days' | 'months' | 'weekdays', number[]]>([
    ['H * * * * *', 'seconds', [hash('second') % 60]],
    ['H * * * *', 'minutes', [hash('minute') % 60]],
    ['0 h * * *', 'hours', [hash('hour') % 24]],
    ['0 0 H * *', 'days', [1 + (hash('dayOfMonth') % 28)]],
    ['0 0 1 H *', 'months', [1 + (hash('month') % 12)]],
    ['0 0 * * H', 'weekdays', [hash('dayOfWeek') % 7]],
    ['0 H(0-7) * * *', 'hours', [hash('hour') % 8]],
    ['0 H(22-2) * * *', 'hours', [(22 + (hash('hour') % 5)) % 24]],
    ['0 0 * * H(MON-FRI)', 'weekdays', [1 + (hash('dayOfWeek') % 5)]],
    ['0 0 H(29-31) * *', 'days', [29 + (hash('dayOfMonth') % 3)]],
    ['H/20 * * * *', 'minutes', [0, 20, 40].map((at) => at + (hash('minute') % 20))],
    ['H(0-29)/10 * * * *', 'minutes', [0, 10, 20].map((at) => at + (hash('minute') % 10))],
    ['0 0 H/14 * *', 'days', [1, 15].map((at) => at + (hash('dayOfMonth') % 14))],
  ])('%s in the schedule "nightly" is %s %j', (expression, field, expected) => {
    expect(membersOf(fieldsOf(expression, 'nightly')[field])).toEqual(expected)
  })

  test('spreads schedules over the field, each always to the same place', () => {
    const minutes = all(1, 1000).map((i) => membersOf(fieldsOf('H * * * *', `schedule-${i}`).minutes)[0]!)
    expect(new Set(minutes).size).toBe(60)
    const counts = all(0, 59).map((minute) => minutes.filter((each) => each === minute).length)
    expect(Math.max(...counts)).toBeLessThan(40)
    expect(fieldsOf('H H * * *', 'x')).toEqual(fieldsOf('H H * * *', 'x'))
  })

  test('without a schedule has its place as well', () => {
    expect(membersOf(fieldsOf('H * * * *').minutes)).toEqual([hash32('#minute') % 60])
  })

  test.each([
    ['H 2 * * *', false],
    ['H(0-59) 2 * * *', false],
    ['H/15 2 * * *', true],
    ['H(0-59)/15 2 * * *', true],
    ['H(0-29)/15 2 * * *', false],
    ['0 H(0-7) * * *', false],
  ])('%s follows real time: %s', (expression, expected) => {
    expect(fieldsOf(expression).wildcard).toBe(expected)
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
      'expression must have 5 fields (minute, hour, day of month, month, day of week), 6 with seconds first, or 7 with the year last, but "0 0 * *" has 4',
    ],
    ['', 'cron.fields', expect.stringContaining('but "" has 0')],
    ['0 0 0 1 1 ? 2030 5', 'cron.fields', expect.stringContaining('has 8')],
    ['0 0 0 1 1 ? 1969', 'cron.year', 'expression: year must be 1970 to 2199, but found "1969" at column 13'],
    [
      '0 0 0 1 1 ? 2031-2030',
      'cron.year',
      'expression: year must have a range that rises, but found "2031" at column 13',
    ],
    ['0 0 0 1 1 ? H', 'cron.year', 'expression: year does not take "H", but found "H" at column 13'],
    [
      '0 0 L-31 * *',
      'cron.dayOfMonth',
      'expression: day of month must have 1 to 30 days after "L-", but found "31" at column 7',
    ],
    [
      '0 0 L-W * *',
      'cron.dayOfMonth',
      'expression: day of month must have 1 to 30 days after "L-", but found "W" at column 7',
    ],
    [
      '0 0 1-15W * *',
      'cron.dayOfMonth',
      'expression: day of month must be followed by "," or the end of the field, but found "W" at column 9',
    ],
    [
      '0 0 32W * *',
      'cron.dayOfMonth',
      'expression: day of month must be 1 to 31, but found "32W" at column 5',
    ],
    [
      '0 0 * * L',
      'cron.dayOfWeek',
      'expression: day of week must be 0 to 7 or SUN to SAT, but found "L" at column 9; the last Friday is FRIL',
    ],
    [
      '0 0 * * FRIX',
      'cron.dayOfWeek',
      expect.stringMatching(/found "FRIX" at column 9; did you mean FRI\?$/),
    ],
    [
      '0 0 * * MON#6',
      'cron.dayOfWeek',
      'expression: day of week must have 1 to 5 after "#", which counts the weekdays of the month, but found "6" at column 13',
    ],
    [
      '0 0 * * MON#',
      'cron.dayOfWeek',
      expect.stringContaining('but found the end of the field at column 13'),
    ],
    [
      '0 0 * * +MOM',
      'cron.dayOfWeek',
      expect.stringMatching(/found "MOM" at column 10; did you mean MON\?$/),
    ],
    ['+0 0 * * *', 'cron.minute', 'expression: minute must be 0 to 59, but found "+" at column 1'],
    ['15W 0 * * *', 'cron.minute', expect.stringContaining('but found "W" at column 3')],
    ['L 0 * * *', 'cron.minute', 'expression: minute must be 0 to 59, but found "L" at column 1'],
    [
      'H(5 * * * *',
      'cron.minute',
      'expression: minute must have a range such as H(1-5) after "H(", but found the end of the field at column 4',
    ],
    [
      'H(5-7 * * * *',
      'cron.minute',
      'expression: minute must close the range of "H(" with ")", but found the end of the field at column 6',
    ],
    ['H(5-60) * * * *', 'cron.minute', 'expression: minute must be 0 to 59, but found "60" at column 5'],
    [
      'H(0-9)/11 * * * *',
      'cron.minute',
      'expression: minute must have a step of 1 to 10 after "/", but found "11" at column 8',
    ],
    ['HH * * * *', 'cron.minute', 'expression: minute must be 0 to 59, but found "HH" at column 1'],
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

  test('is refused in the time that reading it once takes, however it is made', () => {
    const hostile = ['H(', '1-', '*/', 'L-', 'MON#', ',,', 'FRIL', '0-59,,'].map((part) =>
      part.repeat(64).slice(0, 248),
    )
    for (const part of hostile) expect(problemsOf(`${part} * * * *`)).toHaveLength(1)
    expect(problemsOf('9'.repeat(248) + ' * * * *')).toMatchObject([{ rule: 'cron.minute' }])
  })
})
