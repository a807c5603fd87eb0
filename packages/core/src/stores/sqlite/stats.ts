import type { NodeInfo, StoreStats } from '../../store/contract.js'
import type { Database } from './database.js'

/** Counts what is there. */
export function statsOf(db: Database): StoreStats {
  const now = db.now()
  const schedules = { active: 0, paused: 0, finished: 0, broken: 0 }
  const states = db.statement('SELECT state, count(*) AS n FROM schedules GROUP BY state').all()
  for (const { state, n } of states as { state: keyof typeof schedules; n: number }[]) schedules[state] = n
  const open = { pending: 0, running: 0, retrying: 0 }
  const statuses = db
    .statement('SELECT status, count(*) AS n FROM runs WHERE queue > 0 GROUP BY status')
    .all()
  for (const { status, n } of statuses as { status: keyof typeof open; n: number }[]) open[status] = n
  const oldest = db
    .statement(
      `SELECT due_at AS at FROM schedules WHERE state = 'active' AND due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT 1`,
    )
    .get(now) as { at: number } | undefined
  const versions = db
    .statement(
      `SELECT tzdata, count(*) AS n FROM schedules
       WHERE state = 'active' AND due_at IS NOT NULL AND tzdata IS NOT NULL GROUP BY tzdata`,
    )
    .all() as { tzdata: string; n: number }[]
  const tzdata = Object.fromEntries(versions.map((row) => [row.tzdata, row.n]))
  return {
    now,
    schedules,
    ...open,
    tzdata,
    oldestDueAt: oldest?.at ?? null,
    unclaimed: unclaimedOf(db, now),
  }
}

function unclaimedOf(db: Database, now: number): Record<string, number> {
  const live = db.statement('SELECT info FROM sessions WHERE lease_until > ?').all(now) as {
    info: string
  }[]
  const known = new Set(live.flatMap(({ info }) => (JSON.parse(info) as NodeInfo).tasks))
  const waiting = db
    .statement('SELECT task, count(*) AS n FROM runs WHERE queue = 1 GROUP BY task')
    .all() as { task: string; n: number }[]
  return Object.fromEntries(waiting.filter(({ task }) => !known.has(task)).map(({ task, n }) => [task, n]))
}
