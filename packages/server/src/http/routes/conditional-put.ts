import {
  codeOf,
  EvertickError,
  type PutOptions,
  type Schedule,
  type ScheduleClient,
  type ScheduleInput,
} from '@evertick/core'
import type { Condition } from './revision.js'

type Options = Pick<PutOptions, 'allowUnknownTask' | 'paused'>

/** Others may edit the same schedule; so many times in a row they do not. */
const MAX_RACES = 20

/**
 * Puts a schedule if its condition holds at the moment of writing, whoever else writes.
 * @throws {EvertickError} REVISION_CONFLICT: it does not, and nothing was written.
 */
export async function putIf(
  condition: Condition,
  schedules: ScheduleClient,
  input: ScheduleInput,
  options: Options,
): Promise<Schedule> {
  if (condition === 'any') return schedules.put(input, options)
  if (condition === 'exists') return putExisting(schedules, input, options)
  try {
    const expected = condition === 'absent' ? { ifExists: 'error' as const } : { ifRevision: condition }
    return await schedules.put(input, { ...options, ...expected })
  } catch (error) {
    if (codeOf(error) === 'SCHEDULE_EXISTS')
      throw conflict(`There is a schedule ${input.id} already, and If-None-Match asks for none`, error)
    if (codeOf(error) === 'SCHEDULE_NOT_FOUND') throw absent(input.id, error)
    throw error
  }
}

/** The scheduler compares revisions only, so the one that is there is expected, whichever it is. */
async function putExisting(
  schedules: ScheduleClient,
  input: ScheduleInput,
  options: Options,
): Promise<Schedule> {
  for (let races = 0; ; races++) {
    const existing = await schedules.get(input.id)
    if (existing === null) throw absent(input.id)
    try {
      return await schedules.put(input, { ...options, ifRevision: existing.revision })
    } catch (error) {
      if (codeOf(error) === 'SCHEDULE_NOT_FOUND') throw absent(input.id, error)
      if (codeOf(error) !== 'REVISION_CONFLICT' || races === MAX_RACES) throw error
    }
  }
}

function absent(id: string, cause?: unknown): EvertickError {
  return conflict(
    `There is no schedule ${JSON.stringify(id)} to replace, as If-Match or ifRevision asks`,
    cause,
  )
}

function conflict(message: string, cause: unknown): EvertickError {
  return new EvertickError('REVISION_CONFLICT', message, { cause })
}
