import type { SessionId } from '../domain/ids.js'
import type { LeaseTiming } from '../domain/lease.js'
import type { Logger } from '../domain/logger.js'
import type { NodeDescription } from '../engine/blocked-load.js'
import type { HeartbeatAnswer } from '../store/contract.js'

/** What the heartbeat thread begins with. */
export interface ThreadStart {
  /** Of the store, as `urlForThreads` gives it. */
  readonly url: string
  readonly timing: LeaseTiming
}

/** The present session and node, to beat with at once. Told for each heartbeat, as long as the main thread can. */
export interface Told {
  readonly kind: 'node'
  readonly session: SessionId
  /** Of the session's `Trust`. */
  readonly trust: SharedArrayBuffer
  readonly node: NodeDescription
}

export type ToThread = Told | { readonly kind: 'stop' }

export type FromThread =
  | { readonly kind: 'answered'; readonly session: SessionId; readonly answer: HeartbeatAnswer }
  | { readonly kind: 'expired'; readonly session: SessionId }
  | {
      readonly kind: 'log'
      readonly level: keyof Logger
      readonly fields: Readonly<Record<string, unknown>>
      readonly message: string
    }

/** A copy to another thread keeps neither the class nor the code of an error: this does. */
export interface ErrorText {
  readonly name: string
  readonly message: string
  readonly code?: unknown
  readonly stack?: string | undefined
}

export function errorText(error: unknown): ErrorText {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, stack, code } = error as Error & { code?: unknown }
  return code === undefined ? { name, message, stack } : { name, message, code, stack }
}

export function errorOf(text: ErrorText): Error {
  return Object.assign(new Error(text.message), text)
}
