import type { Clock } from '@evertick/core'
import type { Client } from './client.js'
import { UsageError } from './failures.js'
import { httpClient } from './http-client.js'
import { storeClient } from './store-client.js'

/** Where to find Evertick, as flags of every command that needs it. */
export interface TargetFlags {
  readonly server?: string
  readonly store?: string
  readonly token?: string
}

const DEFAULT_SERVER = 'http://127.0.0.1:4747'

/**
 * Opens what the flags name, else what EVERTICK_SERVER or EVERTICK_STORE name, else the server of this machine.
 * `create`: a store that is not there yet is made.
 */
export async function openClient(
  flags: TargetFlags,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  options: { readonly create: boolean },
): Promise<Client> {
  if (flags.server !== undefined && flags.store !== undefined)
    throw new UsageError('--server and --store name two places; give one of them')
  const store =
    flags.store ?? (flags.server === undefined && !env['EVERTICK_SERVER'] ? env['EVERTICK_STORE'] : '')
  if (store) return storeClient(store, clock, options)
  const server = flags.server ?? (env['EVERTICK_SERVER'] || DEFAULT_SERVER)
  return httpClient(server, flags.token ?? (env['EVERTICK_TOKEN'] || null), clock)
}
