import type { Calendar } from '../domain/calendar.js'
import { isOpen, RUN_STATUSES, type LogLine, type Run, type RunStatus } from '../domain/run.js'
import type { Page, Store } from '../store/contract.js'
import {
  endedRun,
  runWithoutSchedule,
  type CalendarExport,
  type ScheduleExport,
  type StoreExport,
} from '../store/exports.js'
import { pagesOf, type PageStart } from './pages.js'

export interface ExportOptions {
  /** Runs that have ended too, with what their handlers wrote. @default false */
  readonly history?: boolean
  readonly signal?: AbortSignal
}

/** Few enough for one step of any store, many enough to make the calls cheap. */
const PAGE = 500
/** Runs can be large: a result and a log each. */
const RUNS_PAGE = 100
const LOG_PAGE = 1000

const OPEN = RUN_STATUSES.filter(isOpen)
// What still runs, and must not begin a second time, travels with the history: see `endedRun`.
const OF_THE_HISTORY: readonly RunStatus[] = RUN_STATUSES.filter(
  (status) => status !== 'pending' && status !== 'retrying',
)

/**
 * All that a store holds, in the order in which it must be imported: what schedules refer to before them, and their
 * history before the runs that go on. Each item is of one moment; a store that is in use goes on meanwhile.
 */
export async function* exportStore(
  store: Store,
  options: ExportOptions = {},
): AsyncGenerator<StoreExport, void> {
  for await (const page of exportPages(store, options)) yield* page
}

/** The same, page by page. No page is empty. */
export async function* exportPages(
  store: Store,
  { history = false, signal }: ExportOptions = {},
): AsyncGenerator<StoreExport[], void> {
  const { revision: calendarsRevision } = await store.getCalendars([])
  const parts: ((start: PageStart) => Promise<Page<StoreExport>>)[] = [
    async (start) => {
      const { items, nextCursor } = await store.listCalendars({ limit: PAGE, ...start })
      return {
        items: items.map((calendar) => exportedCalendar(calendar, calendarsRevision)),
        nextCursor,
      }
    },
    async (start) => (history ? runs(store, start) : { items: [], nextCursor: null }),
    async (start) => {
      const page = await store.exportSchedules({ limit: PAGE, ...start })
      return history
        ? { ...page, items: await Promise.all(page.items.map((item) => withLogs(store, item))) }
        : page
    },
    (start) => withoutSchedule(store, start),
    (start) => store.exportTombstones({ limit: PAGE, ...start }),
  ]
  for (const part of parts) yield* pagesOf(part, signal)
}

function exportedCalendar(calendar: Calendar, calendarsRevision: number): CalendarExport {
  return { kind: 'calendar', ...calendar, calendarsRevision }
}

async function runs(store: Store, start: PageStart): Promise<Page<StoreExport>> {
  const page = await store.listRuns({ limit: RUNS_PAGE, status: OF_THE_HISTORY, ...start })
  const ended = page.items.map(endedRun).filter((run) => run !== null)
  const items = ended.map(async (run) => ({ kind: 'run' as const, run, log: await logOf(store, run) }))
  return { items: await Promise.all(items), nextCursor: page.nextCursor }
}

/** What waits by request, though its schedule is no more. */
async function withoutSchedule(store: Store, start: PageStart): Promise<Page<StoreExport>> {
  const page = await store.listRuns({ limit: PAGE, status: OPEN, ...start })
  const schedules = await store.getSchedules(page.items.map(({ scheduleId }) => scheduleId))
  const runs = page.items.filter((_, i) => schedules[i] === null).map(runWithoutSchedule)
  return { ...page, items: runs.filter((run) => run !== null).map((run) => ({ kind: 'run', run, log: [] })) }
}

async function withLogs(store: Store, item: ScheduleExport): Promise<ScheduleExport> {
  if (item.open.length === 0) return item
  const open = item.open.map(async (run) =>
    run.attempt === 0 ? run : { ...run, log: await logOf(store, run) },
  )
  return { ...item, open: await Promise.all(open) }
}

async function logOf(store: Store, run: Run): Promise<LogLine[]> {
  // Without a lease nothing was ever written.
  if (run.fence === 0) return []
  const lines: LogLine[] = []
  let after = 0
  for (;;) {
    const page = await store.readLog(run.id, { after, limit: LOG_PAGE })
    lines.push(...page.lines)
    if (page.lines.length < LOG_PAGE) return lines
    after = page.position
  }
}
