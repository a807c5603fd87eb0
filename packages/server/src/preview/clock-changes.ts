import { zoneOf, type EpochMs } from '@evertick/core'

/** An instant at which the wall clock of a zone jumps. */
export interface ClockChange {
  readonly at: EpochMs
  /** Offsets from UTC, in milliseconds east of it. */
  readonly before: number
  readonly after: number
}

/** The changes of a zone's clocks in (`from`, `until`], oldest first. */
export function* clockChanges(timezone: string, from: EpochMs, until: EpochMs): Generator<ClockChange> {
  const zone = zoneOf(timezone)
  let segment = zone.segmentAt(from)
  while (segment.until <= until) {
    const next = zone.segmentAt(segment.until)
    // Where a table merely begins, the offset stays.
    if (next.offset !== segment.offset) {
      yield { at: segment.until, before: segment.offset, after: next.offset }
    }
    segment = next
  }
}
