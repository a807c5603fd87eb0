import { openStore, type StoreInfo } from '@evertick/core'
import { Option, type Command } from 'commander'
import { SERVE_OPTIONS } from '../../config.js'
import { withJson, type CliContext } from './context.js'

interface MigrateFlags {
  readonly store?: string
  readonly json?: boolean
}

const { flag, variable, default: fallback } = SERVE_OPTIONS.store

/**
 * `evertick migrate`: brings a store to the schema of this release. Does nothing where it is up to date, and several may
 * run at once. It may change tables also where the URL leaves that to nobody else (`migrate=false`).
 */
export function addMigrateCommand(program: Command, { io }: CliContext): void {
  withJson(program.command('migrate'), 'answer with JSON')
    .description('make the tables of a store, or bring them to the schema of this release')
    .addOption(new Option(`${flag} <url>`, `the store (${variable}; default ${fallback})`))
    .action(async (flags: MigrateFlags) => {
      const url = flags.store ?? (io.env[variable] || fallback)
      const store = await openStore(url, { clock: io.clock, migrate: true })
      const { info } = store
      await store.close()
      io.stdout.write(flags.json === true ? `${JSON.stringify(answerOf(info))}\n` : inWords(info))
    })
}

function answerOf({ location, schema }: StoreInfo): object {
  const from = schema?.found ?? null
  const to = schema?.version ?? null
  return { store: location, from, to, changed: from !== to }
}

function inWords({ location, schema }: StoreInfo): string {
  if (schema === null) return `${location} keeps no schema: nothing to do\n`
  const { found, version } = schema
  if (found === version) return `${location} has schema ${version} already: nothing to do\n`
  if (found === null) return `${location} was made with schema ${version}\n`
  return `${location} was brought from schema ${found} to ${version}\n`
}
