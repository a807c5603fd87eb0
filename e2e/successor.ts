import { setTimeout as sleep } from 'node:timers/promises'
import type { Run, Scheduler } from '@evertick/core'
import { allRuns } from './all-runs.js'
import type { Entry } from './timetable.js'

/** Fire times that are asked for once more. */
const BACK = 3
/** Of the runs of a deleted schedule nothing is kept; the others have rules of their own. */
const NOTHING = { maxRuns: 0, maxAgeMs: 1e12, maxFailures: 0, maxFailureAgeMs: 1e12, maxSkipped: 0 }

/**
 * Deletes a schedule with all its runs, and makes it anew with fire times that it has had already: all that says so
 * is its high-water mark.
 */
export class Successor {
  /** The runs that were deleted. */
  readonly deleted: Run[] = []
  readonly #observer: Scheduler
  readonly #entries: readonly Entry[]

  constructor(observer: Scheduler, entries: readonly Entry[]) {
    this.#observer = observer
    // What ends soon, and of which nothing may be lost.
    this.#entries = entries.filter(({ bodyMs, everyMs, delivery, overlap }) => {
      return bodyMs < everyMs && delivery === 'atLeastOnce' && overlap === 'allow'
    })
  }

  /** `count`: how often that was done before. */
  async replaceOne(count: number): Promise<void> {
    const { store, schedules } = this.#observer
    const { id, everyMs } = this.#entries[count % this.#entries.length]!
    await schedules.pause(id)
    const runs = await this.#endedRuns(id)
    const [schedule] = await store.getSchedules([id])
    await schedules.delete(id)
    for (let more = true; more;) more = (await store.prune(NOTHING, 1000)).more
    if ((await allRuns(this.#observer, id)).length > 0) throw new Error(`Runs of ${id} are still there`)
    this.deleted.push(...runs)
    const fireTime = schedule!.highWaterMark! - BACK * everyMs
    await store.putSchedules([
      {
        definition: schedule!.definition,
        state: 'active',
        stateReason: null,
        expect: 'absent',
        timing: { fireTime, dueAt: fireTime, tzdata: schedule!.tzdata!, calendars: null, afterRunMs: null },
      },
    ])
  }

  async #endedRuns(id: string): Promise<Run[]> {
    for (;;) {
      const runs = await allRuns(this.#observer, id)
      if (runs.every(({ endedAt }) => endedAt !== null)) return runs
      await sleep(50)
    }
  }
}
