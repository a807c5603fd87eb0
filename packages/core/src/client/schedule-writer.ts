import type { ScheduleId } from '../domain/ids.js'
import type { Schedule } from '../domain/schedule.js'
import type { PutSchedule, Store } from '../store/contract.js'
import type { CalendarReader, CalendarSource } from './calendar-source.js'
import { tooManyRaces } from './schedule-errors.js'

/** Others may edit the same schedule; so many times in a row they do not. */
export const MAX_RACES = 20
const AT_ONCE = 500

export interface Change {
  readonly id: ScheduleId
  /** The trigger whose calendars the decision needs, if any. */
  readonly trigger: (existing: Schedule | null) => unknown
  /** What to write over `existing`, or `null` to leave it as it is. */
  readonly decide: (existing: Schedule | null, source: CalendarSource) => PutSchedule | null
}

/**
 * Reads, decides and writes with compare-and-set; what someone else changed in between, the schedule or a calendar that
 * it refers to, is decided again. All is decided before the first is written, so that a refusal leaves nothing half
 * done. Answers the schedules as they are then, in the order of `changes`.
 * @throws {EvertickError} REVISION_CONFLICT
 */
export async function writeSchedules(
  store: Pick<Store, 'getSchedules' | 'putSchedules'>,
  calendars: CalendarReader,
  changes: readonly Change[],
): Promise<Schedule[]> {
  const results: (Schedule | undefined)[] = []
  let open = [...changes.entries()]
  for (let races = 0; open.length > 0; races++) {
    const ids = open.map(([, { id }]) => id)
    const current = await inBatches(ids, (batch) => store.getSchedules(batch))
    const triggers = open.map(([, { trigger }], i) => trigger(current[i] ?? null))
    const source = await calendars.sourceFor(triggers)
    const puts: PutSchedule[] = []
    const positions: number[] = []
    for (const [i, [position, { decide }]] of open.entries()) {
      const existing = current[i] ?? null
      const item = decide(existing, source)
      if (item === null) {
        results[position] = existing!
      } else {
        puts.push(item)
        positions.push(position)
      }
    }
    const answers = await inBatches(puts, (batch) => store.putSchedules(batch))
    const lost = new Set<number>()
    for (const [i, answer] of answers.entries()) {
      if (answer.outcome === 'created' || answer.outcome === 'updated')
        results[positions[i]!] = answer.schedule
      else lost.add(positions[i]!)
    }
    open = open.filter(([position]) => lost.has(position))
    if (open.length > 0 && races === MAX_RACES) throw tooManyRaces(open[0]![1].id)
  }
  return results as Schedule[]
}

async function inBatches<Item, Answer>(
  items: readonly Item[],
  call: (batch: readonly Item[]) => Promise<Answer[]>,
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let start = 0; start < items.length; start += AT_ONCE) {
    answers.push(...(await call(items.slice(start, start + AT_ONCE))))
  }
  return answers
}
