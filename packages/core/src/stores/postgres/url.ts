import { decoded, parseFlag, parseLogin, parseParameters, wrong } from '../store-url.js'

/** What `postgres://` and `postgresql://` URLs say. What is `null` is left to the driver, which knows `PGUSER` and the like. */
export interface PostgresUrl {
  readonly host: string
  readonly port: number
  readonly user: string | null
  readonly password: string | null
  readonly database: string | null
  /** Where all tables lie, so that several stores share one database. */
  readonly schema: string
  /** A pooler stands before the server and hands out another connection for each transaction. */
  readonly pooler: boolean
  /** Whoever opens it may make and change its tables; else `evertick migrate` does. */
  readonly migrate: boolean
  /**
   * `require` encrypts and trusts any certificate; `verify-ca` trusts those of `ca`, or of the system; `verify-full`
   * demands that it is made out to this host, too.
   */
  readonly tls: (typeof SSL_MODES)[number]
  /** A file with the certificates that are trusted. */
  readonly ca: string | null
}

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const
const FORM = 'postgres://[user:password@]host[:port]/database'
const PARAMETERS = ['schema', 'migrate', 'pooler', 'sslmode', 'sslrootcert']
const DEFAULT_PORT = 5432
/** Of PostgreSQL, for a name of anything. */
const LONGEST_NAME_BYTES = 63

/** @throws {InvalidError} INVALID_OPTION, naming the part that is wrong, without the password. */
export function parsePostgresUrl(url: string): PostgresUrl {
  const match = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^@/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url)
  if (match === null) throw wrong('store.url', `store must look like ${FORM}`)
  const [, login, authority, database = '', query = ''] = match
  const { user, password } = parseLogin(login, url)
  if (database.includes('/')) throw wrong('store.url', `store must look like ${FORM}`)
  const parameters = parseParameters(query, PARAMETERS)
  return {
    ...parseHost(authority!),
    user,
    password,
    database: database === '' ? null : decoded(database),
    schema: parseSchema(parameters.get('schema') ?? 'evertick'),
    migrate: parseFlag(parameters, 'migrate', true),
    pooler: parseFlag(parameters, 'pooler'),
    tls: parseTls(parameters.get('sslmode'), parameters.get('sslrootcert')),
    ca: parameters.get('sslrootcert'),
  }
}

/** Where it is, without secrets. */
export function locationOf({ host, port, database, schema }: PostgresUrl): string {
  const name = host.includes(':') ? `[${host}]` : host
  const path = database === null ? '' : encodeURIComponent(database)
  return `postgres://${name}:${port}/${path}?schema=${encodeURIComponent(schema)}`
}

function parseHost(text: string): Pick<PostgresUrl, 'host' | 'port'> {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\],\s]*))(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[3] ?? DEFAULT_PORT)
  if (match === null || port < 1 || port > 65_535)
    throw wrong('store.host', `store: ${JSON.stringify(text)} is no host with a port; ${FORM}`)
  const host = match[1] ?? match[2]!
  return { host: host === '' ? '127.0.0.1' : host, port }
}

function parseSchema(name: string): string {
  const bytes = Buffer.byteLength(name)
  if (bytes === 0 || bytes > LONGEST_NAME_BYTES || name.includes('\0') || name.startsWith('pg_')) {
    const rule = `1 to ${LONGEST_NAME_BYTES} bytes and not begin with "pg_"`
    throw wrong('store.schema', `store: schema must be ${rule}, but is ${JSON.stringify(name)}`)
  }
  return name
}

function parseTls(text: string | null, ca: string | null): PostgresUrl['tls'] {
  if (text === null) return ca === null ? 'disable' : 'verify-full'
  const mode = SSL_MODES.find((known) => known === text)
  if (mode === undefined) {
    const rule = `one of ${SSL_MODES.join(', ')}`
    throw wrong('store.sslmode', `store: sslmode must be ${rule}, but is ${JSON.stringify(text)}`)
  }
  // So does every client that is built on libpq, and URLs go from one to the other.
  return mode === 'require' && ca !== null ? 'verify-ca' : mode
}
