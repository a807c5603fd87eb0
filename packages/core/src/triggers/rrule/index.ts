import type { Problem } from '../../domain/errors.js'
import type { Trigger, TriggerJson } from '../../domain/trigger.js'
import { Union } from '../any.js'
import { bounded } from '../bounded.js'
import { SECOND_MS, type WallMs } from '../civil.js'
import { readDst, type DstJson, type DstRule } from '../dst.js'
import { everFires } from '../ever-fires.js'
import { readTime } from '../instant.js'
import type { TriggerKind } from '../kind.js'
import { collect, invalid, neverFires, quote, refuse, unknownFields } from '../problems.js'
import type { WallTimes } from '../wall-times.js'
import { WallTrigger } from '../wall-trigger.js'
import { readZone, UTC, type Zone } from '../zone.js'
import { occurrences } from './occurrences.js'
import { parseRule } from './parse.js'
import type { RecurrenceRule } from './rule.js'
import { ListedTimes, TimesWithout } from './times.js'

export interface RruleJson extends TriggerJson {
  readonly kind: 'rrule'
  /** A recurrence rule of RFC 5545, section 3.3.10: `FREQ=MONTHLY;BYDAY=-1FR`. */
  readonly rrule: string
  /** Local time from which the rule counts, `2026-01-30T17:00`. It fires then only if the rule says so. */
  readonly dtstart: string
  /** A zone of the IANA database. @default 'UTC' */
  readonly timezone?: string
  /** Local times that are left out. */
  readonly exdates?: string[]
  /** Local times besides those of the rule, whatever its COUNT or UNTIL. */
  readonly rdates?: string[]
  readonly dst?: DstJson
}

const MOST_DATES = 1000

/**
 * Fires by a recurrence rule of RFC 5545. Its local times are resolved one by one as `once` resolves its own, so that each
 * fires exactly once around changes of the clock.
 */
export function rrule(
  rule: string,
  options: Pick<RruleJson, 'dtstart' | 'timezone' | 'dst'> & {
    readonly exdates?: readonly string[]
    readonly rdates?: readonly string[]
  },
): RruleJson {
  const { exdates, rdates, ...rest } = options
  return {
    kind: 'rrule',
    rrule: rule,
    ...rest,
    ...(exdates === undefined ? {} : { exdates: [...exdates] }),
    ...(rdates === undefined ? {} : { rdates: [...rdates] }),
  }
}

export const rruleKind: TriggerKind = {
  kind: 'rrule',
  compile(json, context) {
    const problems = unknownFields(json, ['kind', 'rrule', 'dtstart', 'timezone', 'exdates', 'rdates', 'dst'])
    const rule = collect(problems, () => parseRule(json.rrule))
    const start = collect(problems, () => readLocal('dtstart', json.dtstart))
    const zone = json.timezone === undefined ? UTC : collect(problems, () => readZone(json.timezone))
    const without = readLocals('exdates', json.exdates, problems)
    const besides = readLocals('rdates', json.rdates, problems)
    const dst = collect(problems, () => readDst(json.dst))
    refuse(problems)
    const trigger = recurrence(rule!, start!, without, besides, zone!, dst!)
    if (everFires(trigger, context.effort)) return trigger
    throw neverFires(
      'rrule',
      'rrule.neverFires',
      `rrule ${quote(json.rrule)} never fires: no time from ${quote(json.dtstart)} on fits all of its parts`,
    )
  },
}

function recurrence(
  rule: RecurrenceRule,
  start: WallMs,
  without: readonly WallMs[],
  besides: readonly WallMs[],
  zone: Zone,
  dst: DstRule,
): Trigger {
  const onWall = (times: WallTimes): Trigger =>
    new WallTrigger(without.length === 0 ? times : new TimesWithout(times, without), zone, dst)
  const times = occurrences(rule, start)
  const members: Trigger[] = []
  if (times !== null) {
    const { until } = rule
    // An UNTIL of UTC is an instant, and only the trigger knows instants.
    members.push(until?.utc === true ? bounded(onWall(times), -Infinity, until.wall) : onWall(times))
  }
  if (besides.length > 0) members.push(onWall(new ListedTimes(besides)))
  return members.length === 1 ? members[0]! : new Union(members)
}

function readLocals(field: string, list: unknown, problems: Problem[]): readonly WallMs[] {
  if (list === undefined) return []
  if (!Array.isArray(list) || list.length > MOST_DATES) {
    problems.push({
      path: field,
      rule: 'rrule.dates',
      message:
        `${field} must be a list of at most ${MOST_DATES} local times, ` +
        `but ${Array.isArray(list) ? `has ${list.length}` : `was ${quote(list)}`}`,
    })
    return []
  }
  return list
    .map((each: unknown, i) => collect(problems, () => readLocal(`${field}[${i}]`, each)))
    .filter((wall) => wall !== null)
}

function readLocal(field: string, value: unknown): WallMs {
  const time = typeof value === 'string' ? readTime(value) : null
  if (time !== null && time.offset === null && time.wall % SECOND_MS === 0) return time.wall
  throw invalid(
    field,
    'time.local',
    `${field} must be a local time in whole seconds, such as "2026-01-30T17:00", with its zone in timezone, ` +
      `but was ${quote(value)}`,
  )
}
