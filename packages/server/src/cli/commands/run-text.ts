import type { EpochMs } from '@evertick/core'
import type { PageJson, RunJson } from '../client.js'
import { oneLine, printable } from '../printable.js'
import type { Style } from '../style.js'
import { fieldList, table } from '../table.js'
import { durationText, relativeIso } from '../time-text.js'
import { moreText } from './schedule-text.js'

/** A table of runs, one per line. */
export function runTable(
  page: PageJson<RunJson>,
  style: Style,
  now: EpochMs,
  columns: number | undefined,
): string {
  if (page.items.length === 0) return 'no runs\n'
  const rows = page.items.map((run) => [
    run.id,
    run.task,
    style.status(run.status),
    String(run.attempt),
    relativeIso(run.startedAt ?? run.fireTime, now),
    tookText(run, now),
    noteOf(run),
  ])
  return (
    table(['RUN', 'TASK', 'STATUS', 'ATTEMPT', 'WHEN', 'TOOK', 'NOTE'], rows, style, columns) + moreText(page)
  )
}

/** Everything about one run. */
export function runDetails(run: RunJson, style: Style, now: EpochMs): string {
  const at = (iso: string | null): string | null => iso && `${iso} (${relativeIso(iso, now)})`
  const { error, missed, progress } = run
  return fieldList(
    [
      ['id', style.bold(run.id)],
      ['schedule', run.scheduleId],
      ['task', run.task],
      ['status', style.status(run.status) + (run.cancelRequested ? ', cancellation requested' : '')],
      ['kind', run.kind],
      ['fire time', at(run.fireTime)],
      ['stretched', stretchText(run)],
      ['due', run.status === 'pending' || run.status === 'retrying' ? at(run.dueAt) : null],
      ['started', at(run.startedAt)],
      ['ended', at(run.endedAt)],
      ['took', run.startedAt && tookText(run, now)],
      ['attempt', String(run.attempt)],
      ['node', run.node],
      [
        'progress',
        progress && [percent(progress.fraction), printable(progress.message ?? '')].join(' ').trim(),
      ],
      [
        'missed',
        missed && `${missed.exact ? '' : 'at least '}${missed.count} from ${missed.from} to ${missed.to}`,
      ],
      ['error', error && style.bad(`${error.code}: ${printable(error.message)}`)],
      ['input', run.input === null ? null : JSON.stringify(run.input)],
      ['result', run.result === null ? null : printable(JSON.stringify(run.result, null, 2))],
      ...run.attempts.map(
        (past) =>
          [
            `attempt ${past.attempt}`,
            `${past.error.code}: ${oneLine(past.error.message, 200)} (${relativeIso(past.endedAt, now)})`,
          ] as const,
      ),
    ],
    style,
  )
}

function stretchText({ stretchedMs }: RunJson): string | null {
  return stretchedMs === null ? null : `to ${durationText(stretchedMs)} after the one before, because of load`
}

/** One run as a line of a growing list, with the time of what it tells. */
export function runLine(run: RunJson, style: Style, now: EpochMs): string {
  const at = run.endedAt ?? run.startedAt ?? run.fireTime
  const parts = [
    style.dim(at.slice(11, 23)),
    style.status(run.status) + ' '.repeat(Math.max(0, 9 - run.status.length)),
    run.id,
    run.attempt > 1 ? `attempt ${run.attempt}` : '',
    run.endedAt !== null && run.startedAt !== null ? tookText(run, now) : '',
    oneLine(noteOf(run), 120),
  ]
  return `${parts.filter((part) => part !== '').join('  ')}\n`
}

/** How long the latest attempt took, or has been going on. */
function tookText({ startedAt, endedAt, status }: RunJson, now: EpochMs): string {
  if (startedAt === null || (endedAt === null && status !== 'running')) return '-'
  return durationText(Math.max(0, (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt)))
}

function noteOf({ error, missed, progress, result, status }: RunJson): string {
  if (missed !== null) return `${missed.exact ? '' : 'at least '}${missed.count} fire times`
  if (error !== null) return oneLine(`${error.code}: ${error.message}`, 200)
  if (status === 'running' && progress !== null)
    return oneLine(`${percent(progress.fraction)} ${progress.message ?? ''}`, 200)
  return result === null ? '' : oneLine(JSON.stringify(result), 80)
}

function percent(fraction: number | null): string {
  return fraction === null ? '' : `${Math.round(fraction * 100)} %`
}
