import { InvalidError } from '../../domain/errors.js'
import { isPlainObject } from '../../domain/json.js'
import type { TriggerJson } from '../../domain/trigger.js'
import { readDst, type DstJson } from '../dst.js'
import { cronWords, hasHash } from './cron-words.js'
import { WORDS, type ExplainLocale, type Unit, type Words } from './words.js'

export { EXPLAIN_LOCALES, type ExplainLocale } from './words.js'

const UNITS: readonly Unit[] = [
  'years',
  'months',
  'weeks',
  'days',
  'hours',
  'minutes',
  'seconds',
  'milliseconds',
]

/**
 * A trigger in words, for people who are to check that it says what they mean: `At 02:30, Monday through Friday
 * (Europe/Berlin)`. `scheduleId` is what the `H` of a cron stands for. Never throws: a kind that is not known, and what
 * `checkTrigger` would refuse, is given back as JSON.
 */
export function explain(trigger: unknown, locale: ExplainLocale, scheduleId = ''): string {
  return sentence(trigger, { words: WORDS[locale], scheduleId })
}

interface Context {
  readonly words: Words
  readonly scheduleId: string
}

function sentence(trigger: unknown, context: Context): string {
  try {
    const json = trigger as TriggerJson
    const text = isPlainObject(trigger) ? kindWords(json, context) : null
    if (text === null) return asJson(trigger)
    const { words } = context
    const hashed = json.kind === 'cron' && hasHash(json.expression) ? [words.hashed] : []
    return [text, ...hashed, ...words.dst(dstOf(json)), ...modifierWords(json, words)].join(words.semicolon)
  } catch (error) {
    if (error instanceof InvalidError || error instanceof NotReadable) return asJson(trigger)
    throw error
  }
}

/** The JSON is not of the form that its kind has. */
class NotReadable extends Error {}

function kindWords(json: TriggerJson, context: Context): string | null {
  const { words, scheduleId } = context
  const zone = json.timezone === undefined ? 'UTC' : text(json.timezone)
  switch (json.kind) {
    case 'cron':
      return words.zone(cronWords(json.expression, json.dayMatch, scheduleId, words), zone)
    case 'once': {
      const at = words.once(time(json.at))
      return json.timezone === undefined ? at : words.zone(at, zone)
    }
    case 'interval': {
      const length = lengthWords(json.every, words)
      const every = json.after === undefined ? words.every(length) : words.afterRun(length)
      return json.start === undefined ? every : words.from(every, time(json.start))
    }
    case 'calendar': {
      const times = Array.isArray(json.at) ? json.at.map(text) : [text(json.at)]
      const every = words.at(words.every(lengthWords(json.every, words)), times)
      const from = words.from(every, text(json.startDate))
      return words.zone(json.overflow === 'skip' ? words.overflowSkips(from) : from, zone)
    }
    case 'rrule': {
      const rule = words.from(words.rule(text(json.rrule)), time(json.dtstart))
      return words.zone(words.dates(rule, times(json.rdates), times(json.exdates)), zone)
    }
    case 'any':
    case 'all':
      return words[json.kind](list(json.triggers).map((member) => sentence(member, context)))
    default:
      return null
  }
}

function modifierWords(json: TriggerJson, words: Words): string[] {
  const found: string[] = []
  // The start of an interval is where it is counted from, and has been told.
  if (json.start !== undefined && json.kind !== 'interval') found.push(words.notBefore(time(json.start)))
  if (json.end !== undefined) found.push(words.notAfter(time(json.end)))
  const { exclude } = json
  if (exclude === undefined) return found
  if (!isPlainObject(exclude)) throw new NotReadable()
  const dates = [
    ...list(exclude.weekdays).map((day) => words.weekday(text(day))),
    ...list(exclude.dates).map(text),
    ...list(exclude.ranges).map((range) => {
      if (!isPlainObject(range)) throw new NotReadable()
      return words.range(text(range.from), text(range.to))
    }),
    ...(exclude.calendar === undefined ? [] : [words.calendar(text(exclude.calendar))]),
  ]
  if (dates.length > 0) found.push(words.notOn(dates))
  if (exclude.instead !== undefined) found.push(words.instead(text(exclude.instead)))
  return found
}

function dstOf({ dst }: TriggerJson): DstJson {
  readDst(dst)
  return (dst ?? {}) as DstJson
}

function lengthWords(every: unknown, words: Words): string {
  if (!isPlainObject(every)) throw new NotReadable()
  const amounts = UNITS.filter((unit) => every[unit] !== undefined).map((unit) => {
    const count = every[unit]
    if (typeof count !== 'number') throw new NotReadable()
    return words.amount(count, unit)
  })
  if (amounts.length === 0) throw new NotReadable()
  return amounts.join(' ')
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new NotReadable()
  return value
}

/** `2026-12-01T09:00` with a blank for its T. */
function time(value: unknown): string {
  return text(value).replace(/[Tt]/, ' ')
}

function times(value: unknown): string[] {
  return list(value).map(time)
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new NotReadable()
  return value
}

function asJson(trigger: unknown): string {
  try {
    return JSON.stringify(trigger) ?? String(trigger)
  } catch {
    return String(trigger)
  }
}
