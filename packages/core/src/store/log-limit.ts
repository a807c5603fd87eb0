import { SIZE_LIMITS } from '../domain/policies.js'
import type { LogLine } from '../domain/run.js'
import { LOG_CUT } from './reasons.js'

type NewLine = Omit<LogLine, 'at'>

/** What these lines take of the limit of a run's log: each with the break that ends it. */
export function logBytesOf(lines: readonly Pick<LogLine, 'message'>[]): number {
  return lines.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 1, 0)
}

/**
 * Of the lines that are to follow in a log of so many bytes, those that go in, and its bytes with them. In place of the
 * first that does not fit stands that the log was cut; it takes the log over its limit, so nothing follows.
 */
export function linesThatFit(
  logBytes: number,
  lines: readonly NewLine[],
): { readonly fitting: readonly NewLine[]; readonly bytes: number } {
  const fitting: NewLine[] = []
  let bytes = logBytes
  for (const line of lines) {
    if (bytes > SIZE_LIMITS.logPerRun) break
    bytes += logBytesOf([line])
    fitting.push(bytes > SIZE_LIMITS.logPerRun ? { level: 'warn', message: LOG_CUT } : line)
  }
  return { fitting, bytes }
}
