import type { ScheduleClient, SchedulePatch } from '@evertick/core'
import type { Edit } from './checker/evidence.js'
import { monotonicMs } from './shared-clock.js'
import type { Entry, EntryInput } from './timetable.js'

const AT_ONCE = 50

/** Changes schedules while they fire, in what does not move their fire times. */
export class Editor {
  /** All edits that have returned, by the monotonic clock. */
  readonly edits: Edit[] = []
  readonly #schedules: ScheduleClient
  readonly #entries: readonly Entry[]
  #version = 0

  constructor(schedules: ScheduleClient, entries: readonly Entry[]) {
    this.#schedules = schedules
    this.#entries = entries
  }

  async editAll(): Promise<void> {
    const version = ++this.#version
    for (let i = 0; i < this.#entries.length; i += AT_ONCE) {
      await Promise.all(this.#entries.slice(i, i + AT_ONCE).map((entry) => this.#edit(entry, version)))
    }
  }

  async #edit({ id, bodyMs }: Entry, version: number): Promise<void> {
    const changes: SchedulePatch =
      version % 2 === 0 ? { priority: version % 100 } : { description: `Edit ${version}` }
    const input: EntryInput = { bodyMs, version }
    await this.#schedules.patch(id, { ...changes, input })
    this.edits.push({ schedule: id, version, at: monotonicMs() })
  }
}
