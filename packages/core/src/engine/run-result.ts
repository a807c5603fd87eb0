import { SIZE_LIMITS } from '../domain/policies.js'

/**
 * As the store keeps it. The work is done, so a result that is too large is cut and not refused.
 * @throws what JSON throws for a value that it cannot hold.
 */
export function resultOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) return null
  const bytes = Buffer.byteLength(text)
  if (bytes <= SIZE_LIMITS.result) return text
  return JSON.stringify({ truncated: true, bytes, beginning: text.slice(0, 1024) })
}
