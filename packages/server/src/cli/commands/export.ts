import { exportLines } from '@evertick/core'
import type { Command } from 'commander'
import { untilInterrupted, writeWhenReady } from '../io.js'
import type { CliContext } from './context.js'
import { useStore } from './moving.js'
import { storeUrl, withStore, type StoreFlags } from './store-option.js'

interface ExportFlags extends StoreFlags {
  readonly history?: boolean
}

const NOTES = `
Each schedule is told as it stands at one moment, with when it fires next, what it fired last and its runs that wait. A
node that works on the store goes on meanwhile. Import the file, or copy straight from store to store.

Examples:
  $ evertick export --store sqlite:evertick.db > backup.jsonl
  $ evertick export --history | gzip > backup.jsonl.gz
`

/** `evertick export`: everything that a store holds, as lines of JSON. */
export function addExportCommand(program: Command, { io }: CliContext): void {
  withStore(program.command('export'))
    .description('write everything that a store holds to standard output, as lines of JSON')
    .option('--history', 'runs that have ended too, with their logs')
    .addHelpText('after', NOTES)
    .action((flags: ExportFlags) =>
      useStore(storeUrl(flags, io), io, { create: false }, (store) =>
        untilInterrupted(io, async (signal) => {
          const history = flags.history === true
          for await (const line of exportLines(store, { history, clock: io.clock, signal }))
            await writeWhenReady(io.stdout, line)
        }),
      ),
    )
}
