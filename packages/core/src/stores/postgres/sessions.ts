import type { EpochMs } from '../../domain/clock.js'
import { SessionExpiredError } from '../../domain/errors.js'
import type { SessionId } from '../../domain/ids.js'
import type { Heartbeat, HeartbeatAnswer, NodeInfo, NodeRecord } from '../../store/contract.js'
import { HELD_RUNS_LISTED, LISTED_FOR_MS } from '../../store/periods.js'
import type { Database } from './database.js'
import { idOf, parsed, type RunRow } from '../sql/rows.js'
import type { Transaction } from './transaction.js'

export interface SessionRow {
  number: number
  lease_until: number
  claim_id: string | null
  claim_runs: string | null
}

/**
 * The session's row, which nobody else changes from now on, after reading the clock. So either whoever takes back the runs
 * of the dead has seen it expired, and so do we; or it waits, and sees it renewed.
 */
async function holdSession(tx: Transaction, session: SessionId): Promise<SessionRow | null> {
  const [rows] = await Promise.all([
    tx.rows<SessionRow>(
      `SELECT number, lease_until, claim_id, claim_runs FROM @sessions WHERE session = $1 FOR NO KEY UPDATE`,
      [session],
    ),
    tx.readClock(),
  ])
  return rows[0] ?? null
}

/** @throws {SessionExpiredError} for one that is unknown, has left, or was not renewed in time. */
export async function holdLiveSession(tx: Transaction, session: SessionId): Promise<SessionRow> {
  const row = await holdSession(tx, session)
  if (row === null || row.lease_until <= tx.now) throw new SessionExpiredError(session)
  return row
}

/** One statement, and so one call: a node that is far away from the server has to be renewed in time as well. */
const RENEW = `
WITH renewed AS (
  UPDATE @sessions SET info = $2, load = $3, last_beat_at = $4, lease_until = $5 WHERE number = $1)
SELECT (SELECT json_agg(asked) FROM (
          SELECT schedule_id, fire_time, request_id FROM @runs
          WHERE queue = 4 AND cancel_requested AND session = $1) asked) AS cancel,
       (SELECT json_agg(other) FROM (
          SELECT session, load FROM @sessions WHERE lease_until > $4 AND number <> $1) other) AS others`

interface RenewedRow {
  /** Runs of the session that are to be cancelled. */
  cancel: string | null
  others: string | null
}

/** A lease lives as long as the session that holds it, so one row renews them all. @throws {SessionExpiredError} */
export async function beat(tx: Transaction, { leaseMs, ...info }: Heartbeat): Promise<HeartbeatAnswer> {
  const { session } = info
  const row = (await holdSession(tx, session)) ?? (await begin(tx, info)) ?? (await holdSession(tx, session))!
  const { now } = tx
  if (row.lease_until <= now) throw new SessionExpiredError(session)
  const [renewed] = await tx.rows<RenewedRow>(RENEW, [
    row.number,
    JSON.stringify(info),
    info.load,
    now,
    now + leaseMs,
  ])
  const others = parsed<{ session: SessionId; load: number }[]>(renewed!.others) ?? []
  const load = others.reduce((sum, other) => sum + other.load, info.load) / (others.length + 1)
  return {
    now,
    cancel: (parsed<RunRow[]>(renewed!.cancel) ?? []).map(idOf),
    sessions: [session, ...others.map((other) => other.session)],
    load,
  }
}

/** `null` when another call began it at the same time. */
async function begin(tx: Transaction, info: NodeInfo): Promise<SessionRow | null> {
  const [row] = await tx.rows<SessionRow>(
    `INSERT INTO @sessions (session, node, info, load, started_at, last_beat_at, lease_until)
     VALUES ($1, $2, $3, $4, $5, $5, $5::bigint + 1) ON CONFLICT (session) DO NOTHING
     RETURNING number, lease_until, claim_id, claim_runs`,
    [info.session, info.node, JSON.stringify(info), info.load, tx.now],
  )
  return row ?? null
}

interface ListedRow {
  info: string
  started_at: EpochMs
  last_beat_at: EpochMs
  lease_until: EpochMs
  has_left: boolean
  runs_held: number
  held_runs: string | null
}

export async function listNodes(db: Database): Promise<NodeRecord[]> {
  const now = await db.now()
  const { rows } = await db.query<ListedRow>(
    `SELECT info, started_at, last_beat_at, lease_until, has_left,
            (SELECT count(*) FROM @runs runs WHERE runs.queue = 4 AND runs.session = sessions.number) AS runs_held,
            (SELECT json_agg(held) FROM (
               SELECT schedule_id, fire_time, request_id FROM @runs runs
               WHERE runs.queue = 4 AND runs.session = sessions.number LIMIT ${HELD_RUNS_LISTED}) held) AS held_runs
     FROM @sessions sessions WHERE lease_until > $1 ORDER BY number`,
    [now - LISTED_FOR_MS],
  )
  return rows.map((row) =>
    Object.assign(parsed<NodeInfo>(row.info)!, {
      alive: row.lease_until > now,
      left: row.has_left,
      startedAt: row.started_at,
      lastBeatAt: row.last_beat_at,
      leaseUntil: row.lease_until,
      runsHeld: row.runs_held,
      heldRuns: (parsed<RunRow[]>(row.held_runs) ?? []).map(idOf),
    }),
  )
}

/** Ends the session; what it holds can be recovered from now on. Harmless for one that has ended already. */
export async function leave(tx: Transaction, session: SessionId): Promise<void> {
  const row = await holdSession(tx, session)
  if (row === null || row.lease_until <= tx.now) return
  await tx.query('UPDATE @sessions SET lease_until = $2, has_left = true WHERE number = $1', [
    row.number,
    tx.now,
  ])
}
