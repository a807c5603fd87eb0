import type { EpochMs, JsonValue, TriggerJson } from '@evertick/core'
import type { PageJson, ScheduleJson } from '../client.js'
import { oneLine } from '../printable.js'
import type { Style } from '../style.js'
import { fieldList, table } from '../table.js'
import { durationMs, durationText, relativeIso, type DurationFields } from '../time-text.js'

/** A trigger in a few words; one of an unknown kind as its JSON. */
function triggerText(trigger: TriggerJson): string {
  const { kind, timezone } = trigger
  const zone = typeof timezone === 'string' ? ` ${timezone}` : ''
  if (kind === 'cron') return oneLine(`${jsonText(trigger['expression'])}${zone}`, 60)
  if (kind === 'once') return oneLine(`once at ${jsonText(trigger['at'])}${zone}`, 60)
  if (kind === 'interval') {
    const length = durationText(durationMs(trigger['every'] as DurationFields))
    return trigger['after'] === undefined ? `every ${length}` : `${length} after each run`
  }
  return oneLine(JSON.stringify(trigger), 60)
}

function jsonText(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A table of schedules, one per line. */
export function scheduleTable(
  page: PageJson<ScheduleJson>,
  style: Style,
  now: EpochMs,
  columns: number | undefined,
): string {
  if (page.items.length === 0) return 'no schedules\n'
  const rows = page.items.map((schedule) => [
    schedule.id,
    schedule.task,
    triggerText(schedule.trigger),
    style.status(schedule.state),
    schedule.state === 'active' ? relativeIso(schedule.nextFireTime, now) + stretchText(schedule) : '-',
    lastRunText(schedule, style, now),
  ])
  return (
    table(['SCHEDULE', 'TASK', 'TRIGGER', 'STATE', 'NEXT', 'LAST RUN'], rows, style, columns) + moreText(page)
  )
}

function stretchText({ stretchedMs }: ScheduleJson): string {
  return stretchedMs === null ? '' : ' (stretched)'
}

/** How to go on after a page, or nothing on the last one. */
export function moreText({ nextCursor }: PageJson<unknown>): string {
  return nextCursor === null ? '' : `there are more: --cursor ${nextCursor}\n`
}

// What a schedule shows first; the rest of its definition follows in the order in which it was stored.
const SHOWN_FIRST = new Set([
  'id',
  'task',
  'trigger',
  'input',
  'state',
  'stateReason',
  'revision',
  'nextFireTime',
  'dueAt',
  'stretchedMs',
  'fires',
  'consecutiveFailures',
  'createdAt',
  'updatedAt',
  'lastRun',
])

/** Everything about one schedule. */
export function scheduleDetails(schedule: ScheduleJson, style: Style, now: EpochMs): string {
  const { state, stateReason, nextFireTime, stretchedMs } = schedule
  const rest = Object.entries(schedule).filter(([name]) => !SHOWN_FIRST.has(name))
  return fieldList(
    [
      ['id', style.bold(schedule.id)],
      ['task', schedule.task],
      ['trigger', triggerText(schedule.trigger)],
      ['state', style.status(state) + (stateReason === null ? '' : `: ${oneLine(stateReason, 200)}`)],
      ['next fire', nextFireTime && `${nextFireTime} (${relativeIso(nextFireTime, now)})`],
      ['stretched', stretchedMs === null ? null : `to every ${durationText(stretchedMs)}, because of load`],
      ['last run', schedule.lastRun && `${lastRunText(schedule, style, now)}, ${schedule.lastRun.id}`],
      ['fires', String(schedule.fires)],
      ['failures', schedule.consecutiveFailures === 0 ? null : `${schedule.consecutiveFailures} in a row`],
      ['input', schedule.input === null ? null : JSON.stringify(schedule.input)],
      ...rest.map(
        ([name, value]) =>
          [name, typeof value === 'string' ? oneLine(value, 200) : JSON.stringify(value)] as const,
      ),
      ['revision', String(schedule.revision)],
      ['updated', `${schedule.updatedAt} (${relativeIso(schedule.updatedAt, now)})`],
    ],
    style,
  )
}

/** What became of a schedule after a change of it. */
export function scheduleLine(schedule: ScheduleJson, style: Style, now: EpochMs): string {
  const next =
    schedule.state === 'active' && schedule.nextFireTime !== null
      ? `, next fire ${relativeIso(schedule.nextFireTime, now)} (${schedule.nextFireTime})`
      : ''
  return `${style.bold(schedule.id)} is ${style.status(schedule.state)}${next}\n`
}

function lastRunText({ lastRun }: ScheduleJson, style: Style, now: EpochMs): string {
  if (lastRun === null) return '-'
  const at = lastRun.endedAt ?? lastRun.startedAt ?? lastRun.fireTime
  return `${style.status(lastRun.status)} ${relativeIso(at, now)}`
}
