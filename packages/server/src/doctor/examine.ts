import type { Clock } from '@evertick/core'
import type { Client, ScheduleJson } from '../cli/client.js'
import { VERSION } from '../version.js'
import { OVERDUE_MS, type Findings } from './diagnose.js'

const PAGE = 1000
// Whoever has more than this overdue does not need all their names.
const MOST_OVERDUE = 100
const MOST_BROKEN = 100

/** Asks for all that {@link diagnose} needs to know. */
export async function examine(client: Client, clock: Clock): Promise<Findings> {
  const before = clock.now()
  const stats = await client.stats()
  // The store told its time somewhere between: half-way is wrong by at most half the round trip.
  const midway = (before + clock.now()) / 2
  const [nodes, broken] = await Promise.all([
    client.listNodes(),
    stats.schedules.broken === 0 ? null : client.listSchedules({ state: 'broken', limit: MOST_BROKEN }),
  ])
  return {
    stats,
    nodes: nodes.items,
    broken: broken?.items ?? [],
    overdue: stats.overdueMs > OVERDUE_MS ? await overdueSchedules(client, Date.parse(stats.now)) : [],
    version: VERSION,
    clockAheadMs: Math.round(Date.parse(stats.now) - midway),
  }
}

async function overdueSchedules(client: Client, now: number): Promise<ScheduleJson[]> {
  const found: ScheduleJson[] = []
  let cursor: string | null = null
  do {
    const page = await client.listSchedules({
      state: 'active',
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    })
    found.push(...page.items.filter(({ dueAt }) => dueAt !== null && now - Date.parse(dueAt) > OVERDUE_MS))
    cursor = page.nextCursor
  } while (cursor !== null && found.length < MOST_OVERDUE)
  return found.toSorted((a, b) => (a.dueAt! < b.dueAt! ? -1 : 1))
}
