import { Option, type Command } from 'commander'
import type { EpochMs } from '@evertick/core'
import type { Client } from '../client.js'
import { openClient, type TargetFlags } from '../open-client.js'
import type { CliIo } from '../io.js'
import { styleFor, type Style } from '../style.js'

/** What every command is given. A command that did what it was asked, with a bad outcome, sets `exitCode`. */
export interface CliContext {
  readonly io: CliIo
  exitCode: number
}

export interface ClientFlags extends TargetFlags {
  readonly json?: boolean
}

/** What a command needs to ask and to answer. */
export interface ClientContext {
  readonly client: Client
  readonly io: CliIo
  readonly style: Style
  readonly now: EpochMs
  readonly json: boolean
  /** Writes `text` for people, or with `--json` the value on one line. */
  readonly answer: (value: unknown, text: string) => void
}

/** Adds the flags of a command that talks to Evertick. */
export function withTarget(command: Command): Command {
  return withJson(command)
    .addOption(
      new Option('--server <url>', 'the server to ask (EVERTICK_SERVER; default http://127.0.0.1:4747)'),
    )
    .addOption(new Option('--store <url>', 'ask a store directly, without a server (EVERTICK_STORE)'))
    .addOption(new Option('--token <token>', 'the token of the server (EVERTICK_TOKEN)'))
}

export function withJson(command: Command, description = 'answer with the JSON of the HTTP API'): Command {
  return command.option('--json', description)
}

/** Opens the client that the flags name, and closes it whatever happens. With `create`, a missing store is made. */
export async function useClient(
  { io }: CliContext,
  flags: ClientFlags,
  body: (context: ClientContext) => Promise<void>,
  { create = false }: { readonly create?: boolean } = {},
): Promise<void> {
  const json = flags.json === true
  await using client = await openClient(flags, io.env, io.clock, { create })
  await body({
    client,
    io,
    json,
    style: styleFor(io.stdout, io.env),
    now: io.clock.now(),
    answer: (value, text) => io.stdout.write(json ? `${JSON.stringify(value)}\n` : text),
  })
}
