import type { TriggerJson } from '@evertick/core'

/** The parts of a trigger that fire by a wall clock, whatever they are combined in. */
export function wallClockParts(trigger: TriggerJson): (TriggerJson & { readonly timezone: string })[] {
  const members = trigger['triggers']
  if (Array.isArray(members)) {
    return members.flatMap((member) => (isTrigger(member) ? wallClockParts(member) : []))
  }
  return hasZone(trigger) ? [trigger] : []
}

/** The zone in which to show the times of a trigger: its own, else that of its first part that has one, else UTC. */
export function shownZone(trigger: TriggerJson): string {
  if (hasZone(trigger)) return trigger.timezone
  return wallClockParts(trigger)[0]?.timezone ?? 'UTC'
}

function hasZone(trigger: TriggerJson): trigger is TriggerJson & { readonly timezone: string } {
  return typeof trigger['timezone'] === 'string'
}

function isTrigger(value: unknown): value is TriggerJson {
  return typeof value === 'object' && value !== null && 'kind' in value
}
