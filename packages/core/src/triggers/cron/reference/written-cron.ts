import { hash32 } from '../../../domain/ids.js'
import type { DstJson } from '../../dst.js'
import { monthDay, type CalendarDate } from './calendar-date.js'
import type { SeededRandom } from './random.js'

/** A cron next to what it means, worked out without the parser. */
export interface WrittenCron {
  readonly expression: string
  readonly scheduleId: string
  readonly dayMatch?: 'and' | 'or'
  readonly dst?: DstJson
  readonly second: (value: number) => boolean
  readonly minute: (value: number) => boolean
  readonly hour: (value: number) => boolean
  readonly date: (date: CalendarDate) => boolean
  readonly wildcard: boolean
}

export interface CronStyle {
  /** Seconds are multiples of this, for a reference that looks at the clock so often; without it there are none. */
  readonly secondsUnit?: number
  /** Years are near this one, or near 1970 where it is earlier. */
  readonly year: number
}

interface Field {
  readonly text: string
  readonly has: (value: number) => boolean
  /** For what depends on the month. */
  readonly hasDate?: (date: CalendarDate) => boolean
  readonly any: boolean
  readonly open: boolean
}

interface Range {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly hashMax?: number
  readonly unit?: number
}

const MINUTE: Range = { name: 'minute', min: 0, max: 59 }
const HOUR: Range = { name: 'hour', min: 0, max: 23 }
const DAY: Range = { name: 'dayOfMonth', min: 1, max: 31, hashMax: 28 }
const MONTH: Range = { name: 'month', min: 1, max: 12 }
const WEEKDAY: Range = { name: 'dayOfWeek', min: 0, max: 6 }
const NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

const ids = ['', 'report', 'backup-7', 'mail/daily', 'x']

/** Some expression with some choices. It may be one that never fires. */
export function writeCron(random: SeededRandom, { secondsUnit, year }: CronStyle): WrittenCron {
  const scheduleId = random.pick(ids)
  const make = (range: Range, anyChance: number, moving?: () => Field): Field =>
    field(random, range, scheduleId, anyChance, moving)
  const second =
    secondsUnit === undefined ? null : make({ name: 'second', min: 0, max: 59, unit: secondsUnit }, 0)
  const minute = make(MINUTE, 0.25)
  // Many hours in the night, where the clocks change.
  const hour = random.chance(0.5) ? nightHours(random) : make(HOUR, 0.35)
  const day = make(DAY, 0.65, () => movingDay(random))
  const month = make(MONTH, 0.8)
  const weekday = make(WEEKDAY, 0.65, () => movingWeekday(random))
  const yearField = random.chance(0.15) ? years(random, Math.max(year, 1971)) : null

  const plus = random.chance(0.1)
  const dayMatch = random.chance(0.1) ? (plus ? 'and' : random.pick(['and', 'or'] as const)) : undefined
  const both = plus || dayMatch === 'and' || day.any || weekday.any
  const dst = random.chance(0.7) ? dstChoice(random) : undefined
  const texts = [minute.text, hour.text, day.text, month.text, (plus ? '+' : '') + weekday.text]
  if (second !== null || yearField !== null) texts.unshift(second?.text ?? '0')
  if (yearField !== null) texts.push(yearField.text)
  return {
    expression: texts.join(' '),
    scheduleId,
    ...(dayMatch === undefined ? {} : { dayMatch }),
    ...(dst === undefined ? {} : { dst }),
    second: second?.has ?? ((value) => value === 0),
    minute: minute.has,
    hour: hour.has,
    date: (date) => {
      if (!month.has(date.month) || yearField?.has(date.year) === false) return false
      const byDay = day.has(date.day) || day.hasDate?.(date) === true
      const byWeekday = weekday.has(date.weekday) || weekday.hasDate?.(date) === true
      return both ? byDay && byWeekday : byDay || byWeekday
    },
    wildcard: minute.open || hour.open || second?.open === true,
  }
}

function dstChoice(random: SeededRandom): DstJson {
  const gap = random.pick([undefined, 'shift', 'after', 'skip'] as const)
  const overlap = random.pick([undefined, 'auto', 'first', 'last', 'both'] as const)
  return { ...(gap === undefined ? {} : { gap }), ...(overlap === undefined ? {} : { overlap }) }
}

function field(
  random: SeededRandom,
  range: Range,
  id: string,
  anyChance: number,
  moving?: () => Field,
): Field {
  if (random.chance(anyChance)) {
    const text = moving !== undefined && random.chance(0.2) ? '?' : '*'
    return { text, has: () => true, any: true, open: true }
  }
  const terms = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () =>
    moving !== undefined && random.chance(0.3) ? moving() : term(random, range, id),
  )
  return {
    text: terms.map(({ text }) => text).join(','),
    has: (value) => terms.some((each) => each.has(value)),
    hasDate: (date) => terms.some((each) => each.hasDate?.(date) === true),
    any: terms.some((each) => each.any),
    open: terms.some((each) => each.open),
  }
}

function term(random: SeededRandom, { name, min, max, hashMax = max, unit = 1 }: Range, id: string): Field {
  const hash = hash32(`${id}#${name}`)
  const value = random.int(Math.ceil(min / unit), Math.floor(max / unit)) * unit
  const step = random.int(1, Math.max(1, Math.floor((max - min) / 2 / unit))) * unit
  const set = (text: string, members: readonly number[], open = false): Field => {
    const member = new Set(members)
    return { text, has: (each) => member.has(each), any: false, open }
  }
  // What a clock that is looked at every few seconds could not tell is left out.
  const kinds = unit === 1 ? 7 : 3
  switch (random.int(1, kinds)) {
    case 1:
      return set(`${value}`, [value])
    case 2:
      return { ...set(`*/${step}`, list(min, max, step), true), any: step === 1 }
    case 3:
      return set(`${value}/${step}`, list(value, max, step), value === min)
    case 4: {
      const to = random.int(min, max)
      const all = value <= to ? list(value, to, 1) : [...list(value, max, 1), ...list(min, to, 1)]
      const text = step === 1 ? `${value}-${to}` : `${value}-${to}/${step}`
      return set(text, everyNth(all, step), value === min && to === max)
    }
    case 5:
      return set('H', [min + (hash % (hashMax - min + 1))])
    case 6:
      return set(`H/${step}`, list(min + (hash % step), hashMax, step), hashMax === max)
    default: {
      const to = random.int(value, max)
      const size = to - value + 1
      const each = random.int(1, size)
      const whole = value === min && to === max
      if (random.chance(0.5)) return set(`H(${value}-${to})`, [value + (hash % size)])
      return set(`H(${value}-${to})/${each}`, list(value + (hash % each), to, each), whole)
    }
  }
}

function nightHours(random: SeededRandom): Field {
  const hours = new Set(Array.from({ length: random.int(1, 4) }, () => random.int(0, 4)))
  return { text: [...hours].join(','), has: (value) => hours.has(value), any: false, open: false }
}

function movingDay(random: SeededRandom): Field {
  // The ends of the month are where a working day has to be sought on the other side, or where there is none.
  const n = random.pick([1, 2, 28, 29, 30, 31, random.int(1, 31)])
  const working = (date: CalendarDate, near: number): boolean => {
    if (near > date.length) return false
    const candidates = list(1, date.length, 1).filter((day) => ![0, 6].includes(monthDay(date, day).weekday))
    const distance = Math.min(...candidates.map((day) => Math.abs(day - near)))
    return Math.abs(date.day - near) === distance && candidates.includes(date.day)
  }
  const of = (text: string, hasDate: (date: CalendarDate) => boolean): Field => ({
    text,
    has: () => false,
    hasDate,
    any: false,
    open: false,
  })
  switch (random.int(1, 4)) {
    case 1:
      return of('L', (date) => date.day === date.length)
    case 2:
      return of(`L-${Math.min(n, 30)}`, (date) => date.day + Math.min(n, 30) === date.length)
    case 3:
      return of(`${n}W`, (date) => working(date, n))
    default:
      return of('LW', (date) => working(date, date.length))
  }
}

function movingWeekday(random: SeededRandom): Field {
  const weekday = random.int(0, 7)
  const text = random.chance(0.5) ? `${weekday}` : NAMES[weekday % 7]!
  const nth = random.int(1, 5)
  const last = random.chance(0.5)
  return {
    text: last ? `${text}L` : `${text}#${nth}`,
    has: () => false,
    hasDate: (date) =>
      date.weekday === weekday % 7 && (last ? date.day + 7 > date.length : Math.ceil(date.day / 7) === nth),
    any: false,
    open: false,
  }
}

function years(random: SeededRandom, year: number): Field {
  const of = (text: string, has: (value: number) => boolean): Field => ({
    text,
    has,
    any: text === '*',
    open: false,
  })
  return random.pick([
    of('*', () => true),
    of(`${year}`, (value) => value === year),
    of(`${year - 1}-${year + 1}`, (value) => Math.abs(value - year) <= 1),
    of(`${year},${year + 5}`, (value) => value === year || value === year + 5),
    of('*/2', (value) => value >= 1970 && value <= 2199 && value % 2 === 0),
    of(`${year + 1}`, (value) => value === year + 1),
  ])
}

function list(from: number, to: number, step: number): number[] {
  const values = []
  for (let value = from; value <= to; value += step) values.push(value)
  return values
}

function everyNth(values: readonly number[], n: number): number[] {
  return values.filter((_, i) => i % n === 0)
}
