import { InvalidError } from '../../domain/errors.js'

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
  const match = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^@/?]*)(?:\/([^/?]*))?(?:\?(.*))?$/.exec(url)
  if (match === null) throw wrong('store.url', `store must look like ${FORM}`)
  const [, login, authority, database = '', query = ''] = match
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name))
      throw wrong(
        'store.parameter',
        `store has the parameter "${name}", but knows only ${PARAMETERS.join(', ')}`,
      )
  }
  const colon = login?.indexOf(':') ?? -1
  const user = login === undefined ? '' : colon === -1 ? login : login.slice(0, colon)
  return {
    ...parseHost(authority!),
    user: user === '' ? null : decoded(user),
    password: login === undefined || colon === -1 ? null : decoded(login.slice(colon + 1)),
    database: database === '' ? null : decoded(database),
    schema: parseSchema(parameters.get('schema') ?? 'evertick'),
    migrate: flag('migrate', parameters.get('migrate'), true),
    pooler: flag('pooler', parameters.get('pooler'), false),
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

function flag(name: string, text: string | null, otherwise: boolean): boolean {
  if (text === null) return otherwise
  if (text === 'false') return false
  if (text === 'true') return true
  throw wrong(`store.${name}`, `store: ${name} must be true or false, but is ${JSON.stringify(text)}`)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong('store.login', 'store: the user, password and database must be percent-encoded')
  }
}

function wrong(rule: string, message: string): InvalidError {
  return new InvalidError('INVALID_OPTION', [{ path: 'store', rule, message }])
}
