import type { EpochMs } from '../domain/clock.js'
import { closest, InvalidError, type Problem } from '../domain/errors.js'
import { DAY_MS, offsetText, wallText, type WallMs } from './civil.js'
import { DST_DEFAULT, type DstRule } from './dst.js'
import { quote } from './problems.js'
import { ZoneTable, type Segment } from './zone-table.js'

/** A time zone of the IANA database, as the `Intl` of this Node.js knows it. */
export interface Zone {
  /** Milliseconds east of UTC. */
  offsetAt(at: EpochMs): number
  segmentAt(at: EpochMs): Segment
  /**
   * The instants that a reading of the wall clock stands for, in order: one as a rule, two where the clocks show it twice
   * and the rule says both, none where they jump over it and the rule says skip. A date that the zone left out has none
   * under any rule.
   * @see docs/triggers.md, "Daylight saving"
   */
  resolve(wall: WallMs, dst: DstRule): readonly EpochMs[]
  /** The one instant of {@link resolve} under the default rule, or `null`. */
  toInstant(wall: WallMs): EpochMs | null
}

const ALWAYS_UTC: Segment = {
  from: -Infinity,
  until: Infinity,
  offset: 0,
  before: 0,
  shown: -Infinity,
  again: Infinity,
}

export const UTC: Zone = {
  offsetAt: () => 0,
  segmentAt: () => ALWAYS_UTC,
  resolve: (wall) => [wall],
  toInstant: (wall) => wall,
}

const UTC_NAMES = new Set(['utc', 'etc/utc', 'gmt', 'etc/gmt', 'zulu', 'etc/zulu', 'uct', 'etc/uct'])

// ICU takes these for zones, the IANA database does not: CST alone is meant for Chicago, Shanghai and Havana.
const ABBREVIATIONS = new Set(
  'act aet agt art ast bet bst cat cnt cst ctt eat ect iet ist jst mit net nst plt pnt prt pst sst vst'.split(
    ' ',
  ),
)

// By lower-case name, so that spellings of one zone share a table and hostile input cannot grow it.
const zones = new Map<string, Zone>()

/**
 * The zone of this name, in any case. Cached; its transitions are computed when first needed.
 * @throws {InvalidError} INVALID_TRIGGER with a problem at `timezone`.
 */
export function zoneOf(name: string): Zone {
  const key = name.toLowerCase()
  if (UTC_NAMES.has(key)) return UTC
  let zone = zones.get(key)
  if (zone === undefined) {
    zone = new IntlZone(formatOf(name))
    zones.set(key, zone)
  }
  return zone
}

/**
 * The zone that a `timezone` field names.
 * @throws {InvalidError} INVALID_TRIGGER with a problem at `timezone`.
 */
export function readZone(timezone: unknown): Zone {
  if (typeof timezone === 'string') return zoneOf(timezone)
  throw unknownZone(timezone)
}

/** `2026-03-29T03:30:00+02:00`: what the wall clock of the zone shows. Milliseconds only where there are any. */
export function wallTime(at: EpochMs, zone: Zone): string {
  const offset = zone.offsetAt(at)
  return wallText(at + offset) + offsetText(offset)
}

class IntlZone implements Zone {
  readonly #table: ZoneTable

  constructor(format: Intl.DateTimeFormat) {
    this.#table = new ZoneTable((at) => readWall(format.format(at)) - at)
  }

  offsetAt(at: EpochMs): number {
    return this.#table.segmentAt(at).offset
  }

  segmentAt(at: EpochMs): Segment {
    return this.#table.segmentAt(at)
  }

  resolve(wall: WallMs, { gap, overlap }: DstRule): readonly EpochMs[] {
    const shown: EpochMs[] = []
    let swallowedBy: Segment | null = null
    // No offset reaches a day.
    let segment = this.segmentAt(wall - DAY_MS)
    while (segment.from <= wall + DAY_MS) {
      const { from, until, offset } = segment
      if (wall >= from + offset && wall < until + offset) shown.push(wall - offset)
      else if (wall >= segment.shown && wall < from + offset) swallowedBy ??= segment
      if (until === Infinity) break
      segment = this.segmentAt(until)
    }
    if (shown.length > 0) return overlap === 'both' ? shown : [shown.at(overlap === 'first' ? 0 : -1)!]
    if (swallowedBy === null || gap === 'skip' || isLeftOut(wall, swallowedBy)) return []
    return [gap === 'shift' ? wall - swallowedBy.before : swallowedBy.from]
  }

  toInstant(wall: WallMs): EpochMs | null {
    return this.resolve(wall, DST_DEFAULT)[0] ?? null
  }
}

/** Whether the transition into `segment` swallowed the whole date of `wall`, as Samoa did with 2011-12-30. */
export function isLeftOut(wall: WallMs, segment: Segment): boolean {
  const midnight = Math.floor(wall / DAY_MS) * DAY_MS
  return midnight >= segment.shown && midnight + DAY_MS <= segment.from + segment.offset
}

function formatOf(name: string): Intl.DateTimeFormat {
  const key = name.toLowerCase()
  // Newer releases of Node.js take offsets such as +08:00 for zones; what a schedule means must not depend on that.
  if (!/^[a-z]/.test(key) || key.startsWith('systemv/')) throw unknownZone(name)
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  } catch {
    throw unknownZone(name)
  }
  if (ABBREVIATIONS.has(key)) throw unknownZone(name, format.resolvedOptions().timeZone)
  return format
}

/** Reads `03/29/2026, 03:30:00`. Parsing the text is three times as fast as `formatToParts`. */
function readWall(text: string): WallMs {
  const numbers = [0, 0, 0, 0, 0, 0]
  let index = 0
  let inNumber = true
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit >= 0 && digit <= 9) {
      if (!inNumber) index++
      inNumber = true
      numbers[index] = numbers[index]! * 10 + digit
    } else inNumber = false
  }
  const [month, day, year, hour, minute, second] = numbers as [number, number, number, number, number, number]
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

function unknownZone(name: unknown, meant: string | null = null): InvalidError {
  const problem: Problem = {
    path: 'timezone',
    rule: 'timezone.known',
    message:
      meant === null
        ? `timezone must be a zone of the IANA database such as "Europe/Berlin", but was ${quote(name)}${suggestion(name)}`
        : `timezone must be a zone of the IANA database, but ${quote(name)} is an abbreviation that different zones use; ` +
          `write the zone that is meant, such as "${meant}"`,
  }
  return new InvalidError('INVALID_TRIGGER', [problem])
}

function suggestion(name: unknown): string {
  if (typeof name !== 'string') return ''
  const known = ['UTC', ...Intl.supportedValuesOf('timeZone')]
  // "Berlin" is further from "Europe/Berlin" than a typing error, but clearly meant.
  const city = name.trim().replaceAll(' ', '_').toLowerCase()
  const match = known.find((zone) => zone.toLowerCase().endsWith(`/${city}`)) ?? closest(name.trim(), known)
  return match === null ? '' : `; did you mean "${match}"?`
}
