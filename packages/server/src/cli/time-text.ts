import type { EpochMs } from '@evertick/core'

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** `12 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d`: at most two units, the smaller one only where it counts. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${Math.floor(ms / 100) / 10} s`
  const index = UNITS.findIndex(([, length]) => ms >= length)
  const [unit, length] = UNITS[index]!
  const whole = Math.floor(ms / length)
  const smaller = UNITS[index + 1]
  const rest = smaller === undefined ? 0 : Math.floor((ms % length) / smaller[1])
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smaller![0]}`
}

/** `in 3 s`, `2 min ago`, `now`; only the largest unit. */
export function relativeText(at: EpochMs, now: EpochMs): string {
  const ms = Math.abs(at - now)
  if (ms < 500) return 'now'
  const seconds = Math.round(ms / 1000) * 1000
  const [unit, length] = UNITS.find(([, size]) => seconds >= size) ?? UNITS[3]
  const text = `${Math.floor(seconds / length)} ${unit}`
  return at > now ? `in ${text}` : `${text} ago`
}

/** An ISO time of the API seen from `now`, or `-` for none. */
export function relativeIso(iso: string | null, now: EpochMs): string {
  return iso === null ? '-' : relativeText(Date.parse(iso), now)
}

const PART = /(\d{1,9})(ms|s|min|m|h|d|w)/y
const FIELD_OF_UNIT = {
  ms: 'milliseconds',
  s: 'seconds',
  m: 'minutes',
  min: 'minutes',
  h: 'hours',
  d: 'days',
  w: 'weeks',
} as const
const MS_OF_FIELD = {
  milliseconds: 1,
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
} as const

export const DURATION_RULE = 'a duration such as 500ms, 30s, 5m, 1h30m, 2d or 1w'

export type DurationFields = Partial<Record<keyof typeof MS_OF_FIELD, number>>

/** The fields of an interval trigger that `1h30m` means, or `null` for what is no duration. */
export function parseDuration(text: string): DurationFields | null {
  const fields: DurationFields = {}
  PART.lastIndex = 0
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text)
    if (match === null) return null
    const field = FIELD_OF_UNIT[match[2] as keyof typeof FIELD_OF_UNIT]
    // `5m5m` is a slip of the hand, not ten minutes.
    if (fields[field] !== undefined) return null
    fields[field] = Number(match[1])
  }
  return text === '' ? null : fields
}

export function durationMs(fields: DurationFields): number {
  return Object.entries(fields).reduce(
    (sum, [field, value]) => sum + value * MS_OF_FIELD[field as keyof typeof MS_OF_FIELD],
    0,
  )
}
