import { EvertickError } from '../domain/errors.js'
import type { Store } from '../store/contract.js'
import type { StoreExport } from '../store/exports.js'
import { ExportDigest, keyOf, type ExportCounts } from './export-digest.js'
import { exportPages, type ExportOptions } from './export-store.js'

export interface ImportOptions extends ExportOptions {
  /** Also into a store that holds something. What has the same identity there is replaced. @default false */
  readonly intoExisting?: boolean
  readonly onProgress?: (progress: MoveProgress) => void
}

export interface MoveProgress {
  /** First all is `written` to the target, then `verified`: read again from there. */
  readonly phase: 'written' | 'verified'
  /** So far. */
  readonly counts: ExportCounts
}

export interface MoveResult {
  readonly counts: ExportCounts
  /** Of what was written, and of what the target holds of it: they are the same. */
  readonly digest: string
}

/**
 * Writes items into a store, in their order, and then reads them again from there and compares.
 * `items` come from {@link exportStore} with the same `history`, or from a file. May be repeated: it goes on.
 * @throws {EvertickError} STORE_NOT_EMPTY: nothing was written. MOVE_DIFFERS: the target holds something else than was
 * written, for it, or the source with its history, is in use. Whatever `items` throws; what came before it is written.
 */
export async function importInto(
  store: Store,
  items: AsyncIterable<StoreExport> | Iterable<StoreExport>,
  options: ImportOptions = {},
): Promise<MoveResult> {
  const wasEmpty = await isEmpty(store)
  if (!wasEmpty && options.intoExisting !== true) throw notEmpty(store)
  return writeAll(store, inPages(items), wasEmpty, options)
}

/** Fewer than a page of an export, for a write costs more than a read. */
const BATCH = 250

/** Writes and verifies. `wasEmpty`: all that the target will hold are these. */
export async function writeAll(
  store: Store,
  pages: AsyncIterable<readonly StoreExport[]>,
  wasEmpty: boolean,
  options: ImportOptions,
): Promise<MoveResult> {
  const { onProgress, signal } = options
  const digest = new ExportDigest()
  const keys = wasEmpty ? null : new Set<string>()
  let calendarsAreNew = false
  for await (const page of pages) {
    for (let from = 0; from < page.length; from += BATCH) {
      signal?.throwIfAborted()
      const batch = page.slice(from, from + BATCH)
      if (!calendarsAreNew && options.intoExisting === true && !wasEmpty && batch.some(isSchedule)) {
        await renewCalendars(store)
        calendarsAreNew = true
      }
      await store.import(batch)
      for (const item of batch) {
        digest.add(item)
        keys?.add(keyOf(item))
      }
      onProgress?.({ phase: 'written', counts: digest.counts })
    }
  }
  const found = new ExportDigest()
  for await (const page of exportPages(store, options)) {
    for (const item of page) if (keys === null || keys.has(keyOf(item))) found.add(item)
    onProgress?.({ phase: 'verified', counts: found.counts })
  }
  if (found.value !== digest.value) throw differs(store, digest, found)
  return { counts: digest.counts, digest: digest.value }
}

export async function isEmpty(store: Store): Promise<boolean> {
  const pages = await Promise.all([
    store.listSchedules({ limit: 1 }),
    store.listCalendars({ limit: 1 }),
    store.listRuns({ limit: 1 }),
  ])
  return pages.every(({ items }) => items.length === 0)
}

export function notEmpty(store: Store, what = 'schedules, calendars or runs'): EvertickError {
  return new EvertickError(
    'STORE_NOT_EMPTY',
    `${store.info.location} holds ${what} already; nothing was written. Name an empty store, or say that what is there may be replaced`,
  )
}

async function* inPages(
  items: AsyncIterable<StoreExport> | Iterable<StoreExport>,
): AsyncGenerator<StoreExport[], void> {
  let page: StoreExport[] = []
  try {
    for await (const item of items) {
      page.push(item)
      if (page.length < BATCH) continue
      yield page
      page = []
    }
  } catch (error) {
    // What came before it is good, and counts.
    if (page.length > 0) yield page
    throw error
  }
  if (page.length > 0) yield page
}

function isSchedule({ kind }: StoreExport): boolean {
  return kind === 'schedule'
}

/**
 * The calendars of two stores may have had the same revision and yet have been others: from here on they have one that
 * nothing was computed with.
 */
async function renewCalendars(store: Store): Promise<void> {
  const definition = { name: 'evertick-import' }
  const { outcome } = await store.putCalendar({ definition, expect: 'absent' })
  if (outcome === 'created') await store.deleteCalendar(definition.name)
}

function differs(store: Store, written: ExportDigest, found: ExportDigest): EvertickError {
  const kinds = (Object.keys(written.counts) as (keyof ExportCounts)[]).filter(
    (kind) => written.counts[kind] !== found.counts[kind],
  )
  const counts = kinds.map((kind) => `${found.counts[kind]} of ${written.counts[kind]} ${kind}s`).join(', ')
  return new EvertickError(
    'MOVE_DIFFERS',
    `${store.info.location} does not hold what was written${counts === '' ? ', though as many items' : `, but ${counts}`}: something changes it meanwhile. Stop the nodes on it, and move once more`,
  )
}
