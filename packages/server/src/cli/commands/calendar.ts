import type { Command } from 'commander'
import type { CalendarJson } from '../client.js'
import { UsageError } from '../failures.js'
import { readCount, readJsonFile } from '../option-values.js'
import { oneLine } from '../printable.js'
import type { Style } from '../style.js'
import { fieldList, table } from '../table.js'
import { relativeIso } from '../time-text.js'
import { useClient, withTarget, type CliContext, type ClientContext, type ClientFlags } from './context.js'
import { moreText } from './schedule-text.js'

interface ListFlags extends ClientFlags {
  readonly limit: string
  readonly cursor?: string
}

interface PutFlags extends ClientFlags {
  readonly dates?: string
  readonly weekdays?: string
  readonly yearly?: string
  readonly description?: string
  readonly file?: string
}

const EXAMPLES = `
Examples:
  $ evertick calendar put weekend --weekdays SAT,SUN
  $ evertick calendar put holidays --yearly 01-01,12-25 --dates 2026-04-03
  $ evertick calendar put holidays --file holidays.json
`

/** `evertick calendar …`: days that schedules share by name. */
export function addCalendarCommands(program: Command, context: CliContext): void {
  const parent = program.command('calendar').description('days that schedules share by name')
  addList(parent, context)

  withTarget(parent.command('show').argument('<name>'))
    .description('show a calendar')
    .action((name: string, flags: ClientFlags) =>
      useClient(context, flags, async ({ client, answer, style, now }) => {
        const calendar = await client.getCalendar(name)
        const { revision, createdAt: _created, updatedAt, ...definition } = calendar
        const fields = Object.entries(definition).map(
          ([field, value]) =>
            [field, typeof value === 'string' ? oneLine(value, 200) : listed(value)] as const,
        )
        const updated = `${updatedAt} (${relativeIso(updatedAt, now)})`
        answer(calendar, fieldList([...fields, ['revision', String(revision)], ['updated', updated]], style))
      }),
    )

  addPut(parent, context)

  withTarget(parent.command('remove').argument('<name>'))
    .description('delete a calendar that no schedule refers to')
    .action((name: string, flags: ClientFlags) =>
      useClient(context, flags, async ({ client, answer, style }) => {
        await client.removeCalendar(name)
        answer({ name, removed: true }, `${style.bold(name)} is removed\n`)
      }),
    )
}

function addList(parent: Command, context: CliContext): void {
  withTarget(parent.command('list'))
    .description('list calendars, by name')
    .option('--limit <number>', 'how many at most', '100')
    .option('--cursor <cursor>', 'go on after an earlier list')
    .action((flags: ListFlags) =>
      useClient(context, flags, async ({ client, io, answer, style, now }) => {
        const page = await client.listCalendars({
          limit: readCount('--limit', flags.limit, 1000),
          ...(flags.cursor === undefined ? {} : { cursor: flags.cursor }),
        })
        const rows = page.items.map((one) => [one.name, daysOf(one), relativeIso(one.updatedAt, now)])
        const titles = ['CALENDAR', 'DAYS', 'UPDATED']
        const text = rows.length === 0 ? 'no calendars\n' : table(titles, rows, style, io.stdout.columns)
        answer(page, text + moreText(page))
      }),
    )
}

function addPut(parent: Command, context: CliContext): void {
  withTarget(parent.command('put').argument('<name>'))
    .description('create a calendar, or replace it')
    .option('--dates <dates>', 'single dates, such as 2026-12-25,2026-12-26')
    .option('--weekdays <days>', 'of every week, such as SAT,SUN')
    .option('--yearly <days>', 'of every year, such as 12-25,01-01')
    .option('--description <text>', 'what it is for')
    .option('--file <file>', 'a JSON file with the definition; flags go before it')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, flags: PutFlags) => {
      const definition = await definitionOf(name, flags)
      const put = async ({ client, answer, style }: ClientContext): Promise<void> => {
        const calendar = await client.putCalendar(definition)
        answer(calendar, putLine(calendar, style))
      }
      await useClient(context, flags, put, { create: true })
    })
}

/** Only what the flags themselves mean is checked here; the rules of a calendar are with whoever receives it. */
async function definitionOf(
  name: string,
  flags: PutFlags,
): Promise<{ readonly name: string; readonly [field: string]: unknown }> {
  const base = flags.file === undefined ? {} : await readJsonFile('--file', flags.file)
  if (typeof base !== 'object' || base === null || Array.isArray(base))
    throw new UsageError(`--file ${flags.file} must hold one JSON object`)
  const given = (base as { name?: unknown }).name
  if (given !== undefined && given !== name)
    throw new UsageError(
      `--file ${flags.file} has the name ${JSON.stringify(given)}, but the command says ${name}`,
    )
  return {
    ...base,
    name,
    ...(flags.dates === undefined ? {} : { dates: words(flags.dates) }),
    ...(flags.weekdays === undefined ? {} : { weekdays: words(flags.weekdays) }),
    ...(flags.yearly === undefined ? {} : { yearly: words(flags.yearly) }),
    ...(flags.description === undefined ? {} : { description: flags.description }),
  }
}

function words(list: string): string[] {
  return list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

function putLine(calendar: CalendarJson, style: Style): string {
  return `${style.bold(calendar.name)} has ${daysOf(calendar)}\n`
}

function daysOf({ dates = [], weekdays = [], ranges = [], yearly = [] }: CalendarJson): string {
  const parts = [
    weekdays.join(', '),
    counted(yearly.length, 'day of every year', 'days of every year'),
    counted(dates.length, 'date', 'dates'),
    counted(ranges.length, 'range', 'ranges'),
  ].filter((part) => part !== '')
  return parts.length === 0 ? 'no days' : parts.join(', ')
}

function counted(count: number, one: string, many: string): string {
  return count === 0 ? '' : `${count} ${count === 1 ? one : many}`
}

function listed(value: unknown): string {
  if (!Array.isArray(value)) return JSON.stringify(value)
  return value
    .map((item) =>
      typeof item === 'string'
        ? item
        : `${(item as { from: string }).from} to ${(item as { to: string }).to}`,
    )
    .join(', ')
}
