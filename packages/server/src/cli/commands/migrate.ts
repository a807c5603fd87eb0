import { openStore, type StoreInfo } from '@evertick/core'
import type { Command } from 'commander'
import { withJson, type CliContext } from './context.js'
import { storeUrl, withStore, type StoreFlags } from './store-option.js'

interface MigrateFlags extends StoreFlags {
  readonly json?: boolean
}

/**
 * `evertick migrate`: brings a store to the schema of this release. Does nothing where it is up to date, and several may
 * run at once. It may change tables also where the URL leaves that to nobody else (`migrate=false`).
 */
export function addMigrateCommand(program: Command, { io }: CliContext): void {
  withStore(withJson(program.command('migrate'), 'answer with JSON'))
    .description('make the tables of a store, or bring them to the schema of this release')
    .action(async (flags: MigrateFlags) => {
      const store = await openStore(storeUrl(flags, io), { clock: io.clock, migrate: true })
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
