import { EvertickError } from '../domain/errors.js'
import { shown } from '../domain/field-checks.js'
import type { ScheduleId } from '../domain/ids.js'
import type { Schedule } from '../domain/schedule.js'

export function notFound(id: ScheduleId): EvertickError {
  return new EvertickError('SCHEDULE_NOT_FOUND', `There is no schedule ${shown(id)}`)
}

export function revisionConflict(id: ScheduleId, is: number, expected: number): EvertickError {
  return new EvertickError(
    'REVISION_CONFLICT',
    `Schedule ${id} has revision ${is}, not ${expected}: read it again`,
  )
}

export function illegal({ id, state }: Schedule, verb: string): EvertickError {
  return new EvertickError('ILLEGAL_STATE', `Schedule ${id} is ${state} and cannot be ${verb}`)
}

export function tooManyRaces(id: ScheduleId): EvertickError {
  return new EvertickError(
    'REVISION_CONFLICT',
    `Schedule ${id} is being changed by others all the time; try again`,
  )
}
