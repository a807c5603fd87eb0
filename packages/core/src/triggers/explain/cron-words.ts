import cronstrue from 'cronstrue'
import 'cronstrue/locales/zh_CN.js'
import { readField, type FieldRule } from '../cron/field.js'
import { FIELD_RULES, parseCron } from '../cron/parse.js'
import type { Words } from './words.js'

type Fields = [second: string, minute: string, hour: string, day: string, month: string, weekday: string]

/**
 * A cron expression in words. The words are those of cronstrue, which is told what it understands: `H` as the values that
 * it stands for in the schedule, and steps that do not come out even as the values that they are.
 * @throws {InvalidError} INVALID_TRIGGER when it cannot be read.
 */
export function cronWords(expression: unknown, dayMatch: unknown, scheduleId: string, words: Words): string {
  const { words: written, fields, bothDays } = parseCron(expression, scheduleId)
  const texts = written.length > 5 ? written : ['0', ...written]
  const plain = texts.map((text, i) => plainField(text.replace(/^\+/, ''), FIELD_RULES[i]!, scheduleId))
  const all = plain.slice(0, 6) as Fields
  const [second, minute, hour, day, month, weekday] = all
  const either = day !== '*' && weekday !== '*' && !bothDays && dayMatch !== 'and'
  const several = day.includes(',') && fields.moving !== null
  // Of two day fields cronstrue does not say plainly which must match, and lists of L and W it does not know.
  const text =
    either || several
      ? [
          describe([second, minute, hour, '*', month, '*'], words),
          either
            ? [dayPhrase(day, words), withoutOnly(weekdayPhrase(weekday, words), words)].join(words.or)
            : dayPhrase(day, words),
          ...(either || weekday === '*' ? [] : [weekdayPhrase(weekday, words)]),
        ].join(words.comma)
      : describe(all, words)
  const years = plain[6] === undefined || plain[6] === '*' ? '' : words.comma + yearPhrase(plain[6], words)
  return text + years
}

/** Whether an expression that can be read has a field that depends on the schedule. */
export function hasHash(expression: unknown): boolean {
  return parseCron(expression).words.some((field) => field.replace(/^\+/, '').split(',').some(isHashed))
}

/** A field as cronstrue understands it. */
function plainField(text: string, rule: FieldRule, scheduleId: string): string {
  const terms = text.toUpperCase().split(',')
  const plain = terms.map((term) => {
    const { values, star } = readField({ text: term, column: 1 }, rule, scheduleId)
    if (star) return '*'
    const size = rule.max - rule.min + 1
    const step = Number(/\/(\d+)$/.exec(term)?.[1] ?? 1)
    // Every 45 minutes is not what */45 means. The step of a range says where it ends, that of a day that it is a day's.
    const uneven = size % step !== 0 && !term.includes('-') && rule.day === undefined && rule.name !== 'year'
    if (values.length === 0 || !(uneven || isHashed(term) || values.length === 1))
      return term.replace('?', '*')
    return values.join(',')
  })
  return plain.includes('*') ? '*' : plain.join(',')
}

function isHashed(term: string): boolean {
  return /^h(?![a-z])/i.test(term)
}

function describe(fields: Fields, words: Words): string {
  const text = cronstrue.toString(fields.join(' '), {
    locale: words.cronstrue,
    use24HourTimeFormat: true,
    throwExceptionOnParseError: true,
    logicalAndDayFields: true,
  })
  return words.punctuated(text)
}

/** `on day 13 of the month`: what the field adds to a time. A list with L or W in it is put together from its terms. */
function dayPhrase(day: string, words: Words): string {
  const terms = day.split(',')
  const moving = terms.filter((term) => /[LW]/.test(term))
  const fixed = terms.filter((term) => !moving.includes(term))
  const parts = [...(fixed.length === 0 ? [] : [fixed.join(',')]), ...moving]
  return parts.map((part) => addition(['0', '0', '0', part, '*', '*'], words)).join(words.or)
}

function weekdayPhrase(weekday: string, words: Words): string {
  return addition(['0', '0', '0', '*', '*', weekday], words)
}

function withoutOnly(phrase: string, { only }: Words): string {
  return phrase.startsWith(only) ? phrase.slice(only.length) : phrase
}

function addition(fields: Fields, words: Words): string {
  const bare = describe(['0', '0', '0', '*', '*', '*'], words)
  return describe(fields, words).slice(bare.length + words.comma.length)
}

function yearPhrase(years: string, words: Words): string {
  const [first] = FIELD_RULES.slice(-1)
  const parts = years.split(',').map((term) => {
    const [span = '', step] = term.split('/')
    const [from = '', to = step === undefined ? from : `${first!.max}`] = span.split('-')
    const start = from === '*' ? `${first!.min}` : from
    if (step !== undefined) return words.yearSteps(step, start, to)
    return start === to ? start : words.range(start, to)
  })
  return parts.length === 1 && years.includes('/') ? parts[0]! : words.inYears(parts)
}
