import { calendarNames, EXPLAIN_LOCALES, type ExplainLocale, type TriggerJson } from '@evertick/core'
import { Option, type Command } from 'commander'
import { preview } from '../../preview/preview.js'
import type { PreviewJson } from '../client.js'
import { UsageError } from '../failures.js'
import { readCount, readInstant, readJson } from '../option-values.js'
import { styleFor, type Style } from '../style.js'
import { table } from '../table.js'
import { relativeIso } from '../time-text.js'
import { useClient, withTarget, type CliContext, type ClientFlags } from './context.js'

interface PreviewFlags extends ClientFlags {
  readonly from?: string
  readonly count: string
  readonly timezone?: string
  readonly locale: ExplainLocale
}

/** `evertick preview`: what a trigger means, and when it would fire. It asks nobody but for named calendars. */
export function addPreviewCommand(program: Command, context: CliContext): void {
  const { io } = context
  withTarget(program.command('preview').argument('<trigger>', 'a cron expression, or a trigger as JSON'))
    .description(
      'show what a trigger means and when it would fire; without a server unless it names a calendar',
    )
    .option('--from <time>', 'strictly after this ISO 8601 time (default: now)')
    .option('--count <number>', 'how many', '10')
    .option('--timezone <zone>', 'of a trigger that names none, such as Europe/Berlin (default: UTC)')
    .addOption(
      new Option('--locale <locale>', 'the language of the words').choices(EXPLAIN_LOCALES).default('en'),
    )
    .action(async (text: string, flags: PreviewFlags) => {
      const trigger = triggerOf(text, flags.timezone)
      const { locale } = flags
      const now = io.clock.now()
      const from = flags.from === undefined ? now : readInstant('--from', flags.from)
      const count = readCount('--count', flags.count, 1000)
      const told = (answer: PreviewJson): void => {
        if (flags.json === true) io.stdout.write(`${JSON.stringify(answer)}\n`)
        else io.stdout.write(inWords(answer, styleFor(io.stdout, io.env), now))
      }
      if (calendarNames(trigger).length === 0) {
        const { timezone } = flags
        const shown = timezone === undefined || trigger['timezone'] !== undefined ? {} : { timezone }
        told(preview(trigger, { after: from, count, locale, ...shown }))
      } else {
        await useClient(context, flags, async ({ client }) =>
          told(await client.preview({ trigger, from, count, locale })),
        )
      }
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

/** More often than this, people should know it: a slip in a field of seconds fires a thousand times too often. */
const DENSE_MS = 1000

function inWords(
  { explanation, densestGapMs, fires, warnings }: PreviewJson,
  style: Style,
  now: number,
): string {
  const told = warnings.map(({ message }) => `${style.warn('warning')} ${message}\n`).join('')
  const dense =
    densestGapMs !== null && densestGapMs < DENSE_MS
      ? `${style.warn('warning')} it fires as often as every ${densestGapMs} ms\n`
      : ''
  return `${style.bold(explanation)}\n${firesText(fires, style, now)}${dense}${told}`
}

function firesText(fires: PreviewJson['fires'], style: Style, now: number): string {
  if (fires.length === 0) return 'it never fires after that\n'
  const rows = fires.map(({ wallTime, fireTime, clockChange }) => {
    const mark =
      clockChange === undefined ? '' : style.warn(`clocks change: ${clockChange.from} to ${clockChange.to}`)
    return [wallTime, fireTime, relativeIso(fireTime, now), mark]
  })
  return table(['WALL CLOCK', 'UTC', 'WHEN', ''], rows, style)
}
