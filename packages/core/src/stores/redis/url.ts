import { parseFlag, parseLogin, parseParameters, wrong } from '../store-url.js'

/** What `redis://` and `rediss://` URLs say. */
export interface RedisUrl {
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  readonly tls: boolean
  /** A file with the certificates that are trusted, instead of the system's. */
  readonly ca: string | null
  /** The name of the master that the hosts, which are sentinels then, watch. */
  readonly sentinel: string | null
  /** How to log in to the sentinels themselves, where they ask for that. */
  readonly sentinelUser: string | null
  readonly sentinelPassword: string | null
  /** The sentinels are reached over TLS as well. */
  readonly sentinelTls: boolean
  /** What all keys begin with, so that several namespaces share one Redis. */
  readonly prefix: string
  /** Of a namespace that is yet to be made; `null`: as suits the server. */
  readonly shards: number | null
  /** How many replicas must have what was written before a body starts; 0: none. */
  readonly replicas: number
  /** Also a Redis that keeps nothing on disk is taken. */
  readonly volatile: boolean
}

const FORM = 'redis://[user:password@]host[:port][,host[:port]…][/database]'
const OF_SENTINELS = ['sentinelUser', 'sentinelPassword', 'sentinelTls']
const PARAMETERS = ['prefix', 'shards', 'sentinel', ...OF_SENTINELS, 'replicas', 'volatile', 'ca']
const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/
const DEFAULT_PORT = 6379
const SENTINEL_PORT = 26_379
const MOST_SHARDS = 256

/** @throws {InvalidError} INVALID_OPTION, naming the part that is wrong, without the password. */
export function parseRedisUrl(url: string): RedisUrl {
  const match = /^(rediss?):\/\/(?:([^@/?]*)@)?([^@/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url)
  if (match === null) throw wrong('store.url', `store must look like ${FORM}`)
  const [, scheme, login, authority, path = '', query = ''] = match
  const { user, password } = parseLogin(login, url)
  const parameters = parseParameters(query, PARAMETERS)
  const sentinel = parameters.get('sentinel')
  for (const name of OF_SENTINELS) {
    if (sentinel === null && parameters.has(name))
      throw wrong('store.sentinel', `store: ${name} belongs to sentinel=NAME, which is not given`)
  }
  const prefix = parameters.get('prefix') ?? 'evertick'
  if (!PREFIX.test(prefix)) {
    throw wrong(
      'store.prefix',
      `store: prefix must be 1 to 64 letters, digits, ".", "_", ":" or "-", but is ${JSON.stringify(prefix)}`,
    )
  }
  return {
    hosts: authority!
      .split(',')
      .map((host) => parseHost(host, sentinel === null ? DEFAULT_PORT : SENTINEL_PORT)),
    username: user,
    password,
    database: path === '' ? 0 : wholeNumber('database', path, 0, 1_000_000),
    tls: scheme === 'rediss',
    ca: parameters.get('ca'),
    sentinel,
    sentinelUser: parameters.get('sentinelUser'),
    sentinelPassword: parameters.get('sentinelPassword'),
    sentinelTls: parseFlag(parameters, 'sentinelTls'),
    prefix,
    shards: parameters.has('shards')
      ? wholeNumber('shards', parameters.get('shards')!, 1, MOST_SHARDS)
      : null,
    replicas: parameters.has('replicas') ? wholeNumber('replicas', parameters.get('replicas')!, 0, 100) : 0,
    volatile: parseFlag(parameters, 'volatile'),
  }
}

/** Where it is, without secrets. */
export function locationOf({ hosts, database, tls, prefix }: RedisUrl): string {
  const list = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
  return `${tls ? 'rediss' : 'redis'}://${list}/${database}?prefix=${prefix}`
}

function parseHost(text: string, defaultPort: number): RedisUrl['hosts'][number] {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*))(?::(\d+))?$/.exec(text)
  if (match === null)
    throw wrong('store.host', `store: ${JSON.stringify(text)} is no host with a port; ${FORM}`)
  const host = match[1] ?? match[2]!
  return {
    host: host === '' ? '127.0.0.1' : host,
    port: match[3] === undefined ? defaultPort : wholeNumber('port', match[3], 1, 65_535),
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most) {
    const limits = `a whole number from ${least} to ${most}`
    throw wrong(`store.${name}`, `store: ${name} must be ${limits}, but is ${JSON.stringify(text)}`)
  }
  return value
}
