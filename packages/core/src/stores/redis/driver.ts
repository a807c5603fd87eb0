import { readFile } from 'node:fs/promises'
import type * as ioredis from 'ioredis'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import type { Clock, Random } from '../../domain/clock.js'
import { EvertickError, InvalidError } from '../../domain/errors.js'
import { wrong } from '../store-url.js'
import { isReply, storeError } from './errors.js'
import { locationOf, type RedisUrl } from './url.js'

export type Client = Redis | Cluster

/** A server that does not answer for so long is taken for lost, and the connection made anew. */
export const ANSWER_TIMEOUT_MS = 2000
const CONNECT_TIMEOUT_MS = 2000
/** A Cluster is looked for at all addresses that it says it has, which may all be wrong. */
const CLUSTER_TIMEOUT_MS = 10_000
/** What it says it still needs for its data is a guess, which may be hundreds of times too long. */
const ASK_LOADING_EVERY_MS = 100
const LONGEST_RECONNECT_MS = 500
const KEEP_ALIVE_MS = 5000

/**
 * Connects, and finds out whether it is a Cluster.
 * @throws {EvertickError} STORE_UNAVAILABLE, STORE_UNREADABLE, INVALID_OPTION
 */
export async function connect(url: RedisUrl, random: Random, clock: Clock): Promise<Client> {
  const { Redis, Cluster } = await loadDriver()
  const options = await optionsOf(url, random)
  let isConnected = false
  const single =
    url.hosts.length > 1 && url.sentinel === null
      ? null
      : new Redis(singleOptions(url, options, () => isConnected))
  let client: Client | null = single
  let refusal: Error | null = null
  // Why a line could not be made is told here; the call that waits for it only learns that it was not.
  const heard = (error: Error): void => void (refusal = error)
  try {
    if (single !== null) {
      quiet(single)
      single.on('error', heard)
      await single.connect()
      isConnected = true
      if (await isClusterNode(single)) client = null
      else await assertDatabase(single, url)
    }
    if (client !== null) return client
    if (url.database !== 0) throw wrongDatabase(url, 'a Cluster has no other than 0')
    single?.disconnect()
    client = new Cluster([...url.hosts], clusterOptions(options, random))
    quiet(client)
    client.on('error', heard)
    // Where no node can be reached, the driver tries again and again, and nobody is told.
    await inTime(client.connect(), clock, CLUSTER_TIMEOUT_MS, () => unreached(url))
    return client
  } catch (error) {
    client?.disconnect()
    single?.disconnect()
    // What was decided here says more than what the driver went through meanwhile.
    const decided = error instanceof EvertickError ? error : explained(refusal ?? error, url)
    throw storeError(decided, locationOf(url))
  }
}

async function loadDriver(): Promise<Pick<typeof ioredis, 'Redis' | 'Cluster'>> {
  try {
    return await import('ioredis')
  } catch (cause) {
    throw new EvertickError(
      'STORE_UNREADABLE',
      'A Redis store needs the package ioredis: npm install ioredis@6',
      {
        cause,
      },
    )
  }
}

async function optionsOf(url: RedisUrl, random: Random): Promise<RedisOptions> {
  const { sentinelUser, sentinelPassword } = url
  const isEncrypted = url.tls || url.sentinelTls
  const tls = isEncrypted && url.ca !== null ? { ca: await readCertificates(url.ca) } : {}
  return {
    protocol: 2,
    db: url.database,
    ...(url.username === null ? {} : { username: url.username }),
    ...(url.password === null ? {} : { password: url.password }),
    ...(url.tls ? { tls } : {}),
    ...(sentinelUser === null ? {} : { sentinelUsername: sentinelUser }),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    ...(url.sentinelTls ? { sentinelTLS: tls } : {}),
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Also while it is being made: then no command of ours waits, and the driver would wait for ever.
    socketTimeout: ANSWER_TIMEOUT_MS,
    sentinelCommandTimeout: ANSWER_TIMEOUT_MS,
    maxLoadingRetryTime: ASK_LOADING_EVERY_MS,
    // The line for hints is silent for long, and nobody asks it anything: the system has to find out that it is dead.
    keepAlive: KEEP_ALIVE_MS,
    // What was sent and not answered may have been carried out: only the caller can know whether to send it again.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => reconnectAfterMs(times, random),
    // After a failover this line may still end at what is a replica now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  }
}

async function readCertificates(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const message = `store: ca must be a file with certificates, but ${file} cannot be read`
    throw new InvalidError('INVALID_OPTION', [{ path: 'store', rule: 'store.ca', message }], { cause })
  }
}

function reconnectAfterMs(times: number, random: Random): number {
  return Math.min(LONGEST_RECONNECT_MS, 20 * 2 ** Math.min(times, 10)) * (0.5 + random() / 2)
}

function singleOptions(
  { hosts, sentinel, tls }: RedisUrl,
  common: RedisOptions,
  wasConnected: () => boolean,
): RedisOptions {
  // When the driver subscribes again by itself, and the line goes down meanwhile, nobody catches the error.
  const options = { ...common, autoResubscribe: false }
  if (sentinel === null) return { ...options, ...hosts[0]! }
  return {
    ...options,
    sentinels: [...hosts],
    name: sentinel,
    enableTLSForSentinelMode: tls,
    // Whoever opens is told that no sentinel answers, or lets nobody in; a line that was there comes back.
    sentinelRetryStrategy: (times) => (wasConnected() ? Math.min(LONGEST_RECONNECT_MS, 50 * times) : null),
  }
}

function clusterOptions(
  { retryStrategy: _retry, lazyConnect: _lazy, ...redisOptions }: RedisOptions,
  random: Random,
) {
  return {
    redisOptions,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    clusterRetryStrategy: (times: number) => reconnectAfterMs(times, random),
  }
}

async function isClusterNode(client: Redis): Promise<boolean> {
  return /^cluster_enabled:1\r?$/m.test(await client.info('cluster'))
}

/** Else the driver, which only reports that its choice was refused, would go on in database 0. */
async function assertDatabase(client: Redis, url: RedisUrl): Promise<void> {
  if (url.database === 0) return
  try {
    await client.select(url.database)
  } catch (error) {
    if (isReply(error) && (error as Error).message.startsWith('ERR'))
      throw wrongDatabase(url, (error as Error).message.replace(/^ERR /, ''))
    throw error
  }
}

function wrongDatabase({ database }: RedisUrl, why: string): InvalidError {
  return wrong('store.database', `store: database must be one of the server, but is ${database}: ${why}`)
}

/** What the driver answers, or after so long the error. */
export async function inTime<Answer>(
  answer: Promise<Answer>,
  clock: Clock,
  limitMs: number,
  late: () => Error,
): Promise<Answer> {
  let cancel: (() => void) | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    cancel = clock.setTimer(() => reject(late()), limitMs)
  })
  // What is rejected after the race was decided has no one else to be told.
  answer.catch(() => {})
  try {
    return await Promise.race([answer, timeout])
  } finally {
    cancel?.()
  }
}

function unreached(url: RedisUrl): EvertickError {
  const why = `no node answered within ${CLUSTER_TIMEOUT_MS} ms at the addresses that the Cluster gives`
  return new EvertickError('STORE_UNAVAILABLE', `Redis at ${locationOf(url)} did not answer: ${why}`)
}

/** A server that speaks no TLS leaves whoever does without an answer. */
function explained(error: unknown, { tls }: RedisUrl): unknown {
  const { message } = error as Error
  if (!tls || !message.includes('ETIMEDOUT')) return error
  return new Error(`${message}, over TLS; where it speaks none the URL begins with redis://`, {
    cause: error,
  })
}

/** Errors of the line show in the commands that fail of them; without a listener they would end the process. */
export function quiet(client: Client): void {
  client.on('error', () => {})
}
