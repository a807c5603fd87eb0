import { compileTrigger, type EpochMs, fires, type TriggerJson } from '@evertick/core'
import type { Command } from 'commander'
import { presentFires } from '../../http/present.js'
import type { FireJson } from '../client.js'
import { UsageError } from '../failures.js'
import { readCount, readInstant, readJson } from '../option-values.js'
import { styleFor, type Style } from '../style.js'
import { table } from '../table.js'
import { relativeIso } from '../time-text.js'
import { withJson, type CliContext } from './context.js'

interface PreviewFlags {
  readonly from?: string
  readonly count: string
  readonly timezone?: string
  readonly json?: boolean
}

/** `evertick preview`: when a trigger would fire. It asks nobody. */
export function addPreviewCommand(program: Command, { io }: CliContext): void {
  withJson(program.command('preview').argument('<trigger>', 'a cron expression, or a trigger as JSON'))
    .description('show when a trigger would fire, without a server')
    .option('--from <time>', 'strictly after this ISO 8601 time (default: now)')
    .option('--count <number>', 'how many', '10')
    .option('--timezone <zone>', 'of a trigger that names none, such as Europe/Berlin (default: UTC)')
    .action((text: string, flags: PreviewFlags) => {
      const trigger = triggerOf(text, flags.timezone)
      const now = io.clock.now()
      const after = flags.from === undefined ? now : readInstant('--from', flags.from)
      const count = readCount('--count', flags.count, 1000)
      const shown = zoned(trigger, flags.timezone)
      const list = presentFires(fires(compileTrigger(trigger), { after, count }), shown)
      if (flags.json) io.stdout.write(`${JSON.stringify({ fires: list })}\n`)
      else io.stdout.write(inWords(list, styleFor(io.stdout, io.env), now))
    })
}

function triggerOf(text: string, timezone: string | undefined): TriggerJson {
  const zone = timezone === undefined ? {} : { timezone }
  if (!text.trimStart().startsWith('{')) return { kind: 'cron', expression: text, ...zone }
  const trigger = readJson('<trigger>', text) as TriggerJson
  if (timezone === undefined || trigger.kind !== 'cron') return trigger
  if (trigger['timezone'] !== undefined)
    throw new UsageError('--timezone cannot be given: the trigger names a timezone itself')
  return { ...trigger, timezone }
}

/** With the zone to show its times in; an interval has none of its own. */
function zoned(trigger: TriggerJson, timezone: string | undefined): TriggerJson {
  return timezone === undefined || trigger['timezone'] !== undefined ? trigger : { ...trigger, timezone }
}

function inWords(list: readonly FireJson[], style: Style, now: EpochMs): string {
  if (list.length === 0) return 'it never fires after that\n'
  const rows = list.map(({ fireTime, wallTime }, index) => {
    const offset = offsetOf(wallTime)
    const before = index === 0 ? offset : offsetOf(list[index - 1]!.wallTime)
    const mark = offset === before ? '' : style.warn(`clocks change: ${before} to ${offset}`)
    return [wallTime, fireTime, relativeIso(fireTime, now), mark]
  })
  return table(['WALL CLOCK', 'UTC', 'WHEN', ''], rows, style)
}

/** `+02:00` of `2026-03-29T03:30:00+02:00`. */
function offsetOf(wallTime: string): string {
  return /(?:Z|[+-][\d:]+)$/.exec(wallTime)?.[0] ?? ''
}
