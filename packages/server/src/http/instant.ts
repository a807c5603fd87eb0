import type { EpochMs, ErrorCode } from '@evertick/core'
import { invalid } from './errors.js'

/**
 * The instant that a checked `date-time` text means. The format allows a leap second, which no clock here can tell.
 * @throws {EvertickError} `code`, naming `path`.
 */
export function instantOf(text: string, code: ErrorCode, path: string): EpochMs {
  const at = Date.parse(text)
  if (!Number.isNaN(at)) return at
  const message = `${path} must be an instant such as 2026-12-01T09:00:00Z, but is ${JSON.stringify(text)}`
  throw invalid(code, path, 'instant', message)
}
