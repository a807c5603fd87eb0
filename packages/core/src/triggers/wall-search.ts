import type { EpochMs } from '../domain/clock.js'
import { DAY_MS, FIRST_INSTANT, LAST_INSTANT, SECOND_MS, type WallMs } from './civil.js'
import type { DstRule } from './dst.js'
import type { WallTimes } from './wall-times.js'
import { isLeftOut, type Zone } from './zone.js'
import type { Segment } from './zone-table.js'

// No offset differs from another by so much.
const FAR_MS = 2 * DAY_MS

/*
 * Both directions go from segment to segment. Within one, the offset is constant, so that a matching reading is found by
 * the times alone; what its first transition swallowed is looked at besides, and `dst` says what becomes of that and of
 * readings that the clocks show twice. Offsets are whole seconds, so whole seconds on the wall are whole seconds of time.
 */

/** The first fire time strictly after an instant; `null` when none is left before the year 10000. */
export function nextInstant(times: WallTimes, zone: Zone, dst: DstRule, after: EpochMs): EpochMs | null {
  if (!(after < LAST_INSTANT)) return null
  let at = Math.max(Math.floor(after / SECOND_MS) * SECOND_MS + SECOND_MS, FIRST_INSTANT)
  for (;;) {
    const segment = zone.segmentAt(at)
    const { until, offset, shown, again } = segment
    const wall = at + offset
    const match = times.next(dst.overlap === 'first' && shown > wall ? shown : wall)
    const end = dst.overlap === 'last' ? again : until + offset
    let first = match < end ? match - offset : Infinity
    // What was swallowed fires as late as the clocks jumped, so the search for it ends that long after the jump.
    if (dst.gap !== 'skip' && at < segment.from + offset - segment.before) {
      first = Math.min(first, nextSwallowed(times, segment, dst, at))
    }
    if (first < until) return first <= LAST_INSTANT ? first : null
    const isFar = at < until - FAR_MS
    if (match === Infinity && (isFar || until === Infinity)) return null
    // Far from the next transition no later clock can go back behind this one, and none can be that far ahead of it.
    at = isFar ? Math.max(until, match - offset - FAR_MS) : until
  }
}

/** The last fire time strictly before an instant; `null` when there is none from the year 1 on. */
export function previousInstant(times: WallTimes, zone: Zone, dst: DstRule, before: EpochMs): EpochMs | null {
  if (!(before > FIRST_INSTANT)) return null
  let at = Math.min(Math.ceil(before / SECOND_MS) * SECOND_MS - SECOND_MS, LAST_INSTANT - SECOND_MS + 1)
  for (;;) {
    const segment = zone.segmentAt(at)
    const { from, offset, shown, again } = segment
    const wall = at + offset
    const match = times.previous(dst.overlap === 'last' && again <= wall ? again - SECOND_MS : wall)
    const start = dst.overlap === 'first' ? Math.max(shown, from + offset) : from + offset
    let last = match >= start ? match - offset : -Infinity
    if (dst.gap !== 'skip' && last < from + offset - segment.before) {
      last = Math.max(last, previousSwallowed(times, segment, dst, at))
    }
    if (last >= from && last !== -Infinity) return last >= FIRST_INSTANT ? last : null
    const isFar = at >= from + FAR_MS
    if (match === -Infinity && (isFar || from === -Infinity)) return null
    at = isFar ? Math.min(from - SECOND_MS, match - offset + FAR_MS) : from - SECOND_MS
  }
}

/** The first instant from `at` on that stands for a reading swallowed by the transition into the segment, or Infinity. */
function nextSwallowed(times: WallTimes, segment: Segment, { gap }: DstRule, at: EpochMs): EpochMs {
  const { from, offset, before, shown } = segment
  if (gap === 'after' && at > from) return Infinity
  let wall: WallMs = times.next(gap === 'after' ? shown : Math.max(shown, at + before))
  while (wall < from + offset && isLeftOut(wall, segment)) {
    wall = times.next((Math.floor(wall / DAY_MS) + 1) * DAY_MS)
  }
  if (wall >= from + offset) return Infinity
  return gap === 'after' ? from : wall - before
}

/** The last instant up to `at` that stands for a reading swallowed by the transition into the segment, or −Infinity. */
function previousSwallowed(times: WallTimes, segment: Segment, { gap }: DstRule, at: EpochMs): EpochMs {
  const { from, offset, before, shown } = segment
  const end = from + offset
  if (shown >= end) return -Infinity
  let wall: WallMs = times.previous(
    gap === 'after' ? end - SECOND_MS : Math.min(at + before, end - SECOND_MS),
  )
  while (wall >= shown && isLeftOut(wall, segment)) {
    wall = times.previous(Math.floor(wall / DAY_MS) * DAY_MS - SECOND_MS)
  }
  if (wall < shown) return -Infinity
  return gap === 'after' ? from : wall - before
}
