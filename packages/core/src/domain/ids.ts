import { randomBytes } from 'node:crypto'
import type { EpochMs } from './clock.js'

export type ScheduleId = string
export type TaskName = string
export type RunId = string
export type NodeId = string
export type LockName = string
/** One incarnation of a node. A node that lost its session starts a new one; leases belong to the session. */
export type SessionId = string

const SCHEDULE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9_:-]{0,63}$/

export const ID_RULE =
  '1 to 128 characters: letters, digits, ".", "_", ":" or "-", beginning with a letter or a digit'
export const REQUEST_ID_RULE =
  '1 to 64 characters: letters, digits, "_", ":" or "-", beginning with a letter or a digit'

/** The rule for schedule ids and the names of tasks, groups and locks: {@link ID_RULE}. Safe in URLs, keys and file names. */
export function isValidId(id: unknown): id is string {
  return typeof id === 'string' && SCHEDULE_ID.test(id)
}

/** The rule for request ids: {@link REQUEST_ID_RULE}. */
export function isValidRequestId(id: unknown): id is string {
  return typeof id === 'string' && REQUEST_ID.test(id)
}

/** What makes a run one and the same run. `requestId` is empty for a scheduled run. */
export interface RunIdentity {
  readonly scheduleId: ScheduleId
  readonly fireTime: EpochMs
  readonly requestId: string
}

/**
 * The run's name is its identity, so two nodes that create the same run create the same id, and a handler
 * can use it as its idempotency key: `schedule@1764000000000`, or `schedule@1764000000000.request` when asked for by hand.
 */
export function runIdOf(scheduleId: ScheduleId, fireTime: EpochMs, requestId = ''): RunId {
  return requestId === '' ? `${scheduleId}@${fireTime}` : `${scheduleId}@${fireTime}.${requestId}`
}

/** The inverse of {@link runIdOf}; `null` for text that no run can have as its id. */
export function parseRunId(id: RunId): RunIdentity | null {
  const at = id.indexOf('@')
  if (at < 1) return null
  const dot = id.indexOf('.', at)
  const digits = dot === -1 ? id.slice(at + 1) : id.slice(at + 1, dot)
  const requestId = dot === -1 ? '' : id.slice(dot + 1)
  const identity = { scheduleId: id.slice(0, at), fireTime: Number(digits), requestId }
  if (!isValidId(identity.scheduleId) || !Number.isSafeInteger(identity.fireTime)) return null
  if (requestId !== '' && !isValidRequestId(requestId)) return null
  // One run has one name: `a@007` must not be another for `a@7`.
  return runIdOf(identity.scheduleId, identity.fireTime, requestId) === id ? identity : null
}

let lastMs = 0
let sequence = 0

/** UUID version 7 (RFC 9562): sorts by creation time, also within one millisecond of one process. */
export function uuidv7(nowMs: EpochMs): string {
  const bytes = randomBytes(16)
  if (nowMs > lastMs) {
    lastMs = nowMs
    // Start low, so that the 12 bits rarely run out within one millisecond.
    sequence = bytes.readUInt16BE(6) & 0x3ff
  } else if (++sequence > 0xfff) {
    lastMs += 1
    sequence = 0
  }
  bytes.writeUIntBE(lastMs, 0, 6)
  bytes.writeUInt16BE(0x7000 | sequence, 6)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/**
 * A 32-bit hash of text (FNV-1a with a final avalanche): spreads jitter and hashed cron fields.
 * Stable across releases: stored due times depend on it.
 */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
