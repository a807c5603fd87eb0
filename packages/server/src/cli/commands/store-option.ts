import { Option, type Command } from 'commander'
import { SERVE_OPTIONS } from '../../config.js'
import type { CliIo } from '../io.js'

// `--store` of the commands that open a store themselves.

const { flag, variable, default: fallback } = SERVE_OPTIONS.store

export interface StoreFlags {
  readonly store?: string
}

export function withStore(command: Command): Command {
  return command.addOption(new Option(`${flag} <url>`, `the store (${variable}; default ${fallback})`))
}

export function storeUrl(flags: StoreFlags, { env }: CliIo): string {
  return flags.store ?? (env[variable] || fallback)
}
