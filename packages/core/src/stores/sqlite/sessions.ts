import { SessionExpiredError } from '../../domain/errors.js'
import type { RunId, SessionId } from '../../domain/ids.js'
import type { Heartbeat, HeartbeatAnswer, NodeInfo, NodeRecord } from '../../store/contract.js'
import type { Database } from './database.js'
import { idOf, parsed, type RunIdentity } from '../sql/rows.js'
import { HELD_RUNS_LISTED, LISTED_FOR_MS } from '../../store/periods.js'

interface SessionRow {
  number: number
  info: string
  started_at: number
  last_beat_at: number
  lease_until: number
  has_left: number
}

/** Nodes and their sessions. A lease lives as long as the session that holds it, so one row renews them all. */
export class Sessions {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** @throws {SessionExpiredError} */
  beat({ leaseMs, ...info }: Heartbeat): HeartbeatAnswer {
    const db = this.#db
    const now = db.now()
    const known = db.statement('SELECT lease_until FROM sessions WHERE session = ?').get(info.session) as
      | { lease_until: number }
      | undefined
    if (known === undefined) {
      db.statement(
        'INSERT INTO sessions (session, node, info, started_at, last_beat_at, lease_until) VALUES (?, ?, ?, ?, ?, ?)',
      ).run(info.session, info.node, JSON.stringify(info), now, now, now + leaseMs)
      return { now, cancel: [], ...this.#alive(now) }
    }
    if (known.lease_until <= now) throw new SessionExpiredError(info.session)
    db.statement('UPDATE sessions SET info = ?, last_beat_at = ?, lease_until = ? WHERE session = ?').run(
      JSON.stringify(info),
      now,
      now + leaseMs,
      info.session,
    )
    return { now, cancel: this.#toCancel(info.session), ...this.#alive(now) }
  }

  #alive(now: number): Pick<HeartbeatAnswer, 'sessions' | 'load'> {
    const rows = this.#db
      .statement(`SELECT session, json_extract(info, '$.load') AS load FROM sessions WHERE lease_until > ?`)
      .all(now) as { session: SessionId; load: number }[]
    const sum = rows.reduce((total, { load }) => total + load, 0)
    return { sessions: rows.map(({ session }) => session), load: sum / rows.length }
  }

  #toCancel(session: SessionId): RunId[] {
    const rows = this.#db
      .statement(
        `SELECT schedule_id, fire_time, request_id FROM runs
         WHERE queue = 4 AND cancel_requested = 1 AND session = (SELECT number FROM sessions WHERE session = ?)`,
      )
      .all(session) as RunIdentity[]
    return rows.map(idOf)
  }

  list(): NodeRecord[] {
    const now = this.#db.now()
    const rows = this.#db
      .statement(
        `SELECT number, info, started_at, last_beat_at, lease_until, has_left FROM sessions
         WHERE lease_until > ? ORDER BY number`,
      )
      .all(now - LISTED_FOR_MS) as SessionRow[]
    const held = this.#heldCounts()
    return rows.map((row) =>
      Object.assign(parsed<NodeInfo>(row.info)!, {
        alive: row.lease_until > now,
        left: row.has_left === 1,
        startedAt: row.started_at,
        lastBeatAt: row.last_beat_at,
        leaseUntil: row.lease_until,
        runsHeld: held.get(row.number) ?? 0,
        heldRuns: held.has(row.number) ? this.#heldRuns(row.number) : [],
      }),
    )
  }

  /** By the number of the session: one pass over the index of held runs, for all sessions of a day together. */
  #heldCounts(): Map<number, number> {
    const rows = this.#db
      .statement('SELECT session, count(*) AS n FROM runs WHERE queue = 4 GROUP BY session')
      .all() as { session: number; n: number }[]
    return new Map(rows.map(({ session, n }) => [session, n]))
  }

  #heldRuns(session: number): RunId[] {
    const rows = this.#db
      .statement(
        `SELECT schedule_id, fire_time, request_id FROM runs WHERE queue = 4 AND session = ?
         LIMIT ${HELD_RUNS_LISTED}`,
      )
      .all(session) as RunIdentity[]
    return rows.map(idOf)
  }

  /** Ends the session; what it holds can be recovered from now on. Harmless for one that has ended already. */
  leave(session: SessionId): void {
    const now = this.#db.now()
    this.#db
      .statement('UPDATE sessions SET lease_until = ?1, has_left = 1 WHERE session = ?2 AND lease_until > ?1')
      .run(now, session)
  }
}
