import { hostname } from 'node:os'
import {
  createLocks,
  ERROR_CODES,
  EvertickError,
  type Clock,
  type ErrorCode,
  type Fence,
  type LockAnswer,
  type LockStore,
  type LockTaker,
} from '@evertick/core'
import type { LockAnswerJson } from '../http/schemas/lock.js'
import { ApiError } from './failures.js'

type Post = (path: string, body: object) => Promise<unknown>

/** Locks of the server that `post` speaks to: renewed and trusted as those of a store are. */
export function httpLocks(post: Post, clock: Clock): LockTaker & { stop(): Promise<void> } {
  const verb = async (name: string, which: string, body: object): Promise<unknown> => {
    try {
      return await post(`locks/${encodeURIComponent(name)}/${which}`, body)
    } catch (error) {
      throw asStoreError(error)
    }
  }
  const store: LockStore = {
    // Whoever waits asks again and again.
    info: { notifies: false },
    watch: () => () => {},
    async acquireLock({ name, ...body }) {
      return answerOf((await verb(name, 'acquire', body)) as LockAnswerJson)
    },
    async renewLock({ name, ...body }) {
      try {
        await verb(name, 'renew', body)
        return true
      } catch (error) {
        if (error instanceof EvertickError && error.code === 'LEASE_LOST') return false
        throw error
      }
    },
    async releaseLock({ name, owner }) {
      return ((await verb(name, 'release', { owner })) as { released: boolean }).released
    },
  }
  return createLocks({ store, holder: `${hostname()}-${process.pid}`, clock })
}

function answerOf({ outcome, fence, heldUntil, holder, freeInMs }: LockAnswerJson): LockAnswer {
  return outcome === 'acquired'
    ? { outcome, fence: fence as Fence, heldUntil: Date.parse(heldUntil!) }
    : { outcome: 'held', holder, freeInMs: freeInMs! }
}

/** A refusal stays one; of everything else it is unknown whether it was done, so that it may be done again. */
function asStoreError(error: unknown): EvertickError {
  const { message } = error as Error
  const options = { cause: error }
  if (error instanceof ApiError && isRefusal(error.code)) {
    return new EvertickError(error.code, message, { ...options, problems: error.problems })
  }
  return new EvertickError('STORE_UNAVAILABLE', message, options)
}

/** A server that is stopping, or whose store is away, may be there again in a moment. */
function isRefusal(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code) && !code.startsWith('STORE_') && code !== 'INTERNAL'
}
