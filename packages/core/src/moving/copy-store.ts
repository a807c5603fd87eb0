import type { ScheduleId } from '../domain/ids.js'
import type { Store } from '../store/contract.js'
import { exportPages } from './export-store.js'
import { isEmpty, notEmpty, writeAll, type ImportOptions, type MoveResult } from './import-into.js'
import { pagesOf } from './pages.js'

const PAGE = 500

/**
 * Makes `to` hold what `from` holds, and verifies it. Repeated after an interruption it goes on, and after `from` went on
 * it brings what has changed: a target that holds only what comes from `from` may be written again.
 * @throws {EvertickError} STORE_NOT_EMPTY: `to` holds something else, and nothing was written; MOVE_DIFFERS.
 */
export async function copyStore(from: Store, to: Store, options: ImportOptions = {}): Promise<MoveResult> {
  const wasEmpty = await isEmpty(to)
  if (!wasEmpty && options.intoExisting !== true) await assertComesFrom(from, to)
  return writeAll(to, exportPages(from, options), wasEmpty, options)
}

/** Its creation tells whether a schedule or calendar is the same one, not merely a namesake. */
async function assertComesFrom(from: Store, to: Store): Promise<void> {
  const deleted = new Set<ScheduleId>()
  for await (const page of pagesOf((start) => from.exportTombstones({ limit: PAGE, ...start })))
    for (const { id } of page) deleted.add(id)
  for await (const page of pagesOf((start) => to.listSchedules({ limit: PAGE, ...start }))) {
    const theirs = await from.getSchedules(page.map(({ id }) => id))
    const stranger = page.find(
      ({ id, createdAt }, i) => theirs[i]?.createdAt !== createdAt && !deleted.has(id),
    )
    if (stranger !== undefined) throw notEmpty(to, `schedule ${stranger.id}, which comes from elsewhere,`)
  }
  for await (const page of pagesOf((start) => to.listCalendars({ limit: PAGE, ...start }))) {
    const { calendars } = await from.getCalendars(page.map(({ name }) => name))
    const stranger = page.find(({ createdAt }, i) => calendars[i]?.createdAt !== createdAt)
    if (stranger !== undefined) throw notEmpty(to, `calendar ${stranger.name}, which comes from elsewhere,`)
  }
}
