import { closest, InvalidError } from '../../domain/errors.js'
import { quote } from '../problems.js'

/** One field of an expression, and the column (from 1) at which it stands. */
export interface Word {
  readonly text: string
  readonly column: number
}

export interface FieldRule {
  readonly rule: string
  readonly label: string
  readonly min: number
  readonly max: number
  /** Stand for the values from `min` on. */
  readonly names: readonly string[]
  /** Takes `?` for `*`. */
  readonly day?: boolean
  /** Another way to write `min`: 7 for Sunday. */
  readonly alias?: number
}

export interface FieldValues {
  readonly values: readonly number[]
  /** A term is the whole field: `*`, `?` or one of them with step 1. */
  readonly star: boolean
  /** A term goes over the whole field, in steps or not: `*`, `min-max`, `min/n`. */
  readonly open: boolean
}

/**
 * Reads a list of terms: a value, a range or `*`, each with or without a step.
 * @throws {InvalidError} INVALID_TRIGGER at the first thing that is wrong.
 */
export function readField(word: Word, rule: FieldRule): FieldValues {
  return new FieldReader(word, rule).read()
}

class FieldReader {
  readonly #text: string
  readonly #column: number
  readonly #rule: FieldRule
  #at = 0

  constructor(word: Word, rule: FieldRule) {
    this.#text = word.text
    this.#column = word.column
    this.#rule = rule
  }

  read(): FieldValues {
    const values = new Set<number>()
    let star = false
    let open = false
    do {
      const term = this.#readTerm()
      for (const value of this.#valuesOf(term)) values.add(value)
      const { min, max } = this.#rule
      const whole = term.from === min && term.to === max
      star ||= term.star && term.step === 1
      open ||= whole
    } while (this.#take(','))
    if (this.#at < this.#text.length) this.#fail(this.#at, 'must be followed by "," or the end of the field')
    return { values: [...values], star, open }
  }

  #readTerm(): Term {
    const { min, max } = this.#rule
    const start = this.#at
    if (this.#take('*')) return { from: min, to: max, step: this.#readStep() ?? 1, star: true }
    if (this.#take('?')) {
      if (this.#rule.day !== true) this.#fail(start, 'does not take "?", which stands for any day')
      return { from: min, to: max, step: this.#readStep() ?? 1, star: true }
    }
    const from = this.#readValue()
    if (this.#take('-')) {
      const to = this.#readValue()
      return { ...this.#normalize(from, to), step: this.#readStep() ?? 1, star: false }
    }
    const step = this.#readStep()
    const value = from === this.#rule.alias ? min : from
    return { from: value, to: step === null ? value : max, step: step ?? 1, star: false }
  }

  /** Sunday written as 7 begins or ends a range like a 0, except in 0-7, which is the whole week. */
  #normalize(from: number, to: number): { from: number; to: number } {
    const { min, max, alias } = this.#rule
    if (from === min && to === alias) return { from: min, to: max }
    return { from: from === alias ? min : from, to: to === alias ? min : to }
  }

  /** A range whose end is before its start goes round: FRI-MON, 22-2. */
  #valuesOf({ from, to, step }: Term): number[] {
    const { min, max } = this.#rule
    const size = max - min + 1
    const length = to >= from ? to - from : to - from + size
    const values: number[] = []
    for (let i = 0; i <= length; i += step) values.push(min + ((from - min + i) % size))
    return values
  }

  #readStep(): number | null {
    if (!this.#take('/')) return null
    const { min, max } = this.#rule
    const start = this.#at
    const step = this.#readDigits()
    const size = max - min + 1
    if (step === null || step < 1 || step > size) {
      this.#fail(start, `must have a step of 1 to ${size} after "/"`)
    }
    return step
  }

  #readValue(): number {
    const { min, max, alias, names } = this.#rule
    const start = this.#at
    const digits = this.#readDigits()
    if (digits !== null) {
      if (digits < min || digits > (alias ?? max)) this.#fail(start, this.#expected())
      return digits
    }
    const name = this.#readLetters()
    const index = names.indexOf(name.toUpperCase())
    if (index === -1) this.#fail(start, this.#expected(), this.#suggest(name))
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

  #expected(): string {
    const { min, max, alias, names } = this.#rule
    const named = names.length === 0 ? '' : ` or ${names[0]} to ${names.at(-1)}`
    return `must be ${min} to ${alias ?? max}${named}`
  }

  #suggest(name: string): string {
    const { names } = this.#rule
    // Full names (MONDAY, Sept) are further away than a typing error, but begin with the short one.
    const match = closest(name, names) ?? closest(name.slice(0, 3), names)
    return match === null || name === '' ? '' : `; did you mean ${match}?`
  }

  #fail(at: number, expectation: string, hint = ''): never {
    const found = at < this.#text.length ? quote(foundAt(this.#text, at)) : 'the end of the field'
    const { rule, label } = this.#rule
    const message = `expression: ${label} ${expectation}, but found ${found} at column ${this.#column + at}${hint}`
    throw new InvalidError('INVALID_TRIGGER', [{ path: 'expression', rule, message }])
  }
}

interface Term {
  readonly from: number
  readonly to: number
  readonly step: number
  readonly star: boolean
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
