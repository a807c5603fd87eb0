import { InvalidError, type Problem } from '../../domain/errors.js'
import type { TriggerJson } from '../../domain/trigger.js'
import { readDst, type DstJson } from '../dst.js'
import type { TriggerKind } from '../kind.js'
import { collect, didYouMean, quote, refuse, unknownFields } from '../problems.js'
import { WallTrigger } from '../wall-trigger.js'
import { readZone, UTC } from '../zone.js'
import { CronCalendar } from './calendar.js'
import { matchesAnyDate } from './days.js'
import { parseCron, type CronReading } from './parse.js'

export interface CronJson extends TriggerJson {
  readonly kind: 'cron'
  readonly expression: string
  /** A zone of the IANA database. @default 'UTC' */
  readonly timezone?: string
  /**
   * With day of month and day of week both restricted: whether a date must match either of them or both, which a `+`
   * before the day of week says as well. @default 'or'
   */
  readonly dayMatch?: 'or' | 'and'
  /** `gap` says nothing to an expression that follows real time: it has no fire time that does not exist. */
  readonly dst?: DstJson
}

/**
 * Fires by a cron expression: minute, hour, day of month, month, day of week; or those five with seconds before them; or
 * those six with the year after them; or a macro such as `@daily`.
 *
 * Around changes of the clock, an expression with an open term in minute or hour (`*`, `*` in steps, `0-23`) follows
 * real time, and one that names fixed times fires exactly once for each.
 * @see docs/triggers.md, "Cron"
 */
export function cron(expression: string, options: Omit<CronJson, 'kind' | 'expression'> = {}): CronJson {
  return { kind: 'cron', expression, ...options }
}

export const cronKind: TriggerKind = {
  kind: 'cron',
  compile(json, { scheduleId }) {
    const problems = unknownFields(json, ['kind', 'expression', 'timezone', 'dayMatch', 'dst'])
    const reading = collect(problems, () => parseCron(json.expression, scheduleId))
    const bothDays = readDayMatch(json.dayMatch, reading, problems)
    const zone = json.timezone === undefined ? UTC : collect(problems, () => readZone(json.timezone))
    const wildcard = reading?.fields.wildcard === true
    const dst = collect(problems, () => readDst(json.dst, wildcard ? 'both' : 'first'))
    refuse(problems)
    const fields = bothDays ? { ...reading!.fields, bothDays } : reading!.fields
    if (!matchesAnyDate(fields)) {
      throw new InvalidError('NEVER_FIRES', [
        {
          path: 'expression',
          rule: 'cron.neverFires',
          message: `expression ${quote(json.expression)} never fires: no date matches its day, month and year fields`,
        },
      ])
    }
    return new WallTrigger(new CronCalendar(fields), zone!, wildcard ? { ...dst!, gap: 'skip' } : dst!)
  },
}

function readDayMatch(value: unknown, reading: CronReading | null, problems: Problem[]): boolean {
  if (value === undefined) return false
  if (value !== 'or' && value !== 'and') {
    const hint = typeof value === 'string' ? didYouMean(value, ['or', 'and']) : ''
    problems.push({
      path: 'dayMatch',
      rule: 'cron.dayMatch',
      message: `dayMatch must be "or" or "and", but was ${quote(value)}${hint}`,
    })
  } else if (value === 'or' && reading?.bothDays === true) {
    problems.push({
      path: 'dayMatch',
      rule: 'cron.dayMatch',
      message: 'dayMatch must not be "or" when a "+" before the day of week says "and"',
    })
  }
  return value === 'and'
}
