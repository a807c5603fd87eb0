import { codeOf } from '../../../domain/errors.js'
import type { Trigger } from '../../../domain/trigger.js'
import { compileTrigger } from '../../registry.js'
import { cron } from '../index.js'
import type { WrittenCron } from './written-cron.js'

/** `null` for one that is refused because it never fires. */
export function compileCron(written: WrittenCron, timezone: string): Trigger | null {
  const { expression, scheduleId, dayMatch, dst } = written
  const options = { timezone, ...(dayMatch && { dayMatch }), ...(dst && { dst }) }
  try {
    return compileTrigger(cron(expression, options), { scheduleId })
  } catch (error) {
    if (codeOf(error) === 'NEVER_FIRES') return null
    throw error
  }
}
