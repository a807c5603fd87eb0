import { normaliseDefinition, timingOf } from '../domain/definition.js'
import type { EpochMs } from '../domain/clock.js'
import { closest, InvalidError, type Problem } from '../domain/errors.js'
import { isPlainObject } from '../domain/json.js'
import { withJitter, type Plannable } from '../domain/plan.js'
import type { SchedulePolicy } from '../domain/policies.js'
import type { ScheduleDefinition } from '../domain/schedule.js'
import { isTask } from '../domain/define-task.js'
import { checkInput } from '../domain/check-input.js'
import type { TaskName } from '../domain/ids.js'
import type { Task } from '../domain/task.js'
import { TZDATA } from '../domain/tzdata.js'
import { afterRunMsOf } from '../triggers/after-run.js'
import { calendarNames } from '../triggers/calendar-names.js'
import { intervalMsOf } from '../triggers/interval.js'
import { checkTrigger } from '../triggers/registry.js'
import { plannable } from '../triggers/plannable.js'
import type { CalendarUse, Store, Timing } from '../store/contract.js'
import type { CalendarSource } from './calendar-source.js'

/** A definition that was checked in every way, ready to be written. */
export interface PreparedSchedule {
  readonly definition: ScheduleDefinition
  readonly plannable: Plannable & { readonly policy: SchedulePolicy }
  readonly timing: string
  /** The calendars that the trigger refers to, as it was compiled with them. */
  readonly calendars: CalendarUse | null
  /** So long after the end of its last run it fires; `null` for one that does not wait for runs. */
  readonly afterRunMs: number | null
}

/** @throws {InvalidError} everything that is wrong with the definition itself, at once. */
export function prepare(input: unknown, source: CalendarSource): PreparedSchedule {
  const check = (trigger: unknown): readonly Problem[] => checkTrigger(trigger, source)
  return prepared(normaliseDefinition(withNames(input), check, intervalMsOf), source)
}

/**
 * A definition that was checked when it was written.
 * @throws {InvalidError} INVALID_TRIGGER, NEVER_FIRES: what it refers to has changed since, or this is an older release.
 */
export function prepared(definition: ScheduleDefinition, source: CalendarSource): PreparedSchedule {
  const ready = plannable(definition, source)
  const names = calendarNames(definition.trigger)
  return {
    definition,
    plannable: ready,
    timing: timingOf(definition),
    calendars: names.length === 0 ? null : { names, revision: source.revision },
    afterRunMs: afterRunMsOf(ready.trigger, definition.trigger),
  }
}

/** A fire time of the schedule, with all that the store keeps beside it. `stretchedMs`: as {@link Timing} has it. */
export function timingAt(
  { plannable: schedule, calendars, afterRunMs }: PreparedSchedule,
  fireTime: EpochMs,
  stretchedMs: number | null = null,
): Timing {
  // What waits for a run has no jitter: it would only lengthen the delay.
  const fire = afterRunMs === null ? withJitter(schedule, fireTime) : { fireTime, dueAt: fireTime }
  return { ...fire, stretchedMs, tzdata: TZDATA, calendars, afterRunMs }
}

/** A task stands for its name. */
function withNames(input: unknown): unknown {
  return isPlainObject(input) && isTask(input['task']) ? { ...input, task: input['task'].name } : input
}

/**
 * Where a schedule begins: its first fire time after now. One whose only fire time has just passed begins with that,
 * as long as it is within the misfire grace: the request may simply have taken its time.
 * `fires` is how many of its `maxFires` are used up.
 * @throws {InvalidError} NEVER_FIRES when there is none.
 */
export function firstFire(prepared: PreparedSchedule, now: EpochMs, fires: number): Timing {
  const { definition } = prepared
  const { trigger, policy, maxFires } = prepared.plannable
  if (maxFires !== null && fires >= maxFires) {
    const message = `maxFires is ${maxFires}, but ${definition.id} has fired ${fires} times already; raise it, or delete the schedule first`
    throw new InvalidError('NEVER_FIRES', [{ path: 'maxFires', rule: 'maxFires.neverFires', message }])
  }
  const next = trigger.next(now) ?? trigger.next(now - policy.misfireGraceMs)
  if (next !== null) return timingAt(prepared, next)
  const bounds = definition.end === undefined ? '' : ` before its end, ${definition.end}`
  const message = `trigger has no fire time left${bounds}: ${JSON.stringify(definition.trigger)} would never fire`
  throw new InvalidError('NEVER_FIRES', [{ path: 'trigger', rule: 'trigger.neverFires', message }])
}

export function hasFireLeft(
  { plannable: { trigger, maxFires } }: PreparedSchedule,
  fires: number,
  now: EpochMs,
): boolean {
  return (maxFires === null || fires < maxFires) && trigger.next(now) !== null
}

/**
 * Refuses tasks that neither this process nor any node of the store knows: most likely a slip of the pen.
 * @throws {InvalidError} UNKNOWN_TASK
 */
export async function requireKnownTasks(
  definitions: readonly ScheduleDefinition[],
  tasks: ReadonlyMap<TaskName, Task>,
  store: Store,
): Promise<void> {
  const strangers = definitions.filter(({ task }) => !tasks.has(task))
  if (strangers.length === 0) return
  const nodes = await store.listNodes()
  const known = new Set([...tasks.keys(), ...nodes.flatMap((node) => node.tasks)])
  const unknown = strangers.find(({ task }) => !known.has(task))
  if (unknown === undefined) return
  const guess = closest(unknown.task, known)
  const hint =
    guess === null ? `known are: ${[...known].toSorted().join(', ') || 'none'}` : `did you mean ${guess}?`
  throw new InvalidError('UNKNOWN_TASK', [
    {
      path: 'task',
      rule: 'task.known',
      message: `task ${JSON.stringify(unknown.task)} is not known to any node; ${hint}`,
    },
  ])
}

/** Holds the input against the schema of the task, where this process knows it. @throws {InvalidError} INVALID_INPUT */
export async function requireFittingInput(
  task: TaskName,
  input: unknown,
  tasks: ReadonlyMap<TaskName, Task>,
): Promise<void> {
  const known = tasks.get(task)
  if (known !== undefined) await checkInput(known, input ?? null)
}
