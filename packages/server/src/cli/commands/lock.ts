import type { Command } from 'commander'
import { readCount } from '../option-values.js'
import { oneLine } from '../printable.js'
import { table } from '../table.js'
import { durationText } from '../time-text.js'
import { useClient, withTarget, type CliContext, type ClientFlags } from './context.js'
import { addLockRun } from './lock-run.js'
import { moreText } from './schedule-text.js'

interface ListFlags extends ClientFlags {
  readonly prefix?: string
  readonly limit: string
  readonly cursor?: string
}

/** `evertick lock …`: what only one may do at a time. */
export function addLockCommands(program: Command, context: CliContext): void {
  const parent = program.command('lock').description('what only one may do at a time')
  addLockRun(parent, context)

  withTarget(parent.command('list'))
    .description('list the locks that are held, by name')
    .option('--prefix <text>', 'only names that begin with this')
    .option('--limit <number>', 'how many at most', '100')
    .option('--cursor <cursor>', 'go on after an earlier list')
    .action((flags: ListFlags) =>
      useClient(context, flags, async ({ client, io, answer, style, now }) => {
        const page = await client.listLocks({
          limit: readCount('--limit', flags.limit, 1000),
          ...(flags.prefix === undefined ? {} : { prefix: flags.prefix }),
          ...(flags.cursor === undefined ? {} : { cursor: flags.cursor }),
        })
        const since = (at: string): string => durationText(Math.max(0, now - Date.parse(at)))
        const rows = page.items.map((lock) => [
          lock.name,
          since(lock.acquiredAt),
          String(lock.waiting),
          String(lock.fence),
          oneLine(lock.holder, 200),
        ])
        const titles = ['LOCK', 'HELD FOR', 'WAITING', 'FENCE', 'HOLDER']
        const text = rows.length === 0 ? 'no locks\n' : table(titles, rows, style, io.stdout.columns)
        answer(page, text + moreText(page))
      }),
    )
}
