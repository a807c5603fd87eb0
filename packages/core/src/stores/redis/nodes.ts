import type { SessionId } from '../../domain/ids.js'
import type { Heartbeat, HeartbeatAnswer, NodeInfo, NodeRecord, StoreStats } from '../../store/contract.js'
import { HELD_RUNS_LISTED, LISTED_FOR_MS } from '../../store/periods.js'
import type { Cells } from './cells.js'
import { fieldsOf, nodeOf, type NodeRow } from './rows.js'

type BeatAnswer = readonly [
  now: string,
  cancel: readonly string[],
  sessions: readonly string[],
  loads: readonly string[],
]

type StatsAnswer = readonly [
  now: string,
  counts: readonly string[],
  running: readonly string[],
  oldestDueAt: string,
  waiting: readonly (string | number)[],
  infos: readonly string[],
]

/** Nodes and their sessions. Each cell has them, for it must know by itself who may still write. */
export class Nodes {
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  /** @throws {SessionExpiredError} */
  async beat({ leaseMs, ...info }: Heartbeat): Promise<HeartbeatAnswer> {
    const args = { session: info.session, leaseMs, info: JSON.stringify(info), load: String(info.load) }
    const answers = await this.#cells.everywhere<BeatAnswer>('heartbeat', () => args)
    const [now, , sessions, loads] = answers[0]!
    return {
      now: Number(now),
      cancel: answers.flatMap(([, cancel]) => cancel),
      sessions,
      load: loads.reduce((sum, load) => sum + Number(load), 0) / loads.length,
    }
  }

  async list(): Promise<NodeRecord[]> {
    const args = { listedForMs: LISTED_FOR_MS, heldListed: HELD_RUNS_LISTED }
    const answers = await this.#cells.everywhere<[string, NodeRow[]]>('list-nodes', () => args)
    const held = new Map<SessionId, NodeRow[]>()
    for (const row of answers.flatMap(([, rows]) => rows))
      held.set(row[5], [...(held.get(row[5]) ?? []), row])
    const [now, rows] = answers[0]!
    return rows
      .map((row) => nodeOf(row, held.get(row[5])!, Number(now)))
      .toSorted((a, b) => a.startedAt - b.startedAt)
  }

  async leave(session: SessionId): Promise<void> {
    await this.#cells.everywhere('leave', () => ({ session }))
  }

  async stats(): Promise<StoreStats> {
    const answers = await this.#cells.everywhere<StatsAnswer>('stats', ({ shards }) => ({ shards }))
    const counts = new Map<string, number>()
    const unclaimed: Record<string, number> = {}
    const known = new Set(answers[0]![5].flatMap((info) => (JSON.parse(info) as NodeInfo).tasks))
    let running = 0
    for (const [, counted, held, , waiting] of answers) {
      for (const [name, count] of fieldsOf(counted)) counts.set(name, (counts.get(name) ?? 0) + Number(count))
      for (const count of fieldsOf(held).values()) running += Number(count)
      for (let i = 0; i < waiting.length; i += 2) {
        const task = waiting[i] as string
        if (waiting[i + 1] !== 0 && !known.has(task))
          unclaimed[task] = (unclaimed[task] ?? 0) + Number(waiting[i + 1])
      }
    }
    const count = (name: string): number => counts.get(name) ?? 0
    const overdue = answers.flatMap(([, , , oldest]) => (oldest === '' ? [] : [Number(oldest)]))
    const tzdata = [...counts].filter(([name, n]) => name.startsWith('tz:') && n > 0)
    return {
      now: Number(answers[0]![0]),
      schedules: {
        active: count('active'),
        paused: count('paused'),
        finished: count('finished'),
        broken: count('broken'),
      },
      pending: count('pending'),
      running,
      retrying: count('retrying'),
      tzdata: Object.fromEntries(tzdata.map(([name, n]) => [name.slice(3), n])),
      oldestDueAt: overdue.length === 0 ? null : Math.min(...overdue),
      unclaimed,
    }
  }
}
