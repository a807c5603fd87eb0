import type { EpochMs } from '../domain/clock.js'
import { InvalidError } from '../domain/errors.js'
import type { Trigger, TriggerJson } from '../domain/trigger.js'
import { readInstant, readTime, timeText, withinRange } from './instant.js'
import type { TriggerKind } from './kind.js'
import { collect, quote, refuse, unknownFields } from './problems.js'
import { readZone } from './zone.js'

export interface OnceJson extends TriggerJson {
  readonly kind: 'once'
  /** ISO 8601 with its offset from UTC; or without one, as read on the wall clock of `timezone`. */
  readonly at: string
  readonly timezone?: string
}

/**
 * Fires at one instant: a `Date`, or ISO 8601 with its offset. A text without an offset is read on the wall clock
 * of `timezone`, and means the first such instant where the clock shows it twice.
 */
export function once(at: string | Date, options: { readonly timezone?: string } = {}): OnceJson {
  return { kind: 'once', at: timeText('at', at), ...options }
}

export const onceKind: TriggerKind = {
  kind: 'once',
  compile(json) {
    const problems = unknownFields(json, ['kind', 'at', 'timezone'])
    const at = collect(problems, () => readAt(json.at, json.timezone))
    refuse(problems)
    return new Once(at!)
  },
}

class Once implements Trigger {
  readonly #at: EpochMs

  constructor(at: EpochMs) {
    this.#at = at
  }

  next(after: EpochMs): EpochMs | null {
    return after < this.#at ? this.#at : null
  }

  count(after: EpochMs, until: EpochMs): number {
    return after < this.#at && this.#at <= until ? 1 : 0
  }
}

function readAt(at: unknown, timezone: unknown): EpochMs {
  if (timezone === undefined) return readInstant('at', at)
  const zone = readZone(timezone)
  const time = typeof at === 'string' ? readTime(at) : null
  if (time === null) {
    throw invalid(
      'at',
      'time.local',
      `at must be a local time such as "2026-12-01T09:00:00", but was ${quote(at)}`,
    )
  }
  if (time.offset !== null) {
    throw invalid(
      'timezone',
      'time.oneZone',
      `timezone must be left out when at carries an offset of its own, but at was ${quote(at)}`,
    )
  }
  const instant = zone.toInstant(time.wall)
  if (instant === null) {
    throw invalid(
      'at',
      'time.exists',
      `at must be on a date that ${quote(timezone)} has, but its clocks jumped over the whole day of ${quote(at)}`,
    )
  }
  return withinRange('at', instant, at)
}

function invalid(path: string, rule: string, message: string): InvalidError {
  return new InvalidError('INVALID_TRIGGER', [{ path, rule, message }])
}
