import {
  compileTrigger,
  fires,
  toIso,
  type CalendarLookup,
  type EpochMs,
  type ExplainLocale,
  type Trigger,
  type TriggerJson,
} from '@evertick/core'
import type { FireWarningJson } from '../http/schemas/trigger.js'
import { clockChanges, type ClockChange } from './clock-changes.js'
import { WARNING_WORDS } from './warning-words.js'
import { wallClockParts } from './zones.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** How far ahead is looked. */
const HORIZON_MS = 2 * 366 * DAY_MS
/** A trigger that fires every second has thousands; nobody reads on after the first few. */
const MOST_WARNINGS = 20

type Part = TriggerJson & { readonly timezone: string }

interface WarningOptions {
  readonly after: EpochMs
  readonly locale: ExplainLocale
  readonly calendar?: CalendarLookup
}

/**
 * The wall-clock times of a trigger, within two years, that the clocks jump over or show twice, and what becomes of each.
 * What fires in every hour of such a day anyway loses and gains nothing by it, and is not mentioned.
 * `trigger` must be one that `compileTrigger` takes.
 */
export function clockWarnings(trigger: TriggerJson, options: WarningOptions): FireWarningJson[] {
  const warnings = wallClockParts(trigger).flatMap((part) => Array.from(warningsOf(part, options)))
  return warnings.toSorted((a, b) => (a.changeTime < b.changeTime ? -1 : 1)).slice(0, MOST_WARNINGS)
}

function* warningsOf(part: Part, { after, locale, calendar }: WarningOptions): Generator<FireWarningJson> {
  const context = calendar === undefined ? {} : { calendar }
  const actual = compileTrigger(part, context)
  const asked = askedTimes(part, context)
  if (asked === null) return
  for (const change of clockChanges(part.timezone, after, after + HORIZON_MS)) {
    // Read as UTC, the times that the clocks leave out or repeat lie between the readings before and after the jump.
    const [from, to] = [change.at + change.before, change.at + change.after].toSorted((a, b) => a - b)
    if (isInEveryHour(asked, from!)) continue
    for (const wall of fires(asked, { after: from! - 1, before: to!, count: MOST_WARNINGS })) {
      const kind = change.after > change.before ? 'gap' : 'overlap'
      const fireTimes = kind === 'gap' ? shifted(actual, part, change, wall) : passes(actual, change, wall)
      // Left out on that date for another reason, so that the clocks change nothing.
      if (kind === 'overlap' && fireTimes.length === 0) continue
      yield warningOf(kind, part, change, wall, fireTimes, locale)
    }
  }
}

/** The times that a part asks for, as if the wall clock were never changed; `null` where that cannot be told. */
function askedTimes(part: Part, context: { readonly calendar?: CalendarLookup }): Trigger | null {
  try {
    return compileTrigger({ ...part, timezone: 'UTC' }, context)
  } catch {
    // A start or end that leaves nothing when it is read on another clock: no time of it is near a change.
    return null
  }
}

function isInEveryHour(asked: Trigger, wall: EpochMs): boolean {
  const midnight = Math.floor(wall / DAY_MS) * DAY_MS
  return Array.from({ length: 24 }, (_, hour) => midnight + hour * HOUR_MS).every((start) => {
    const next = asked.next(start - 1)
    return next !== null && next < start + HOUR_MS
  })
}

/** When a time that the clocks jump over fires instead; empty when it does not. */
function shifted(actual: Trigger, part: Part, change: ClockChange, wall: EpochMs): EpochMs[] {
  const gap = (part['dst'] as { gap?: unknown } | undefined)?.gap ?? 'shift'
  if (gap === 'skip') return []
  return firing(actual, [gap === 'after' ? change.at : wall - change.before])
}

/** When a time that the clocks show twice fires. */
function passes(actual: Trigger, change: ClockChange, wall: EpochMs): EpochMs[] {
  return firing(actual, [wall - change.before, wall - change.after])
}

function firing(trigger: Trigger, candidates: readonly EpochMs[]): EpochMs[] {
  return candidates.filter((at) => trigger.next(at - 1) === at)
}

function warningOf(
  kind: FireWarningJson['kind'],
  { timezone }: Part,
  change: ClockChange,
  wall: EpochMs,
  fireTimes: readonly EpochMs[],
  locale: ExplainLocale,
): FireWarningJson {
  const words = WARNING_WORDS[locale]
  const told = {
    wallTime: wallText(wall),
    timezone,
    from: clockText(change.at + change.before),
    to: clockText(change.at + change.after),
  }
  const fired = fireTimes.map((at) => wallText(at + (at < change.at ? change.before : change.after)))
  const pass = fireTimes.length === 2 ? 'both' : fireTimes[0] === wall - change.before ? 'first' : 'second'
  return {
    kind,
    wallTime: told.wallTime,
    timezone,
    changeTime: toIso(change.at),
    fireTimes: fireTimes.map(toIso),
    message: kind === 'gap' ? words.gap(told, fired[0] ?? null) : words.overlap(told, pass),
  }
}

/** `2026-03-29T02:30:00`. */
function wallText(wall: EpochMs): string {
  return toIso(wall).slice(0, 19)
}

/** `02:00`, with seconds where there are any. */
function clockText(wall: EpochMs): string {
  return wallText(wall).slice(11).replace(/:00$/, '')
}
