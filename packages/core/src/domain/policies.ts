export const OVERLAPS = ['skip', 'bufferOne', 'bufferAll', 'cancelOther', 'allow'] as const

/**
 * What happens to a fire time while an earlier run of the schedule is still open, anywhere in the cluster:
 * `skip` records it as skipped; `bufferOne` lets one wait and skips the rest; `bufferAll` lets all wait, in order;
 * `cancelOther` cancels the open ones and starts when they have ended; `allow` runs them side by side.
 */
export type Overlap = (typeof OVERLAPS)[number]

export const CATCH_UPS = ['none', 'latest', 'earliest', 'all'] as const

/** Which misfires still run. The others are recorded as missed. */
export type CatchUp = (typeof CATCH_UPS)[number]

export const DELIVERIES = ['atLeastOnce', 'atMostOnce'] as const

/** Whether a run abandoned by a dead node runs again (`atLeastOnce`) or becomes `lost` (`atMostOnce`). */
export type Delivery = (typeof DELIVERIES)[number]

/** How much history pruning leaves. The last run of a schedule and open runs always stay. */
export interface HistoryPolicy {
  /** Newest runs kept, whatever their outcome. @default 1000 */
  readonly maxRuns: number
  /** Older ones go, however few there are. @default 2592000000 (30 days) */
  readonly maxAgeMs: number
  /** Of the failed and lost runs that these two would let go, so many stay, the newest. @default 1000 */
  readonly maxFailures: number
  /** No failed or lost run stays for longer. @default 7776000000 (90 days) */
  readonly maxFailureAgeMs: number
  /** Of the runs that never started (skipped, missed), only so many stay, so that they leave room for others. @default 1000 */
  readonly maxSkipped: number
}

/**
 * How an interval spreads out while the cluster is under load, and returns when the load falls. Step by step: with each
 * fire by the factor, in whole multiples of the interval, so that what is left fires at times that it has anyway.
 */
export interface AdaptivePolicy {
  /** The load from 0 to 1 above which it spreads out; it returns below four fifths of this. @default 0.7 */
  readonly above: number
  /** By how much with each fire. @default 1.5 */
  readonly factor: number
  /** No further apart than this; at least twice the interval. */
  readonly maxIntervalMs: number
}

export const ADAPTIVE_DEFAULTS: Pick<AdaptivePolicy, 'above' | 'factor'> = Object.freeze({
  above: 0.7,
  factor: 1.5,
})

/** The rules of a schedule, all decided. */
export interface SchedulePolicy {
  /** @default 'latest' */
  readonly catchUp: CatchUp
  /** A fire time overdue by more than its schedule's jitter and this is a misfire. @default 60000 */
  readonly misfireGraceMs: number
  /** Misfires older than this are never caught up. @default 86400000 */
  readonly catchUpWindowMs: number
  /** At most this many misfires are caught up at once, the newest. @default 1000 */
  readonly catchUpLimit: number
  /** @default 'skip' */
  readonly overlap: Overlap
  /** @default 'atLeastOnce' */
  readonly delivery: Delivery
  /** −1000 to 1000; higher starts first. @default 0 */
  readonly priority: number
  /** Only nodes that offer this group run it. @default 'default' */
  readonly group: string
  /** Spreads the due time over this many milliseconds after the fire time. @default 0 */
  readonly jitterMs: number
  /** Only for intervals that count from their start. @default null (never) */
  readonly adaptive: AdaptivePolicy | null
  /** Pauses the schedule after this many failed runs in a row. @default null (never) */
  readonly pauseAfterFailures: number | null
  readonly history: HistoryPolicy
}

export const POLICY_DEFAULTS: SchedulePolicy = Object.freeze({
  catchUp: 'latest',
  misfireGraceMs: 60_000,
  catchUpWindowMs: 86_400_000,
  catchUpLimit: 1000,
  overlap: 'skip',
  delivery: 'atLeastOnce',
  priority: 0,
  group: 'default',
  jitterMs: 0,
  adaptive: null,
  pauseAfterFailures: null,
  history: Object.freeze({
    maxRuns: 1000,
    maxAgeMs: 30 * 86_400_000,
    maxFailures: 1000,
    maxFailureAgeMs: 90 * 86_400_000,
    maxSkipped: 1000,
  }),
})

/** Sizes in bytes of UTF-8 JSON. */
export const SIZE_LIMITS = Object.freeze({
  input: 64 * 1024,
  result: 64 * 1024,
  logPerRun: 1024 * 1024,
})

export const ATTEMPT_TIMEOUT_MS = 5 * 60_000
