import { readFile } from 'node:fs/promises'
import type { Client, ClientConfig, Pool } from 'pg'
import { EvertickError, InvalidError } from '../../domain/errors.js'
import type { PostgresUrl } from './url.js'

export interface Driver {
  readonly Client: new (config: ClientConfig) => Client
  readonly Pool: new (config: ClientConfig & PoolConfig) => Pool
}

interface PoolConfig {
  readonly max: number
}

const CONNECT_TIMEOUT_MS = 2000
/** A server that does not answer for so long is taken for lost. */
const STATEMENT_TIMEOUT_MS = 5000
/** More than the server itself allows, so that its own word comes first. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 1000
const LOCK_TIMEOUT_MS = 2000
/**
 * A process that stands still must not hold up the others with its locks: what it had locked still fires within a second
 * of its due time. Statements follow one another within milliseconds, or, from a node that is 200 ms away, within 400.
 */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 750

export const TIMEOUTS = {
  statement_timeout: STATEMENT_TIMEOUT_MS,
  lock_timeout: LOCK_TIMEOUT_MS,
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
} as const

/**
 * Statements are small and go along indices. The planner, which may have seen the tables only while they were empty,
 * would keep on reading them whole; and compiling costs more than it saves.
 */
const PLANNER = '-c enable_seqscan=off -c jit=off'

/** @throws {EvertickError} STORE_UNREADABLE where the package is not installed. */
export async function loadDriver(): Promise<Driver> {
  try {
    const { default: pg } = await import('pg')
    return pg
  } catch (cause) {
    throw new EvertickError('STORE_UNREADABLE', 'A PostgreSQL store needs the package pg: npm install pg@8', {
      cause,
    })
  }
}

/** `direct`: the session is ours, and may be set up at its start. A pooler refuses that. */
export async function configOf(url: PostgresUrl, direct: boolean): Promise<ClientConfig> {
  return {
    host: url.host,
    port: url.port,
    ...(url.user === null ? {} : { user: url.user }),
    ...(url.password === null ? {} : { password: url.password }),
    ...(url.database === null ? {} : { database: url.database }),
    ssl: await tlsOf(url),
    types: { getTypeParser },
    application_name: 'evertick',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    // What needs no answer of what was sent before it goes along with it.
    ...(direct ? { ...TIMEOUTS, options: PLANNER, pipeline: true } : {}),
  }
}

async function tlsOf({ tls, ca }: PostgresUrl): Promise<ClientConfig['ssl']> {
  if (tls === 'disable') return false
  if (tls === 'require') return { rejectUnauthorized: false }
  const trust = {
    rejectUnauthorized: true,
    ...(tls === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  }
  if (ca === null) return trust
  try {
    return { ...trust, ca: await readFile(ca, 'utf8') }
  } catch (cause) {
    const message = `store: sslrootcert must be a file with certificates, but ${ca} cannot be read`
    throw new InvalidError('INVALID_OPTION', [{ path: 'store', rule: 'store.sslrootcert', message }], {
      cause,
    })
  }
}

const BOOL = 16
/** bigint, smallint, integer, double precision. */
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 701])

/** Every number of ours fits into a double; the driver would give `bigint` as text. All else is text, or an array of it. */
function getTypeParser(type: number): (text: string) => unknown {
  if (type === BOOL) return (text) => text === 't'
  return NUMBERS.has(type) ? Number : (text) => text
}
