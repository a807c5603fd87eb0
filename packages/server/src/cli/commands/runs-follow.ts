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

/** The newest runs back to those of the look before, and what became of the open ones among them. */
async function look(client: Client, filter: RunFilter, shown: ShownRuns): Promise<RunJson[]> {
  const found: RunJson[] = []
  let cursor: string | null | undefined
  for (let pages = 0; pages < MOST_PAGES && cursor !== null; pages++) {
    const page = await client.listRuns({
      ...filter,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    })
    found.push(...page.items)
    const oldest = page.items.at(-1)
    cursor = oldest !== undefined && shown.isNew(oldest) ? page.nextCursor : null
  }
  const listed = new Set(found.map(({ id }) => id))
  const others = shown.open().filter((id) => !listed.has(id))
  const changed = await Promise.all(others.slice(-MOST_TRACKED).map((id) => runIfKept(client, id)))
  const wanted = (run: RunJson | null): run is RunJson =>
    run !== null && (filter.status === undefined || filter.status.includes(run.status))
  return [...found, ...changed.filter(wanted)]
}

/** `null` when its history has been pruned meanwhile. */
async function runIfKept(client: Client, id: string): Promise<RunJson | null> {
  try {
    return await client.getRun(id)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'RUN_NOT_FOUND') return null
    throw error
  }
}

function show(runs: readonly RunJson[], { io, json, style }: ClientContext): void {
  for (const run of runs)
    io.stdout.write(json ? `${JSON.stringify(run)}\n` : runLine(run, style, io.clock.now()))
}

/** What has been shown of the runs of the latest look; older ones are forgotten, so that it does not grow. */
class ShownRuns {
  #states = new Map<string, { readonly state: string; readonly open: boolean }>()
  #newest = ''

  open(): string[] {
    return [...this.#states].filter(([, { open }]) => open).map(([id]) => id)
  }

  /** Created since the latest look: what is older and unknown was left out on purpose. */
  isNew({ id, createdAt }: RunJson): boolean {
    return !this.#states.has(id) && createdAt >= this.#newest
  }

  /** Those of `runs`, newest first, that are new or changed: oldest first. */
  news(runs: readonly RunJson[]): RunJson[] {
    const news = runs.filter((run) => {
      const known = this.#states.get(run.id)
      return known === undefined ? this.isNew(run) : known.state !== stateOf(run)
    })
    const known = runs.filter((run) => this.#states.has(run.id) || news.includes(run))
    this.#states = new Map(known.map((run) => [run.id, { state: stateOf(run), open: isOpen(run.status) }]))
    for (const { createdAt } of known) if (createdAt > this.#newest) this.#newest = createdAt
    return news.toReversed()
  }
}

function stateOf({ status, attempt, endedAt }: RunJson): string {
  return `${status} ${attempt} ${endedAt}`
}
