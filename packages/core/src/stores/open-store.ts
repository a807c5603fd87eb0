import { resolve } from 'node:path'
import type { Clock, Random } from '../domain/clock.js'
import { InvalidError } from '../domain/errors.js'
import { shown } from '../domain/field-checks.js'
import type { Store } from '../store/contract.js'

export interface OpenStoreOptions {
  readonly clock?: Clock
  readonly random?: Random
  /**
   * Whether an older schema may be brought up to date, and one that is missing made. `false` is heeded over PostgreSQL,
   * where the right to do so is not everyone's. @default what the URL says, and else `true`
   */
  readonly migrate?: boolean
}

/** Schemes of what answers whoever connects to it. */
const SERVERS: ReadonlySet<string> = new Set(['redis', 'rediss', 'postgres', 'postgresql'])

const FORMS = 'sqlite:PATH, sqlite::memory:, redis://…, rediss://…, postgres://… or memory:'

/**
 * Opens the store that a URL names; its driver is loaded only then.
 * @throws {InvalidError} INVALID_OPTION for a URL of no known kind.
 * @throws {EvertickError} STORE_UNREADABLE, STORE_VERSION, STORE_UNAVAILABLE
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  const { scheme, rest } = partsOf(url)
  if (scheme === 'memory' && rest === '') {
    const { MemoryStore } = await import('./memory/index.js')
    return new MemoryStore(options)
  }
  if (scheme === 'sqlite' && rest !== '') {
    const { SqliteStore } = await import('./sqlite/index.js')
    return SqliteStore.open(rest, options)
  }
  if (scheme === 'redis' || scheme === 'rediss') {
    const { RedisStore } = await import('./redis/index.js')
    return RedisStore.open(url, options)
  }
  if (scheme === 'postgres' || scheme === 'postgresql') {
    const { PostgresStore } = await import('./postgres/index.js')
    return PostgresStore.open(url, options)
  }
  throw new InvalidError('INVALID_OPTION', [
    {
      path: 'store',
      rule: 'store.url',
      message: `store must be ${FORMS}, but is ${shown(withoutSecrets(url))}`,
    },
  ])
}

/**
 * What opens the same store once more, from any thread and whatever the working directory is by then; `null` where each
 * opening is a store of its own.
 */
export function urlForThreads(url: string): string | null {
  const { scheme, rest } = partsOf(url)
  if (scheme === 'sqlite' && rest !== ':memory:') return `sqlite:${resolve(rest)}`
  return SERVERS.has(scheme) ? url : null
}

function partsOf(url: string): { scheme: string; rest: string } {
  const colon = url.indexOf(':')
  return { scheme: url.slice(0, Math.max(colon, 0)), rest: url.slice(colon + 1) }
}

function withoutSecrets(url: string): string {
  return url.replace(/[^/]*@/, '…@')
}
