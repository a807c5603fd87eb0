import type { HistoryPolicy } from '@evertick/core'
import { durationMs, parseDuration } from './cli/time-text.js'

const FIELDS = {
  maxRuns: { field: 'maxRuns', kind: 'count', least: 1 },
  maxAge: { field: 'maxAgeMs', kind: 'duration', least: 1000 },
  maxFailures: { field: 'maxFailures', kind: 'count', least: 0 },
  maxFailureAge: { field: 'maxFailureAgeMs', kind: 'duration', least: 1000 },
  maxSkipped: { field: 'maxSkipped', kind: 'count', least: 0 },
} as const satisfies Record<
  string,
  { readonly field: keyof HistoryPolicy; readonly kind: 'count' | 'duration'; readonly least: number }
>

const MOST = { count: 1_000_000_000, duration: 36_500 * 86_400_000 }

/** What {@link parseHistory} takes, for an error message. */
export const HISTORY_RULE =
  'parts such as maxRuns=500,maxAge=30d,maxFailures=100,maxFailureAge=90d,maxSkipped=50, each at most once'

/** The parts of a history rule that people write on a command line, or `null` for what is none. */
export function parseHistory(text: string): Partial<HistoryPolicy> | null {
  const history: Partial<Record<keyof HistoryPolicy, number>> = {}
  for (const part of text.split(',')) {
    const [name = '', given = '', ...more] = part.split('=').map((word) => word.trim())
    if (more.length > 0 || !Object.hasOwn(FIELDS, name)) return null
    const { field, kind, least } = FIELDS[name as keyof typeof FIELDS]
    const value = kind === 'count' ? countOf(given) : durationOf(given)
    if (value === null || value < least || value > MOST[kind] || history[field] !== undefined) return null
    history[field] = value
  }
  return history
}

function countOf(text: string): number | null {
  return /^\d{1,10}$/.test(text) ? Number(text) : null
}

function durationOf(text: string): number | null {
  const fields = parseDuration(text)
  return fields === null ? null : durationMs(fields)
}
