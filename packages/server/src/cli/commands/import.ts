import { readFile } from 'node:fs/promises'
import { compileTrigger } from '@evertick/core'
import type { Command } from 'commander'
import { parseCrontab, type CrontabJob, type CrontabRefusal } from '../../crontab/parse.js'
import { crontabSchedules, type CrontabSchedule } from '../../crontab/schedules.js'
import { EXIT, isRefusal, UsageError } from '../failures.js'
import type { CliIo } from '../io.js'
import { oneLine } from '../printable.js'
import { styleFor, type Style } from '../style.js'
import { table } from '../table.js'
import { addImportAction } from './import-export.js'
import { useClient, withTarget, type CliContext, type ClientContext, type ClientFlags } from './context.js'

interface CrontabFlags extends ClientFlags {
  readonly dryRun?: boolean
  readonly prefix: string
  readonly timezone?: string
  readonly system?: boolean
}

interface Imported {
  readonly line: number
  readonly schedule: CrontabSchedule
  /** `null` in a dry run. */
  readonly nextFireTime: string | null
}

interface Outcome {
  readonly imported: readonly Imported[]
  readonly refused: readonly CrontabRefusal[]
}

const LONGEST_COMMAND = 200
const LONGEST_REASON = 400

const NOTES = `
Each line becomes a schedule of the task command, with the command line handed to /bin/sh -c (or to the SHELL that the
crontab sets). As with cron, commands have no time limit, may overlap, and are not made up for after a downtime. They run
as the user of the node, whatever the system format says. Importing again replaces what was imported before.
`

/** `evertick import` takes in an export; `evertick import crontab` turns the lines of a crontab into schedules. */
export function addImportCommands(program: Command, context: CliContext): void {
  const parent = program.command('import').description('take in an export, or schedules of other programs')
  addImportAction(parent, context)
  withTarget(parent.command('crontab').argument('<file>', 'such as the output of crontab -l'))
    .description('turn the lines of a crontab into schedules')
    .option('--dry-run', 'show what would be written, and ask nobody')
    .option('--prefix <prefix>', 'begins the ids of the schedules', 'cron-')
    .option(
      '--timezone <zone>',
      'of lines above which there is no CRON_TZ or TZ (default: that of this machine)',
    )
    .option('--system', 'the format of /etc/crontab and /etc/cron.d, with a user before the command')
    .addHelpText('after', NOTES)
    .action((file: string, flags: CrontabFlags) => importCrontab(file, flags, context))
}

async function importCrontab(file: string, flags: CrontabFlags, context: CliContext): Promise<void> {
  const { jobs, refusals } = parseCrontab(await readCrontab(file), flags.system === true ? 'system' : 'user')
  const timezone = flags.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  const schedules = crontabSchedules(jobs, { prefix: flags.prefix, timezone })
  if (flags.dryRun === true) {
    const outcome = await importAll(jobs, schedules, refusals, (schedule) => {
      compileTrigger(schedule.trigger)
      return Promise.resolve(null)
    })
    report(outcome, 'would be written', flags, context)
    return
  }
  const write = async ({ client }: ClientContext): Promise<void> => {
    const outcome = await importAll(jobs, schedules, refusals, async (schedule) => {
      const { nextFireTime } = await client.putSchedule({ ...schedule }, { ifExists: 'replace' })
      return nextFireTime
    })
    report(outcome, 'written', flags, context)
  }
  await useClient(context, flags, write, { create: true })
}

/** One by one, so that a line which is refused does not keep the others out. */
async function importAll(
  jobs: readonly CrontabJob[],
  schedules: readonly CrontabSchedule[],
  unreadable: readonly CrontabRefusal[],
  write: (schedule: CrontabSchedule) => Promise<string | null>,
): Promise<Outcome> {
  const imported: Imported[] = []
  const refused = [...unreadable]
  for (const [index, schedule] of schedules.entries()) {
    const { line, expression, command } = jobs[index]!
    try {
      imported.push({ line, schedule, nextFireTime: await write(schedule) })
    } catch (error) {
      if (!isRefusal(error)) throw error
      refused.push({ line, text: `${expression} ${command}`, reason: error.message })
    }
  }
  return { imported, refused: refused.toSorted((a, b) => a.line - b.line) }
}

function report(outcome: Outcome, verb: string, flags: CrontabFlags, context: CliContext): void {
  const { io } = context
  const style = styleFor(io.stdout, io.env)
  io.stdout.write(flags.json === true ? `${JSON.stringify(outcome)}\n` : inWords(outcome, verb, style, io))
  if (outcome.refused.length > 0) context.exitCode = EXIT.failed
}

function inWords({ imported, refused }: Outcome, verb: string, style: Style, { stdout }: CliIo): string {
  const rows = imported.map(({ line, schedule, nextFireTime }) => [
    String(line),
    schedule.id,
    `${schedule.trigger.expression} ${schedule.trigger.timezone}`,
    nextFireTime ?? '-',
    oneLine(schedule.input.args[1]!, LONGEST_COMMAND),
  ])
  const titles = ['LINE', 'SCHEDULE', 'TIME', 'NEXT', 'COMMAND']
  const done = rows.length === 0 ? '' : table(titles, rows, style, stdout.columns)
  const complaints = refused.map(
    ({ line, text, reason }) =>
      `${style.bad('refused')} line ${line}: ${oneLine(reason, LONGEST_REASON)}\n        ${oneLine(text, LONGEST_COMMAND)}\n`,
  )
  const count = imported.length === 1 ? '1 schedule' : `${imported.length} schedules`
  return `${done}${complaints.join('')}${count} ${verb}, ${refused.length} refused\n`
}

async function readCrontab(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`<file> cannot be read: ${(error as Error).message}`)
  }
}
