import { InvalidError } from '../../domain/errors.js'
import type { TriggerJson } from '../../domain/trigger.js'
import type { TriggerKind } from '../kind.js'
import { collect, quote, refuse, unknownFields } from '../problems.js'
import { readZone, UTC } from '../zone.js'
import { CronCalendar, nextCron } from './next.js'
import { everFires, parseCron } from './parse.js'

export interface CronJson extends TriggerJson {
  readonly kind: 'cron'
  readonly expression: string
  /** A zone of the IANA database. @default 'UTC' */
  readonly timezone?: string
}

/**
 * Fires by a cron expression: minute, hour, day of month, month, day of week, or those five with seconds before them,
 * or a macro such as `@daily`. Day of month and day of week are alternatives when neither is `*`.
 *
 * Around changes of the clock, an expression with an open term in minute or hour (`*`, `*` in steps, `0-23`) follows
 * real time, and one that names fixed times fires exactly once for each.
 */
export function cron(expression: string, options: { readonly timezone?: string } = {}): CronJson {
  return { kind: 'cron', expression, ...options }
}

export const cronKind: TriggerKind = {
  kind: 'cron',
  compile(json) {
    const problems = unknownFields(json, ['kind', 'expression', 'timezone'])
    const fields = collect(problems, () => parseCron(json.expression))!
    const zone = json.timezone === undefined ? UTC : collect(problems, () => readZone(json.timezone))!
    refuse(problems)
    if (!everFires(fields)) {
      throw new InvalidError('NEVER_FIRES', [
        {
          path: 'expression',
          rule: 'cron.neverFires',
          message: `expression ${quote(json.expression)} never fires: none of its months has such a day of the month`,
        },
      ])
    }
    const calendar = new CronCalendar(fields)
    return { next: (after) => nextCron(calendar, zone, after) }
  },
}
