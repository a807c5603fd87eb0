import { isOpen } from '@evertick/core'
import type { Client, RunFilter, RunJson } from '../client.js'
import { UnreachableError } from '../failures.js'
import { pause, untilInterrupted } from '../io.js'
import type { ClientContext } from './context.js'
import { runLine } from './run-text.js'

const POLL_MS = 500
const PAGE = 100
// A burst of more runs than this between two looks is not shown in full; nobody could read it.
const MOST_PAGES = 5
// Older open runs than these are not asked for one by one.
const MOST_TRACKED = 50

/** Prints the runs that `filter` finds, oldest first, then new and changed ones until the user interrupts. */
export async function followRuns(context: ClientContext, filter: RunFilter): Promise<void> {
  const { client, io } = context
  const shown = new ShownRuns()
  const { items } = await client.listRuns(filter)
  show(shown.news(items), context)
  await untilInterrupted(io, async (signal) => {
    let away = false
    while (await pause(io.clock, POLL_MS, signal)) {
      try {
        show(shown.news(await look(client, filter, shown)), context)
        away = false
      } catch (error) {
        // The server may be restarting: whoever follows wants to see what comes after that, too.
        if (!(error instanceof UnreachableError)) throw error
        if (!away) io.stderr.write(`${error.message}; still trying\n`)
        away = true
      }
    }
  })
}

/** The newest runs back to those that were shown before, and the open ones of earlier looks. */
async function look(client: Client, filter: RunFilter, shown: ShownRuns): Promise<RunJson[]> {
  const found: RunJson[] = []
  let cursor: string | null | undefined
  for (let pages = 0; pages < MOST_PAGES && cursor !== null; pages++) {
    const page = await client.listRuns({ ...filter, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) })
    found.push(...page.items)
    cursor = page.items.every(({ id }) => !shown.has(id)) ? page.nextCursor : null
  }
  const listed = new Set(found.map(({ id }) => id))
  const others = shown.open().filter((id) => !listed.has(id))
  const changed = await Promise.all(others.slice(-MOST_TRACKED).map((id) => client.getRun(id)))
  return [...found, ...changed]
}

function show(runs: readonly RunJson[], { io, json, style }: ClientContext): void {
  for (const run of runs)
    io.stdout.write(json ? `${JSON.stringify(run)}\n` : runLine(run, style, io.clock.now()))
}

/** What has been shown of each run of the latest look; older ones are forgotten, so that it does not grow. */
class ShownRuns {
  #states = new Map<string, { readonly state: string; readonly open: boolean }>()

  has(id: string): boolean {
    return this.#states.has(id)
  }

  open(): string[] {
    return [...this.#states].filter(([, { open }]) => open).map(([id]) => id)
  }

  /** Those of `runs`, newest first, that are new or changed: oldest first. */
  news(runs: readonly RunJson[]): RunJson[] {
    const news = runs.filter((run) => this.#states.get(run.id)?.state !== stateOf(run))
    if (runs.length > 0)
      this.#states = new Map(runs.map((run) => [run.id, { state: stateOf(run), open: isOpen(run.status) }]))
    return news.toReversed()
  }
}

function stateOf({ status, attempt, endedAt }: RunJson): string {
  return `${status} ${attempt} ${endedAt}`
}
