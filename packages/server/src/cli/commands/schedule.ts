import { SCHEDULE_STATES, type ScheduleState } from '@evertick/core'
import { Option, type Command } from 'commander'
import { readCount } from '../option-values.js'
import { table } from '../table.js'
import { relativeIso } from '../time-text.js'
import { useClient, withTarget, type CliContext, type ClientFlags } from './context.js'
import { addScheduleAdd } from './schedule-add.js'
import { addScheduleRun } from './schedule-run.js'
import { scheduleDetails, scheduleLine, scheduleTable } from './schedule-text.js'

interface ListFlags extends ClientFlags {
  readonly state?: ScheduleState
  readonly task?: string
  readonly limit: string
  readonly cursor?: string
}

/** `evertick schedule …`. */
export function addScheduleCommands(program: Command, context: CliContext): void {
  const parent = program.command('schedule').alias('schedules').description('see and change schedules')
  addScheduleAdd(parent, context)
  addList(parent, context)

  withTarget(parent.command('show').argument('<id>'))
    .description('show one schedule')
    .action((id: string, flags: ClientFlags) =>
      useClient(context, flags, async ({ client, answer, style, now }) => {
        const schedule = await client.getSchedule(id)
        answer(schedule, scheduleDetails(schedule, style, now))
      }),
    )

  withTarget(parent.command('pause').argument('<id>'))
    .description('create no more runs, until resumed')
    .option('--reason <text>', 'shown wherever the schedule is')
    .action((id: string, flags: ClientFlags & { readonly reason?: string }) =>
      useClient(context, flags, async ({ client, answer, style, now }) => {
        const schedule = await client.pauseSchedule(id, flags.reason)
        answer(schedule, scheduleLine(schedule, style, now))
      }),
    )

  withTarget(parent.command('resume').argument('<id>'))
    .description('go on with the first fire time after now')
    .action((id: string, flags: ClientFlags) =>
      useClient(context, flags, async ({ client, answer, style, now }) => {
        const schedule = await client.resumeSchedule(id)
        answer(schedule, scheduleLine(schedule, style, now))
      }),
    )

  withTarget(parent.command('remove').argument('<id>'))
    .description('delete a schedule; its history stays')
    .action((id: string, flags: ClientFlags) =>
      useClient(context, flags, async ({ client, answer, style }) => {
        await client.removeSchedule(id)
        answer({ id, removed: true }, `${style.bold(id)} is removed\n`)
      }),
    )

  addScheduleRun(parent, context)
  addNext(parent, context)
}

function addList(parent: Command, context: CliContext): void {
  withTarget(parent.command('list'))
    .description('list schedules, by id')
    .addOption(new Option('--state <state>', 'only these').choices(SCHEDULE_STATES))
    .option('--task <name>', 'only those of this task')
    .option('--limit <number>', 'how many at most', '100')
    .option('--cursor <cursor>', 'go on after an earlier list')
    .action((flags: ListFlags) =>
      useClient(context, flags, async ({ client, io, answer, style, now }) => {
        const { state, task, cursor } = flags
        const page = await client.listSchedules({
          limit: readCount('--limit', flags.limit, 1000),
          ...(state === undefined ? {} : { state }),
          ...(task === undefined ? {} : { task }),
          ...(cursor === undefined ? {} : { cursor }),
        })
        answer(page, scheduleTable(page, style, now, io.stdout.columns))
      }),
    )
}

function addNext(parent: Command, context: CliContext): void {
  withTarget(parent.command('next').argument('<id>'))
    .description('show the next fire times of a schedule')
    .option('--count <number>', 'how many', '10')
    .action((id: string, flags: ClientFlags & { readonly count: string }) =>
      useClient(context, flags, async ({ client, answer, style, now }) => {
        const page = await client.upcoming(id, readCount('--count', flags.count, 1000))
        const rows = page.items.map(({ fireTime, wallTime }) => [
          wallTime,
          fireTime,
          relativeIso(fireTime, now),
        ])
        const titles = ['WALL CLOCK', 'UTC', 'WHEN']
        answer(page, rows.length === 0 ? 'no fire time is left\n' : table(titles, rows, style))
      }),
    )
}
