import { hash32 } from '../../domain/ids.js'
import { closest, InvalidError } from '../../domain/errors.js'
import { quote } from '../problems.js'

/** One field of an expression, and the column (from 1) at which it stands. */
export interface Word {
  readonly text: string
  readonly column: number
}

export interface FieldRule {
  /** Its name in problems (`cron.minute`) and in what `H` hashes. */
  readonly name: string
  readonly label: string
  readonly min: number
  readonly max: number
  /** Stand for the values from `min` on. */
  readonly names: readonly string[]
  /** Takes `?` for `*`, and the terms for days that depend on the month. */
  readonly day?: 'ofMonth' | 'ofWeek'
  /** Another way to write `min`: 7 for Sunday. */
  readonly alias?: number
  /** The largest value that `H` takes by itself; `null` for a field without hashing. @default max */
  readonly hashMax?: number | null
  /** A range may not go round. */
  readonly straight?: boolean
}

export interface FieldValues {
  /** One may stand there twice when two terms name it. */
  readonly values: readonly number[]
  /** A term is the whole field: `*`, `?` or one of them with step 1. */
  readonly star: boolean
  /** A term goes over the whole field, in steps or not: `*`, `min-max`, `min/n`, `H/n`. */
  readonly open: boolean
  /** In the order in which they stand. Empty except in the day fields. */
  readonly moving: readonly MovingTerm[]
}

/** `L-3`, `15W`, `LW` (day `null`), `5L`, `MON#2`. */
export type MovingTerm =
  | { readonly type: 'fromLast'; readonly days: number }
  | { readonly type: 'nearest'; readonly day: number | null }
  | { readonly type: 'lastWeekday'; readonly weekday: number }
  | { readonly type: 'nthWeekday'; readonly weekday: number; readonly nth: number }

/**
 * Reads a list of terms: a value, a range or `*`, each with or without a step; `H`; and in the day fields those of
 * {@link MovingTerm}. `hashKey` is what `H` spreads by.
 * @throws {InvalidError} INVALID_TRIGGER at the first thing that is wrong.
 */
export function readField(word: Word, rule: FieldRule, hashKey: string): FieldValues {
  return new FieldReader(word, rule, hashKey).read()
}

interface Span {
  readonly from: number
  readonly to: number
  readonly step: number
  readonly star: boolean
  readonly open: boolean
}

class FieldReader {
  readonly #text: string
  readonly #column: number
  readonly #rule: FieldRule
  readonly #hashKey: string
  #at = 0

  constructor(word: Word, rule: FieldRule, hashKey: string) {
    this.#text = word.text
    this.#column = word.column
    this.#rule = rule
    this.#hashKey = hashKey
  }

  read(): FieldValues {
    const values: number[] = []
    const moving: MovingTerm[] = []
    let star = false
    let open = false
    do {
      const term = this.#readTerm()
      if ('type' in term) moving.push(term)
      else {
        this.#addValues(term, values)
        star ||= term.star && term.step === 1
        open ||= term.open
      }
    } while (this.#take(','))
    if (this.#at < this.#text.length) this.#fail(this.#at, 'must be followed by "," or the end of the field')
    return { values, star, open, moving }
  }

  #readTerm(): Span | MovingTerm {
    const { min, max, day } = this.#rule
    const start = this.#at
    if (this.#take('*')) return this.#span(min, max, true)
    if (this.#take('?')) {
      if (day === undefined) this.#fail(start, 'does not take "?", which stands for any day')
      return this.#span(min, max, true)
    }
    if (day === 'ofMonth' && this.#takeLetter('L')) return this.#readFromLast()
    if (this.#startsHash()) return this.#readHash(start)
    const from = this.#readValue()
    if (day === 'ofMonth' && this.#takeLetter('W')) return { type: 'nearest', day: from }
    if (day === 'ofWeek' && this.#takeLetter('L')) return { type: 'lastWeekday', weekday: from % 7 }
    if (day === 'ofWeek' && this.#take('#')) return this.#readNth(from % 7)
    if (this.#take('-')) return this.#readRange(from, start)
    if (this.#text[this.#at] === '/') return this.#span(this.#unalias(from), max)
    const value = this.#unalias(from)
    return { from: value, to: value, step: 1, star: false, open: false }
  }

  #readRange(from: number, start: number): Span {
    const { min, max, alias } = this.#rule
    const to = this.#readValue()
    if (this.#rule.straight === true && to < from) this.#fail(start, 'must have a range that rises')
    // Sunday written as 7 begins or ends a range like a 0, except in 0-7, which is the whole week.
    if (from === min && to === alias) return this.#span(min, max)
    return this.#span(this.#unalias(from), this.#unalias(to))
  }

  /** The rest of a term of which the ends are known: its step, if it has one. */
  #span(from: number, to: number, star = false): Span {
    const { min, max } = this.#rule
    const step = this.#take('/') ? this.#readStep(max - min + 1) : 1
    return { from, to, step, star, open: from === min && to === max }
  }

  #readFromLast(): MovingTerm {
    if (this.#takeLetter('W')) return { type: 'nearest', day: null }
    if (!this.#take('-')) return { type: 'fromLast', days: 0 }
    return { type: 'fromLast', days: this.#readNumber(1, 30, 'must have 1 to 30 days after "L-"') }
  }

  #readNth(weekday: number): MovingTerm {
    const nth = this.#readNumber(1, 5, 'must have 1 to 5 after "#", which counts the weekdays of the month')
    return { type: 'nthWeekday', weekday, nth }
  }

  #startsHash(): boolean {
    const code = this.#text.charCodeAt(this.#at)
    return (code === 72 || code === 104) && !isLetter(this.#text.charCodeAt(this.#at + 1))
  }

  /** `H`, `H(0-7)`, `H/n`, `H(0-29)/10`: one value of the range, or the steps that begin with one of the first n. */
  #readHash(start: number): Span {
    const { name, min, max, hashMax = max } = this.#rule
    if (hashMax === null) this.#fail(start, 'does not take "H"')
    this.#at++
    let [from, to] = [min, hashMax]
    let size = to - from + 1
    if (this.#take('(')) {
      from = this.#unalias(this.#readValue())
      if (!this.#take('-')) this.#fail(this.#at, 'must have a range such as H(1-5) after "H("')
      to = this.#unalias(this.#readValue())
      if (!this.#take(')')) this.#fail(this.#at, 'must close the range of "H(" with ")"')
      size = lengthOf(from, to, this.#rule)
    }
    const step = this.#take('/') ? this.#readStep(size) : null
    const shift = hash32(`${this.#hashKey}#${name}`) % (step ?? size)
    const first = wrapped(from + shift, this.#rule)
    if (step === null) return { from: first, to: first, step: 1, star: false, open: false }
    return { from: first, to, step, star: false, open: size === max - min + 1 }
  }

  /** A range whose end is before its start goes round: FRI-MON, 22-2. */
  #addValues({ from, to, step }: Span, values: number[]): void {
    const length = lengthOf(from, to, this.#rule)
    for (let i = 0; i < length; i += step) values.push(wrapped(from + i, this.#rule))
  }

  #readStep(size: number): number {
    return this.#readNumber(1, size, `must have a step of 1 to ${size} after "/"`)
  }

  #readNumber(min: number, max: number, expectation: string): number {
    const start = this.#at
    const number = this.#readDigits()
    if (number === null || number < min || number > max) this.#fail(start, expectation)
    return number
  }

  #readValue(): number {
    const { min, max, alias, names, day } = this.#rule
    const start = this.#at
    const digits = this.#readDigits()
    if (digits !== null) {
      if (digits < min || digits > (alias ?? max)) this.#fail(start, this.#expected())
      return digits
    }
    const word = this.#readLetters()
    const upper = word.toUpperCase()
    let index = names.indexOf(upper)
    if (index === -1 && day === 'ofWeek' && upper.endsWith('L')) {
      // FRIL: the L is the next thing to read.
      index = names.indexOf(upper.slice(0, -1))
      if (index !== -1) this.#at--
    }
    if (index === -1) this.#fail(start, this.#expected(), this.#suggest(word))
    return min + index
  }

  /** `null` where no digit stands. Long numbers end up as Infinity, which no rule allows. */
  #readDigits(): number | null {
    const start = this.#at
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++
    return this.#at === start ? null : Number(this.#text.slice(start, this.#at))
  }

  #readLetters(): string {
    const start = this.#at
    while (isLetter(this.#text.charCodeAt(this.#at))) this.#at++
    return this.#text.slice(start, this.#at)
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #takeLetter(letter: string): boolean {
    return this.#take(letter) || this.#take(letter.toLowerCase())
  }

  #unalias(value: number): number {
    return value === this.#rule.alias ? this.#rule.min : value
  }

  #expected(): string {
    const { min, max, alias, names } = this.#rule
    const named = names.length === 0 ? '' : ` or ${names[0]} to ${names.at(-1)}`
    return `must be ${min} to ${alias ?? max}${named}`
  }

  #suggest(name: string): string {
    const { names, day } = this.#rule
    if (day === 'ofWeek' && name.toUpperCase() === 'L') return '; the last Friday is FRIL'
    // Full names (MONDAY, Sept) are further away than a typing error, but begin with the short one.
    const match = closest(name, names) ?? closest(name.slice(0, 3), names)
    return match === null || name === '' ? '' : `; did you mean ${match}?`
  }

  #fail(at: number, expectation: string, hint = ''): never {
    const found = at < this.#text.length ? quote(foundAt(this.#text, at)) : 'the end of the field'
    const { name, label } = this.#rule
    const message = `expression: ${label} ${expectation}, but found ${found} at column ${this.#column + at}${hint}`
    throw new InvalidError('INVALID_TRIGGER', [{ path: 'expression', rule: `cron.${name}`, message }])
  }
}

/** How many values a range has, going round where its end is before its start. */
function lengthOf(from: number, to: number, { min, max }: FieldRule): number {
  return (to >= from ? to - from : to - from + max - min + 1) + 1
}

function wrapped(value: number, { min, max }: FieldRule): number {
  return value > max ? value - (max - min + 1) : value
}

/** The word or the single character that stands there. */
function foundAt(text: string, at: number): string {
  let end = at
  while (isDigit(text.charCodeAt(end)) || isLetter(text.charCodeAt(end))) end++
  return text.slice(at, Math.max(end, at + 1))
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}
