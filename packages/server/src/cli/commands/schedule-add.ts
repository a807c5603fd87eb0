import { CATCH_UPS, OVERLAPS, type PutOptions } from '@evertick/core'
import { Option, type Command } from 'commander'
import { useClient, withTarget, type CliContext, type ClientContext, type ClientFlags } from './context.js'
import { scheduleRequest, type DefinitionFlags } from './schedule-request.js'
import { scheduleLine } from './schedule-text.js'

interface AddFlags extends ClientFlags, DefinitionFlags {
  readonly ifExists?: PutOptions['ifExists']
  readonly paused?: boolean
  readonly allowUnknownTask?: boolean
}

const EXAMPLES = `
Examples:
  $ evertick schedule add report --task report --cron '0 3 * * *' --timezone Europe/Berlin
  $ evertick schedule add ping --http https://example.org/health --every 30s --retry '{"maxAttempts":3}'
  $ evertick schedule add disk --every 1h --command -- df -h /
`

/** `evertick schedule add`: creates or changes a schedule. */
export function addScheduleAdd(parent: Command, context: CliContext): void {
  withTarget(
    parent
      .command('add')
      .argument('<id>')
      .argument('[words...]', 'after --command: a program and its arguments'),
  )
    .description('create a schedule, or change it')
    .addOption(new Option('--task <name>', 'the task to run').conflicts(['http', 'command']))
    .addOption(
      new Option(
        '--http <url>',
        'call this URL: the task http, with --input for the rest of its input',
      ).conflicts('command'),
    )
    .option('--command', 'run the program given after --: the task command')
    .addOption(
      new Option('--cron <expression>', 'five fields, or six with seconds first').conflicts([
        'every',
        'at',
        'trigger',
      ]),
    )
    .addOption(new Option('--every <duration>', 'such as 30s or 1h30m').conflicts(['at', 'trigger']))
    .addOption(new Option('--at <time>', 'once, at this ISO 8601 time').conflicts('trigger'))
    .option('--trigger <json>', 'any trigger, as JSON')
    .option('--timezone <zone>', 'of --cron or --at, such as Europe/Berlin (default: UTC)')
    .addOption(new Option('--input <json>', 'what the task is given').conflicts('inputFile'))
    .option('--input-file <file>', 'the same from a file')
    .addOption(new Option('--overlap <rule>', 'while an earlier run is open').choices(OVERLAPS))
    .addOption(new Option('--catch-up <rule>', 'which misfires still run').choices(CATCH_UPS))
    .option('--retry <json>', '"none", or a rule such as {"maxAttempts":3}; {} for the default rule')
    .option('--timeout <duration>', 'per attempt; "none" for no limit')
    .option('--max-fires <number>', 'finish after so many')
    .option(
      '--adaptive <duration>',
      'under load, spread --every out up to this; "none", or a rule such as {"above":0.5,"maxIntervalMs":60000}',
    )
    .option(
      '--history <parts>',
      'what is kept, such as maxRuns=500,maxAge=30d,maxFailures=100,maxFailureAge=90d,maxSkipped=50',
    )
    .addOption(
      new Option('--if-exists <what>', 'what to do when the id is taken')
        .choices(['replace', 'keep', 'error'])
        .default('replace'),
    )
    .option('--paused', 'nothing fires before it is resumed')
    .option('--file <file>', 'a JSON file with the definition; flags go before it')
    .option('--allow-unknown-task', 'take a task that no node knows yet')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, words: string[], flags: AddFlags) => {
      const request = await scheduleRequest(id, words, flags)
      const put = async ({ client, answer, style, now }: ClientContext): Promise<void> => {
        const schedule = await client.putSchedule(request, {
          ...(flags.ifExists === undefined ? {} : { ifExists: flags.ifExists }),
          ...(flags.allowUnknownTask === undefined ? {} : { allowUnknownTask: flags.allowUnknownTask }),
          ...(flags.paused === undefined ? {} : { paused: flags.paused }),
        })
        answer(schedule, scheduleLine(schedule, style, now))
      }
      await useClient(context, flags, put, { create: true })
    })
}
