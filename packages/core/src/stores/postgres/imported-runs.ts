import { runIdOf, type NodeId, type RunId } from '../../domain/ids.js'
import type { EpochMs } from '../../domain/clock.js'
import type { Run } from '../../domain/run.js'
import type { OpenRun } from '../../store/exports.js'
import { logBytesOf } from '../../store/log-limit.js'
import { idOf, QUEUE, queueOf, textOf, type RunIdentity, type RunRow } from '../sql/rows.js'
import type { Transaction } from './transaction.js'

type KnownRun = Pick<RunRow, keyof RunIdentity | 'number' | 'queue' | 'fence'> & {
  log_bytes: number
  log_lines: number
}

interface NumberedRun extends OpenRun {
  readonly number: number
  readonly logBytes: number
  readonly logLines: number
}

/**
 * Writes runs of another store, in place of those of the same identity; of each identity at most one. Their schedules, as
 * far as there are, are held, and so are the open runs of these. What is held here, or was leased here since, stays.
 */
export async function putRuns(tx: Transaction, runs: readonly OpenRun[]): Promise<void> {
  if (runs.length === 0) return
  const known = new Map((await knownRuns(tx, runs)).map((row) => [idOf(row), row]))
  const requested = await requestedElsewhere(tx, runs)
  const written = runs.filter(({ id, fence }) => {
    const before = known.get(id)
    return before === undefined ? !requested.has(id) : before.queue !== QUEUE.held && before.fence <= fence
  })
  if (written.length === 0) return
  const replaced = written.flatMap(({ id }) => known.get(id)?.number ?? [])
  await tx.query('DELETE FROM @runs WHERE number = ANY ($1::bigint[])', [replaced])
  const sessions = await pastSessions(tx, written)
  const sized = written.map((run) => ({ ...run, ...sizeOf(run, known.get(run.id)) }))
  const numbers = await numbersFor(
    tx,
    written.filter(({ id }) => !known.has(id)),
  )
  const numbered = sized.map((run) =>
    Object.assign(run, { number: known.get(run.id)?.number ?? numbers.get(run.id)! }),
  )
  await insert(tx, numbered, sessions)
  await replaceLogs(tx, numbered)
}

function knownRuns(tx: Transaction, runs: readonly Run[]): Promise<KnownRun[]> {
  return tx.rows<KnownRun>(
    `SELECT runs.number, runs.schedule_id, runs.fire_time, runs.request_id, runs.queue, runs.fence, runs.log_bytes,
            runs.log_lines
     FROM unnest($1::text[], $2::bigint[], $3::text[]) AS new (schedule_id, fire_time, request_id)
     JOIN @runs runs USING (schedule_id, fire_time, request_id) ORDER BY runs.number FOR NO KEY UPDATE OF runs`,
    [runs.map((run) => run.scheduleId), runs.map((run) => run.fireTime), runs.map((run) => run.requestId)],
  )
}

/** Those whose request another run has answered here: one run answers a request for ever. */
async function requestedElsewhere(tx: Transaction, runs: readonly Run[]): Promise<ReadonlySet<RunId>> {
  const manual = runs.filter(({ kind }) => kind === 'manual')
  if (manual.length === 0) return new Set()
  const rows = await tx.rows<{ schedule_id: string; request_id: string; fire_time: EpochMs }>(
    `SELECT new.schedule_id, new.request_id, new.fire_time
     FROM unnest($1::text[], $2::text[], $3::bigint[]) AS new (schedule_id, request_id, fire_time)
     JOIN @runs runs ON runs.schedule_id = new.schedule_id AND runs.request_id = new.request_id
       AND runs.kind = 'manual' AND runs.fire_time <> new.fire_time`,
    [
      manual.map((run) => run.scheduleId),
      manual.map((run) => run.requestId),
      manual.map((run) => run.fireTime),
    ],
  )
  return new Set(rows.map((row) => runIdOf(row.schedule_id, row.fire_time, row.request_id)))
}

/** The names of nodes that ran something elsewhere, as sessions that have long ended. */
async function pastSessions(tx: Transaction, runs: readonly Run[]): Promise<ReadonlyMap<NodeId, number>> {
  const nodes = [...new Set(runs.flatMap(({ node }) => node ?? []))].toSorted()
  if (nodes.length === 0) return new Map()
  const sessions = nodes.map((node) => `imported:${node}`)
  await tx.query(
    `INSERT INTO @sessions (session, node, info, load, started_at, last_beat_at, lease_until, has_left)
     SELECT new.session, new.node, '{}', 0, 0, 0, 0, true FROM unnest($1::text[], $2::text[]) AS new (session, node)
     ON CONFLICT DO NOTHING`,
    [sessions, nodes],
  )
  const rows = await tx.rows<{ node: NodeId; number: number }>(
    'SELECT node, number FROM @sessions WHERE session = ANY ($1::text[])',
    [sessions],
  )
  return new Map(rows.map(({ node, number }) => [node, number]))
}

/**
 * Runs are listed by their numbers, so these lie above those of an earlier moment and of theirs, and below those of a later
 * one; what is created here afterwards lies above them all. Only one import at a time may ask.
 */
async function numbersFor(tx: Transaction, runs: readonly Run[]): Promise<ReadonlyMap<RunId, number>> {
  if (runs.length === 0) return new Map()
  const moments = [...new Set(runs.map(({ createdAt }) => createdAt))].sort((a, b) => a - b)
  const rows = await tx.rows<{ at: EpochMs; last: number }>(
    `SELECT moment.at, last.number AS last FROM unnest($1::bigint[]) AS moment (at)
     CROSS JOIN LATERAL (
       SELECT number FROM @runs WHERE number < (moment.at + 1) * 1000 ORDER BY number DESC LIMIT 1) last`,
    [moments],
  )
  const lastAt = new Map(rows.map(({ at, last }) => [at, last]))
  const numbers = new Map<RunId, number>()
  let last = 0
  for (const run of runs.toSorted((a, b) => a.createdAt - b.createdAt)) {
    last = Math.max(last + 1, (lastAt.get(run.createdAt) ?? 0) + 1, run.createdAt * 1000)
    numbers.set(run.id, last)
  }
  await tx.query(
    `SELECT setval(sequence, $1) FROM (SELECT pg_get_serial_sequence('@runs', 'number')::regclass AS sequence) runs
     WHERE coalesce(pg_sequence_last_value(sequence), 0) < $1`,
    [last],
  )
  return numbers
}

async function insert(
  tx: Transaction,
  runs: readonly NumberedRun[],
  sessions: ReadonlyMap<NodeId, number>,
): Promise<void> {
  await tx.query(
    `INSERT INTO @runs (number, schedule_id, fire_time, request_id, kind, task, status, queue, attempt, session, fence,
       priority, grp, delivery, due_at, created_at, started_at, ended_at, cancel_requested, log_bytes, log_lines,
       stretched_ms, spec, error, result, progress, missed, attempts)
     OVERRIDING SYSTEM VALUE
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
       $8::smallint[], $9::integer[], $10::bigint[], $11::bigint[], $12::integer[], $13::text[], $14::text[], $15::bigint[],
       $16::bigint[], $17::bigint[], $18::bigint[], $19::boolean[], $20::integer[], $21::integer[], $22::bigint[],
       $23::text[], $24::text[], $25::text[], $26::text[], $27::text[], $28::text[])`,
    [
      runs.map((run) => run.number),
      runs.map((run) => run.scheduleId),
      runs.map((run) => run.fireTime),
      runs.map((run) => run.requestId),
      runs.map((run) => run.kind),
      runs.map((run) => run.task),
      runs.map((run) => run.status),
      runs.map((run) => queueOf(run, run.blocked, tx.now)),
      runs.map((run) => run.attempt),
      runs.map((run) => (run.node === null ? null : sessions.get(run.node)!)),
      runs.map((run) => run.fence),
      runs.map((run) => run.priority),
      runs.map((run) => run.group),
      runs.map((run) => run.delivery),
      runs.map((run) => run.dueAt),
      runs.map((run) => run.createdAt),
      runs.map((run) => run.startedAt),
      runs.map((run) => run.endedAt),
      runs.map((run) => run.cancelRequested),
      runs.map((run) => run.logBytes),
      runs.map((run) => run.logLines),
      runs.map((run) => run.stretchedMs),
      runs.map((run) => run.spec),
      runs.map((run) => textOf(run.error)),
      runs.map((run) => textOf(run.result)),
      runs.map((run) => textOf(run.progress)),
      runs.map((run) => textOf(run.missed)),
      runs.map((run) => (run.attempts.length === 0 ? null : JSON.stringify(run.attempts))),
    ],
  )
}

async function replaceLogs(tx: Transaction, runs: readonly NumberedRun[]): Promise<void> {
  const given = runs.filter(({ log }) => log !== undefined)
  if (given.length === 0) return
  await tx.query('DELETE FROM @run_logs WHERE run = ANY ($1::bigint[])', [given.map(({ number }) => number)])
  const lines = given.flatMap(({ number, log }) =>
    log!.map(({ at, level, message }, index) => ({ at, level, message, run: number, line: index + 1 })),
  )
  if (lines.length === 0) return
  await tx.query(
    `INSERT INTO @run_logs (run, line, at, level, message)
     SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[], $5::text[])`,
    [
      lines.map(({ run }) => run),
      lines.map(({ line }) => line),
      lines.map(({ at }) => at),
      lines.map(({ level }) => level),
      lines.map(({ message }) => message),
    ],
  )
}

function sizeOf({ log }: OpenRun, before: KnownRun | undefined): { logBytes: number; logLines: number } {
  if (log === undefined) return { logBytes: before?.log_bytes ?? 0, logLines: before?.log_lines ?? 0 }
  return { logBytes: logBytesOf(log), logLines: log.length }
}
