import type { EpochMs } from '../domain/clock.js'
import type { Trigger, TriggerJson } from '../domain/trigger.js'
import { readDst, type DstJson, type DstRule } from './dst.js'
import { readInstant, readTime, timeText, withinRange } from './instant.js'
import type { TriggerKind } from './kind.js'
import { collect, invalid, quote, refuse, unknownFields } from './problems.js'
import { readZone } from './zone.js'

export interface OnceJson extends TriggerJson {
  readonly kind: 'once'
  /** ISO 8601 with its offset from UTC; or without one, as read on the wall clock of `timezone`. */
  readonly at: string
  readonly timezone?: string
  /** Only with `timezone`. `overlap: "both"` makes it fire in both passes. */
  readonly dst?: DstJson
}

/**
 * Fires at one instant: a `Date`, or ISO 8601 with its offset. A text without an offset is read on the wall clock
 * of `timezone`; where the clocks show it twice or jump over it, `dst` decides.
 */
export function once(
  at: string | Date,
  options: { readonly timezone?: string; readonly dst?: DstJson } = {},
): OnceJson {
  return { kind: 'once', at: timeText('at', at), ...options }
}

export const onceKind: TriggerKind = {
  kind: 'once',
  compile(json) {
    const problems = unknownFields(json, ['kind', 'at', 'timezone', 'dst'])
    const dst = collect(problems, () => readDst(json.dst))
    const times = collect(problems, () => readAt(json.at, json.timezone, dst))
    if (json.timezone === undefined && json.dst !== undefined) {
      problems.push({
        path: 'dst',
        rule: 'dst.timezone',
        message: `dst must be left out without a timezone: an instant is never in doubt, but dst was ${quote(json.dst)}`,
      })
    }
    refuse(problems)
    return new Once(times!)
  },
}

/** One instant; two where the clocks show the local time twice and both are asked for. */
class Once implements Trigger {
  readonly #times: readonly EpochMs[]

  constructor(times: readonly EpochMs[]) {
    this.#times = times
  }

  next(after: EpochMs): EpochMs | null {
    return this.#times.find((at) => at > after) ?? null
  }

  previous(before: EpochMs): EpochMs | null {
    return this.#times.findLast((at) => at < before) ?? null
  }

  count(after: EpochMs, until: EpochMs): number {
    return this.#times.filter((at) => at > after && at <= until).length
  }
}

/** `dst` is `null` when it is wrong itself; then only the other fields are checked. */
function readAt(at: unknown, timezone: unknown, dst: DstRule | null): readonly EpochMs[] {
  if (timezone === undefined) return [readInstant('at', at)]
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
  const times = dst === null ? [] : zone.resolve(time.wall, dst)
  if (dst !== null && times.length === 0) {
    const left =
      dst.gap === 'skip'
        ? `over ${quote(at)}, which dst.gap "skip" leaves out`
        : `over the whole day of ${quote(at)}`
    throw invalid(
      'at',
      'time.exists',
      `at must be a time that the clocks of ${quote(timezone)} show, but they jumped ${left}`,
    )
  }
  return times.map((each) => withinRange('at', each, at))
}
