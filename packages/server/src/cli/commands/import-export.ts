import { createReadStream } from 'node:fs'
import { importInto, readExport } from '@evertick/core'
import type { Command } from 'commander'
import { UsageError } from '../failures.js'
import type { CliIo } from '../io.js'
import type { CliContext } from './context.js'
import { carryOut, useStore, withMoveFlags, type MoveFlags } from './moving.js'
import { storeUrl, withStore, type StoreFlags } from './store-option.js'

interface ImportFlags extends StoreFlags, MoveFlags {}

const NOTES = `
Stop the nodes that work on the store, import, and start them. A line that is wrong is told with its field, and stops the
import: what came before it is written, nothing of itself. The same file may be imported again with --into-existing; it
goes on, and changes nothing that has gone on here.

Examples:
  $ evertick import backup.jsonl --store postgres://db.example/evertick
  $ gunzip < backup.jsonl.gz | evertick import
`

/** `evertick import [file]`: what `evertick export` wrote. Its subcommands take over schedules from other programs. */
export function addImportAction(command: Command, context: CliContext): void {
  withStore(command.argument('[file]', 'what `evertick export` wrote (default: standard input)'))
  withMoveFlags(command)
    .addHelpText('after', NOTES)
    .action((file: string | undefined, flags: ImportFlags) => importFile(file, flags, context))
}

async function importFile(file: string | undefined, flags: ImportFlags, context: CliContext): Promise<void> {
  const { io } = context
  const { header, items } = await readExport(inputOf(file, io))
  await useStore(storeUrl(flags, io), io, { create: true }, async (store) => {
    const done = `Imported into ${store.info.location}`
    const again = 'the same file with --into-existing'
    await carryOut(context, { json: flags.json === true, total: null, done, again }, (control) =>
      importInto(store, items, {
        history: header.history,
        intoExisting: flags.intoExisting === true,
        ...control,
      }),
    )
  })
}

function inputOf(file: string | undefined, io: CliIo): AsyncIterable<Uint8Array | string> {
  if (file !== undefined && file !== '-') return readable(file)
  if (io.interactive) throw new UsageError('name a file, or hand an export over on standard input')
  return io.stdin
}

async function* readable(file: string): AsyncGenerator<Uint8Array, void> {
  try {
    yield* createReadStream(file) as AsyncIterable<Uint8Array>
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new UsageError(
      code === 'ENOENT' ? `There is no file ${file}` : `${file} cannot be read: ${message}`,
    )
  }
}
