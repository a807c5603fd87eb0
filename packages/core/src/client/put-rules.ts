import { timingOf } from '../domain/definition.js'
import { EvertickError } from '../domain/errors.js'
import type { EpochMs } from '../domain/clock.js'
import { canonicalJson } from '../domain/json.js'
import type { Schedule } from '../domain/schedule.js'
import { isOfAnotherRelease } from '../triggers/another-release.js'
import type { PutSchedule } from '../store/contract.js'
import type { CalendarSource } from './calendar-source.js'
import { firstFire, hasFireLeft, prepared, timingAt, type PreparedSchedule } from './prepare.js'
import { notFound, revisionConflict } from './schedule-errors.js'
import type { PutOptions } from './types.js'

/** The rule of `put`: what to write over what is there, or `null` to leave that as it is. */
export function put(
  prepared: PreparedSchedule,
  existing: Schedule | null,
  now: EpochMs,
  { ifExists = 'replace', ifRevision, paused = false }: PutOptions,
): PutSchedule | null {
  const { definition } = prepared
  if (existing === null) {
    if (ifRevision !== undefined) throw notFound(definition.id)
    const timing = firstFire(prepared, now, 0)
    return { definition, state: paused ? 'paused' : 'active', stateReason: null, expect: 'absent', timing }
  }
  if (ifExists === 'error') {
    throw new EvertickError('SCHEDULE_EXISTS', `There is a schedule ${definition.id} already`)
  }
  if (ifRevision !== undefined && existing.revision !== ifRevision) {
    throw revisionConflict(definition.id, existing.revision, ifRevision)
  }
  return ifExists === 'keep' ? null : replacement(prepared, existing, now, paused)
}

function replacement(
  prepared: PreparedSchedule,
  existing: Schedule,
  now: EpochMs,
  pause: boolean,
): PutSchedule | null {
  const { definition } = prepared
  const expect = existing.revision
  const sameTiming = prepared.timing === timingOf(existing.definition)
  const unchanged = sameTiming && canonicalJson(existing.definition) === canonicalJson(definition)
  const pausing = pause && existing.state === 'active'
  // Put again, a broken schedule is computed anew: what it lacked may be there now.
  if (unchanged && !pausing && existing.state !== 'broken') return null
  const paused = pause || existing.state === 'paused'
  const state = paused ? 'paused' : 'active'
  const stateReason = paused ? existing.stateReason : null
  if (sameTiming && (existing.state === 'active' || existing.state === 'paused')) {
    return { definition, state, stateReason, expect, timing: 'keep' }
  }
  if (sameTiming && existing.state === 'finished' && !hasFireLeft(prepared, existing.fires, now)) {
    // Nothing left to fire, and nothing about that was changed: only its words or policies were.
    return { definition, state: 'finished', stateReason: existing.stateReason, expect, timing: null }
  }
  return { definition, state, stateReason, expect, timing: firstFire(prepared, now, existing.fires) }
}

/**
 * The rule of what follows a change of a calendar: the next fire time anew from now; one that load has spread out stays,
 * or moves to the first that is left after it. One that is due already is left to the engine, which looks at the calendars
 * again. A schedule that cannot be computed any more becomes broken, and one
 * that was broken and can be goes on.
 */
export function retimed(existing: Schedule, source: CalendarSource, now: EpochMs): PutSchedule | null {
  const { definition, state, stateReason, nextFireTime, fires, revision } = existing
  let item: PreparedSchedule
  try {
    item = prepared(definition, source)
  } catch (error) {
    if (state !== 'active' || isOfAnotherRelease(error)) return null
    const reason = error instanceof EvertickError ? `${error.code}: ${error.message}` : String(error)
    return { definition, state: 'broken', stateReason: reason, expect: revision, timing: 'keep' }
  }
  const goesOn = (state === 'finished' || state === 'broken') && hasFireLeft(item, fires, now)
  if (state === 'finished' && !goesOn) return null
  if (!goesOn) {
    if (nextFireTime !== null && nextFireTime <= now) return null
    // The delay after a run counts from its end, and the engine looks at the dates when it is over.
    if (item.afterRunMs !== null) return null
  }
  const stretchedMs = goesOn ? null : existing.stretchedMs
  const from = stretchedMs === null || nextFireTime === null ? now : nextFireTime - 1
  const next = item.plannable.trigger.next(from)
  if (next === nextFireTime && !goesOn) return null
  const timing = next === null ? null : timingAt(item, next, stretchedMs)
  const to = next === null ? 'finished' : goesOn ? 'active' : state
  return { definition, state: to, stateReason: goesOn ? null : stateReason, expect: revision, timing }
}
