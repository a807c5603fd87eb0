import { EvertickError } from '../../domain/errors.js'
import type { Connection } from './connection.js'
import type { RedisUrl } from './url.js'

/** Whether what was acknowledged survives the death of the server. */
export type Durability = 'log' | 'snapshots' | 'none'

/**
 * Looks whether this Redis may be trusted with schedules.
 * @throws {EvertickError} STORE_UNSAFE: it throws keys away when it is full, keeps nothing on disk, or has no log on disk
 * although replicas are waited for.
 */
export async function examineDurability(connection: Connection, url: RedisUrl): Promise<Durability> {
  let weakest: Durability = 'log'
  for (const info of await connection.info('memory', 'persistence')) {
    const policy = info.get('maxmemory_policy') ?? 'noeviction'
    if (policy !== 'noeviction') {
      throw unsafe(
        connection,
        `has the maxmemory-policy ${policy}, which throws schedules away when memory is short; set it to noeviction`,
      )
    }
    if (info.get('aof_enabled') === '1') continue
    weakest = (await connection.setting('save')) === '' ? 'none' : 'snapshots'
  }
  if (weakest !== 'log' && url.replicas > 0)
    throw unsafe(connection, 'waits for replicas, but keeps no log on disk; set appendonly to yes')
  if (weakest === 'none' && !url.volatile) {
    throw unsafe(
      connection,
      'keeps nothing on disk, so that its restart loses every schedule; set appendonly to yes, or accept that with volatile=true in the URL',
    )
  }
  return weakest
}

function unsafe(connection: Connection, message: string): EvertickError {
  return new EvertickError('STORE_UNSAFE', `Redis at ${connection.location} ${message}`)
}
