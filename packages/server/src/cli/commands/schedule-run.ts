import { isOpen } from '@evertick/core'
import type { Command } from 'commander'
import type { RunJson } from '../client.js'
import { EXIT } from '../failures.js'
import { pause, untilInterrupted } from '../io.js'
import { readJson } from '../option-values.js'
import { useClient, withTarget, type CliContext, type ClientContext, type ClientFlags } from './context.js'
import { runDetails } from './run-text.js'

interface RunFlags extends ClientFlags {
  readonly input?: string
  readonly wait?: boolean
}

const POLL_MS = 250

/** `evertick schedule run`: one run now, and with `--wait` what became of it. */
export function addScheduleRun(parent: Command, context: CliContext): void {
  withTarget(parent.command('run').argument('<id>'))
    .description('run it once, now, besides its timetable')
    .option('--input <json>', "instead of the schedule's input")
    .option('--wait', 'wait for the outcome; the exit code is 1 when the run does not succeed')
    .action(async (id: string, flags: RunFlags) => {
      const input = flags.input === undefined ? undefined : readJson('--input', flags.input)
      await useClient(context, flags, async (asked) => {
        const run = await asked.client.runSchedule(id, input)
        if (flags.wait) return finishWith(context, asked, await outcomeOf(run, asked))
        return asked.answer(run, `${asked.style.bold(run.id)} is ${asked.style.status(run.status)}\n`)
      })
    })
}

function finishWith(context: CliContext, { answer, io, style }: ClientContext, run: RunJson): void {
  answer(run, runDetails(run, style, io.clock.now()))
  if (isOpen(run.status)) context.exitCode = EXIT.interrupted
  else if (run.status !== 'succeeded') context.exitCode = EXIT.failed
}

/** The run once it has ended, or as it is when the user stops waiting. */
async function outcomeOf(started: RunJson, { client, io }: ClientContext): Promise<RunJson> {
  const { items } = await client.listNodes()
  if (!items.some(({ alive, tasks }) => alive && tasks.includes(started.task)))
    io.stderr.write(`no live node knows the task ${started.task}; the run waits for one (evertick serve)\n`)
  return untilInterrupted(io, async (signal) => {
    let run = await client.getRun(started.id)
    while (isOpen(run.status) && (await pause(io.clock, POLL_MS, signal))) run = await client.getRun(run.id)
    return run
  })
}
