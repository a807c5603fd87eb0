import { copyStore } from '@evertick/core'
import type { Command } from 'commander'
import { UsageError } from '../failures.js'
import type { CliContext } from './context.js'
import { carryOut, useStore, withMoveFlags, type MoveFlags } from './moving.js'

interface CopyFlags extends MoveFlags {
  readonly from: string
  readonly to: string
  readonly history?: boolean
}

const NOTES = `
Nothing is repeated and nothing skipped if the source is at rest: stop its nodes, copy, start them on the target. To be
without them for seconds only, copy while they run, stop them, and copy once more: that brings what has changed. The same
command goes on where an interrupted one stopped.

Examples:
  $ evertick copy --from sqlite:evertick.db --to redis://redis.example:6379
  $ evertick copy --from redis://redis.example:6379 --to postgres://db.example/evertick --history
`

/** `evertick copy`: everything from one store into another. */
export function addCopyCommand(program: Command, context: CliContext): void {
  const command = program
    .command('copy')
    .description('copy everything from one store into another, and verify it')
    .requiredOption('--from <url>', 'the store to read')
    .requiredOption('--to <url>', 'the store to write; it is made where there is none')
    .option('--history', 'runs that have ended too, with their logs')
  withMoveFlags(command)
    .addHelpText('after', NOTES)
    .action((flags: CopyFlags) => copy(flags, context))
}

async function copy(flags: CopyFlags, context: CliContext): Promise<void> {
  const { io } = context
  await useStore(flags.from, io, { create: false }, (from) =>
    useStore(flags.to, io, { create: true }, async (to) => {
      if (from.info.location === to.info.location && from.info.shared)
        throw new UsageError('--from and --to name the same store')
      const { schedules } = await from.stats()
      const total = Object.values(schedules).reduce((sum, count) => sum + count, 0)
      const done = `Copied from ${from.info.location} to ${to.info.location}`
      const texts = { json: flags.json === true, total, done, again: 'the same command' }
      await carryOut(context, texts, (control) =>
        copyStore(from, to, {
          history: flags.history === true,
          intoExisting: flags.intoExisting === true,
          ...control,
        }),
      )
    }),
  )
}
