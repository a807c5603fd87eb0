import type { EpochMs } from '../domain/clock.js'
import { DAY_MS, LAST_INSTANT, SECOND_MS, type WallMs } from './civil.js'

/** A stretch of time over which a zone keeps one offset from UTC. */
export interface Segment {
  /** Included. Either a transition, or merely where a table begins. */
  readonly from: EpochMs
  /** Excluded. */
  readonly until: EpochMs
  /** Milliseconds east of UTC. */
  readonly offset: number
  /** The offset just before `from`; equal to `offset` when no transition is there. */
  readonly before: number
  /**
   * The wall clock had come this far before `from`. Segment readings below it are repetitions; readings from it up to
   * `from + offset`, if there are any, were swallowed by the transition.
   */
  readonly shown: WallMs
  /** Segment readings from this on are shown once more after `until`; `until + offset` when none of them is. */
  readonly again: WallMs
}

export const CHUNK_MS = 366 * DAY_MS
// Two transitions closer than this that cancel each other out would be missed; the closest known are weeks apart.
const SAMPLE_MS = 3 * DAY_MS
// No wall clock repeats more than a day, so what was shown before a chunk, or will be after it, is decided within this.
const MARGIN_MS = 3 * DAY_MS
// Older than any transition of the tz database: before it, only local mean time.
const FIRST_CHUNK = Math.floor(Date.UTC(1800, 0, 1) / CHUNK_MS)
const LAST_CHUNK = Math.floor(LAST_INSTANT / CHUNK_MS) + 1

/**
 * The segments of a zone, found by sampling an offset function and bisecting where it changes. Chunks of about a year
 * are built when first asked for: some 150 samples, 0.4 ms.
 */
export class ZoneTable {
  readonly #offsetAt: (at: EpochMs) => number
  readonly #chunks = new Map<number, readonly Segment[]>()
  #last: Segment

  /** `offsetAt` must be a pure function of whole seconds. */
  constructor(offsetAt: (at: EpochMs) => number) {
    this.#offsetAt = offsetAt
    this.#last = this.#segmentIn(FIRST_CHUNK - 1, -Infinity)
  }

  /** The segment that contains `at`. */
  segmentAt(at: EpochMs): Segment {
    const last = this.#last
    if (at >= last.from && at < last.until) return last
    const index = Math.floor(at / CHUNK_MS)
    const segment = this.#segmentIn(Math.min(Math.max(index, FIRST_CHUNK - 1), LAST_CHUNK), at)
    this.#last = segment
    return segment
  }

  #segmentIn(index: number, at: EpochMs): Segment {
    let chunk = this.#chunks.get(index)
    if (chunk === undefined) {
      chunk = index < FIRST_CHUNK ? [this.#beforeStandardTime()] : this.#build(index)
      this.#chunks.set(index, chunk)
    }
    // One to three segments as a rule, and the last one holds whatever lies beyond the last chunk.
    for (const segment of chunk) if (at < segment.until) return segment
    return chunk.at(-1)!
  }

  #beforeStandardTime(): Segment {
    const until = FIRST_CHUNK * CHUNK_MS
    const offset = this.#offsetAt(until)
    return { from: -Infinity, until, offset, before: offset, shown: -Infinity, again: until + offset }
  }

  #build(index: number): Segment[] {
    const start = index * CHUNK_MS
    const end = index === LAST_CHUNK ? Infinity : start + CHUNK_MS
    const stretches = this.#stretches(start - MARGIN_MS, start + CHUNK_MS + MARGIN_MS)
    const segments: Segment[] = []
    let before = stretches[0]!.offset
    let shown = stretches[0]!.from + before
    for (const [i, { from, offset }] of stretches.entries()) {
      const change = stretches[i + 1]?.from ?? Infinity
      if (from < end && change > start) {
        const until = Math.min(change, end)
        // The wall clock rises within a stretch: the lowest that it shows later is where a later one begins.
        const later = stretches.slice(i + 1).map((next) => next.from + next.offset)
        segments.push({ from, until, offset, before, shown, again: Math.min(until + offset, ...later) })
      }
      shown = Math.max(shown, change + offset)
      before = offset
    }
    return segments
  }

  /** The offsets from `at` to `end`, each with the instant at which it begins. */
  #stretches(at: EpochMs, end: EpochMs): { from: EpochMs; offset: number }[] {
    let offset = this.#offsetAt(at)
    const stretches = [{ from: at, offset }]
    while (at < end) {
      const ahead = Math.min(at + SAMPLE_MS, end)
      if (this.#offsetAt(ahead) === offset) {
        at = ahead
        continue
      }
      at = this.#changeBetween(at, ahead, offset)
      offset = this.#offsetAt(at)
      stretches.push({ from: at, offset })
    }
    return stretches
  }

  /** The first second after `low`, at most `high`, that ends the offset. At `high` it has ended. */
  #changeBetween(low: EpochMs, high: EpochMs, offset: number): EpochMs {
    let same = low / SECOND_MS
    let changed = high / SECOND_MS
    while (changed - same > 1) {
      const middle = Math.floor((same + changed) / 2)
      if (this.#offsetAt(middle * SECOND_MS) === offset) same = middle
      else changed = middle
    }
    return changed * SECOND_MS
  }
}
