import type { EpochMs } from '../../domain/clock.js'
import type { ScheduleId } from '../../domain/ids.js'
import type { ExportQuery, Page } from '../../store/contract.js'
import { decodeCursor, encodeCursor } from '../../store/cursor.js'
import type { TombstoneExport } from '../../store/exports.js'

export type Tombstone = Omit<TombstoneExport, 'kind'>

/** What outlives deleted schedules, for a while. */
export class Tombstones {
  readonly #tombstones = new Map<ScheduleId, Tombstone>()

  /** `null` when there is none, or it is over. */
  get(id: ScheduleId, now: EpochMs): Tombstone | null {
    const found = this.#tombstones.get(id)
    return found !== undefined && found.expiresAt > now ? found : null
  }

  set(tombstone: Tombstone): void {
    this.#tombstones.set(tombstone.id, tombstone)
  }

  delete(id: ScheduleId): void {
    this.#tombstones.delete(id)
  }

  forgetOld(now: EpochMs): void {
    for (const [id, { expiresAt }] of this.#tombstones) if (expiresAt <= now) this.#tombstones.delete(id)
  }

  list({ limit, cursor }: ExportQuery, now: EpochMs): Page<TombstoneExport> {
    const after = cursor === undefined ? '' : (decodeCursor(cursor, ['string'])[0] as ScheduleId)
    const left = [...this.#tombstones.values()]
      .filter(({ id, expiresAt }) => id > after && expiresAt > now)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    const items = left.slice(0, limit).map(exported)
    return { items, nextCursor: left.length > limit ? encodeCursor([items.at(-1)!.id]) : null }
  }
}

function exported({ id, revision, highWaterMark, expiresAt }: Tombstone): TombstoneExport {
  return { kind: 'tombstone', id, revision, highWaterMark, expiresAt }
}
