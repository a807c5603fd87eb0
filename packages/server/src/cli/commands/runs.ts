import { RUN_STATUSES } from '@evertick/core'
import type { Command } from 'commander'
import type { Client, LogPageJson, RunFilter, RunJson } from '../client.js'
import { readChoices, readCount } from '../option-values.js'
import { printable } from '../printable.js'
import type { Style } from '../style.js'
import { useClient, withTarget, type CliContext, type ClientFlags } from './context.js'
import { runDetails, runTable } from './run-text.js'
import { followRuns } from './runs-follow.js'

interface RunsFlags extends ClientFlags {
  readonly schedule?: string
  readonly task?: string
  readonly status?: string
  readonly limit: string
  readonly cursor?: string
  readonly follow?: boolean
}

/** `evertick runs …`. */
export function addRunCommands(program: Command, context: CliContext): void {
  const parent = withTarget(program.command('runs'))
    .description('list runs, newest first; or see and change one')
    .option('--schedule <id>', 'only those of this schedule')
    .option('--task <name>', 'only those of this task')
    .option('--status <statuses>', `only these, parted by commas: ${RUN_STATUSES.join(', ')}`)
    .option('--limit <number>', 'how many at most', '20')
    .option('--cursor <cursor>', 'go on after an earlier list')
    .option('--follow', 'go on with new and changed runs until Ctrl-C; with --json one object per line')
    .action((flags: RunsFlags) =>
      useClient(context, flags, async (asked) => {
        const filter = filterOf(flags)
        if (flags.follow) return followRuns(asked, filter)
        const { client, io, answer, style, now } = asked
        const page = await client.listRuns(filter)
        return answer(page, runTable(page, style, now, io.stdout.columns))
      }),
    )

  withTarget(parent.command('show').argument('<id>'))
    .description('show one run')
    .action((id: string, flags: ClientFlags) => showRun(flags, (client) => client.getRun(id)))

  withTarget(parent.command('cancel').argument('<id>'))
    .description('cancel a run: at once while it waits, by request while it runs')
    .action((id: string, flags: ClientFlags) => showRun(flags, (client) => client.cancelRun(id)))

  withTarget(parent.command('retry').argument('<id>'))
    .description('give a run that ended without success one more attempt')
    .action((id: string, flags: ClientFlags) => showRun(flags, (client) => client.retryRun(id)))

  withTarget(parent.command('log').argument('<id>'))
    .description('print what a run wrote')
    .action((id: string, flags: ClientFlags) =>
      useClient(context, flags, async ({ client, answer, style }) => {
        const page = await wholeLog(client, id)
        answer(page, page.lines.map((line) => logLine(line, style)).join(''))
      }),
    )

  function showRun(flags: ClientFlags, ask: (client: Client) => Promise<RunJson>): Promise<void> {
    return useClient(context, flags, async ({ client, answer, style, now }) => {
      const run = await ask(client)
      answer(run, runDetails(run, style, now))
    })
  }
}

function filterOf({ schedule, task, status, limit, cursor }: RunsFlags): RunFilter {
  return {
    limit: readCount('--limit', limit, 1000),
    ...(schedule === undefined ? {} : { scheduleId: schedule }),
    ...(task === undefined ? {} : { task }),
    ...(status === undefined ? {} : { status: readChoices('--status', status, RUN_STATUSES) }),
    ...(cursor === undefined ? {} : { cursor }),
  }
}

async function wholeLog(client: Client, id: string): Promise<LogPageJson> {
  let page = await client.readLog(id, 0)
  const lines = [...page.lines]
  while (page.lines.length > 0) {
    page = await client.readLog(id, page.position)
    lines.push(...page.lines)
  }
  return { lines, position: page.position }
}

function logLine({ at, level, message }: LogPageJson['lines'][number], style: Style): string {
  const name = level.padEnd(5)
  const paint = level === 'error' ? style.bad : level === 'warn' ? style.warn : style.dim
  return `${style.dim(at.slice(11, 23))} ${paint(name)} ${printable(message)}\n`
}
