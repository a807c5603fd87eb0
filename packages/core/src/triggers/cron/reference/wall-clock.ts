import type { EpochMs } from '../../../domain/clock.js'
import { calendarDate } from './calendar-date.js'
import type { WrittenCron } from './written-cron.js'

const DAY_MS = 86_400_000
const SIXTY = Array.from({ length: 60 }, (_, i) => i)

interface Swallowed {
  readonly wall: number
  /** When the clock before the jump would have shown it. */
  readonly shifted: EpochMs
  /** When the clocks had jumped. */
  readonly after: EpochMs
}

/**
 * What somebody saw who watched the wall clock of a zone, that is Intl, step by step of real time; and by the rules of
 * the documents, read literally, what a cron does then. Knows nothing of transition tables.
 */
export class WatchedClock {
  readonly zone: string
  readonly middle: EpochMs
  /** Whether each reading lies on a step, so that whole minutes of real time are whole minutes on the wall. */
  readonly even: boolean
  readonly #from: EpochMs
  readonly #stepMs: number
  /** What the clock showed, by step: in columns, for there are thousands that every case looks at. */
  readonly #walls: Float64Array
  readonly #minutesOfDay: Uint16Array
  readonly #seconds: Uint8Array
  /** By step: 1 where no earlier step showed this reading, 2 where no later one does, 3 for both. */
  readonly #passes: Uint8Array
  readonly #swallowed: readonly Swallowed[]

  constructor(zone: string, middle: EpochMs, reachMs: number, stepMs: number) {
    this.zone = zone
    this.middle = middle
    this.#from = middle - reachMs
    this.#stepMs = stepMs
    const walls = readWall(zone, this.#from, middle + reachMs, stepMs)
    this.even = walls.every((wall) => wall % stepMs === 0)
    const first = new Map<number, number>()
    const last = new Map<number, number>()
    for (const [i, wall] of walls.entries()) {
      if (!first.has(wall)) first.set(wall, i)
      last.set(wall, i)
    }
    this.#walls = Float64Array.from(walls)
    this.#minutesOfDay = Uint16Array.from(walls, minuteOfDay)
    this.#seconds = Uint8Array.from(walls, secondOf)
    this.#passes = Uint8Array.from(
      walls,
      (wall, i) => (first.get(wall) === i ? 1 : 0) + (last.get(wall) === i ? 2 : 0),
    )
    const swallowed: Swallowed[] = []
    for (const [i, now] of walls.entries()) {
      const before = walls[i - 1] ?? now
      const at = this.#from + i * stepMs
      for (let wall = before + stepMs; wall < now; wall += stepMs) {
        const midnight = Math.floor(wall / DAY_MS) * DAY_MS
        const wholeDate = midnight > before && midnight + DAY_MS <= now
        if (wholeDate || first.has(wall)) continue
        swallowed.push({ wall, shifted: wall - (before - (at - stepMs)), after: at })
      }
    }
    this.#swallowed = swallowed
  }

  get year(): number {
    return new Date(this.middle).getUTCFullYear()
  }

  /** All fire times between two instants, both excluded, in order. */
  fires(cron: WrittenCron, after: EpochMs, before: EpochMs): EpochMs[] {
    const { gap = 'shift', overlap = 'auto' } = cron.dst ?? {}
    const pass = overlap === 'auto' ? (cron.wildcard ? 'both' : 'first') : overlap
    const wanted = pass === 'first' ? 1 : pass === 'last' ? 2 : 0
    const seconds = Uint8Array.from(SIXTY, (value) => Number(cron.second(value)))
    const minutesOfDay = matchingMinutes(cron)
    const dates = new Map<number, boolean>()
    const isDate = (wall: number): boolean => {
      const day = Math.floor(wall / DAY_MS)
      if (!dates.has(day)) dates.set(day, cron.date(calendarDate(day)))
      return dates.get(day)!
    }
    const found: EpochMs[] = []
    const start = Math.max(0, Math.ceil((after + 1 - this.#from) / this.#stepMs))
    for (let i = start; i < this.#walls.length; i++) {
      if (minutesOfDay[this.#minutesOfDay[i]!] === 0 || seconds[this.#seconds[i]!] === 0) continue
      const at = this.#from + i * this.#stepMs
      if (at >= before) break
      if ((this.#passes[i]! & wanted) === wanted && isDate(this.#walls[i]!)) found.push(at)
    }
    if (cron.wildcard || gap === 'skip' || this.#swallowed.length === 0) return found
    const all = new Set(found)
    for (const slot of this.#swallowed) {
      const at = gap === 'shift' ? slot.shifted : slot.after
      const time = minutesOfDay[minuteOfDay(slot.wall)] === 1 && seconds[secondOf(slot.wall)] === 1
      if (at > after && at < before && time && isDate(slot.wall)) all.add(at)
    }
    return [...all].toSorted((a, b) => a - b)
  }
}

function minuteOfDay(wall: number): number {
  return Math.floor((wall - Math.floor(wall / DAY_MS) * DAY_MS) / 60_000)
}

function secondOf(wall: number): number {
  return (wall / 1000 - Math.floor(wall / 60_000) * 60) | 0
}

/** 1 for each minute of the day that matches. */
function matchingMinutes(cron: WrittenCron): Uint8Array {
  const minutes = SIXTY.filter((value) => cron.minute(value))
  const matching = new Uint8Array(24 * 60)
  for (let hour = 0; hour < 24; hour++) {
    if (cron.hour(hour)) for (const minute of minutes) matching[hour * 60 + minute] = 1
  }
  return matching
}

function readWall(zone: string, from: EpochMs, until: EpochMs, stepMs: number): number[] {
  const format = formatOf(zone)
  const walls = []
  for (let at = from; at <= until; at += stepMs) walls.push(wallOf(format, at))
  return walls
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
    formats.set(zone, format)
  }
  return format
}

function wallOf(format: Intl.DateTimeFormat, at: EpochMs): number {
  const [, day, month, year, hour, minute, second] = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)$/
    .exec(format.format(at))!
    .map(Number) as [number, number, number, number, number, number, number]
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** About when the clocks of a zone change in the days from `from` on, to the hour; `null` if they do not. */
export function changeFrom(zone: string, from: EpochMs, days: number): EpochMs | null {
  const format = formatOf(zone)
  const offsetAt = (at: EpochMs): number => wallOf(format, at) - at
  const first = offsetAt(from)
  for (let day = 1; day <= days; day++) {
    let at = from + day * DAY_MS
    if (offsetAt(at) === first) continue
    while (offsetAt(at - 3_600_000) !== first) at -= 3_600_000
    return at
  }
  return null
}
