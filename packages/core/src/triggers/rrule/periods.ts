import { civilFromDays, daysFromCivil } from '../civil.js'
import { firstOfMonth, monthIndexOf, weekdayOf, type DayNumber } from '../date.js'
import { commonDivisor, CYCLE_DAYS } from './cycle.js'
import type { Frequency, RecurrenceRule } from './rule.js'

/** The years, months, weeks or days of a rule, of which it takes every n-th from its first one on. */
export class Periods {
  readonly #unit: Unit
  readonly #first: number
  readonly #interval: number

  constructor({ frequency, interval, weekStart }: RecurrenceRule, start: DayNumber) {
    this.#unit = unitOf(frequency, weekStart)
    this.#first = this.#unit.indexOf(start)
    // Hours and less are counted by themselves; their days are taken as they come.
    this.#interval = this.#unit === DAYS && frequency !== 'DAILY' ? 1 : interval
  }

  /** The first day on or after `day` that is in a period of the rule. */
  alignUp(day: DayNumber): DayNumber {
    const index = this.#unit.indexOf(day)
    const past = this.#past(index)
    return past === 0 ? day : this.#unit.firstDay(index + this.#interval - past)
  }

  /** The last day on or before `day` that is in a period of the rule. */
  alignDown(day: DayNumber): DayNumber {
    const index = this.#unit.indexOf(day)
    const past = this.#past(index)
    return past === 0 ? day : this.#unit.firstDay(index - past + 1) - 1
  }

  /** Where the period of a day begins. */
  startOf(day: DayNumber): DayNumber {
    return this.#unit.firstDay(this.#unit.indexOf(day))
  }

  /** The first day after the period of a day. */
  endOf(day: DayNumber): DayNumber {
    return this.#unit.firstDay(this.#unit.indexOf(day) + 1)
  }

  /** The days after which the calendar and the periods have come again together. */
  get cycleDays(): number {
    return (CYCLE_DAYS * this.#interval) / commonDivisor(this.#interval, this.#unit.perCycle)
  }

  #past(index: number): number {
    const past = (index - this.#first) % this.#interval
    return past < 0 ? past + this.#interval : past
  }
}

/** Equal or unequal stretches of days, numbered without a gap. */
interface Unit {
  /** How many of them 400 years have. */
  readonly perCycle: number
  indexOf(day: DayNumber): number
  firstDay(index: number): DayNumber
}

const YEARS: Unit = {
  perCycle: 400,
  indexOf: (day) => civilFromDays(day).year,
  firstDay: (year) => daysFromCivil(year, 1, 1),
}
const MONTHS: Unit = { perCycle: 4800, indexOf: monthIndexOf, firstDay: firstOfMonth }
const DAYS: Unit = { perCycle: CYCLE_DAYS, indexOf: (day) => day, firstDay: (day) => day }

function unitOf(frequency: Frequency, weekStart: number): Unit {
  if (frequency === 'YEARLY') return YEARS
  if (frequency === 'MONTHLY') return MONTHS
  if (frequency !== 'WEEKLY') return DAYS
  // Days since some day on which weeks begin.
  const shift = (weekdayOf(0) - weekStart + 7) % 7
  return {
    perCycle: CYCLE_DAYS / 7,
    indexOf: (day) => Math.floor((day + shift) / 7),
    firstDay: (week) => week * 7 - shift,
  }
}
