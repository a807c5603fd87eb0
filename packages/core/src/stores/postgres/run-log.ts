import { parseRunId, type RunId } from '../../domain/ids.js'
import type { LogLevel, LogLine } from '../../domain/run.js'
import type { LogPage, RunUpdate } from '../../store/contract.js'
import { linesThatFit } from '../../store/log-limit.js'
import type { Database } from './database.js'
import { leaseKey, leaseKeyOf, leaseValues, LEASES } from './leases.js'
import type { Transaction } from './transaction.js'

interface HeldRun {
  number: number
  schedule_id: string
  fire_time: number
  request_id: string
  fence: number
  log_bytes: number
  log_lines: number
}

interface NewLine {
  readonly run: number
  readonly line: number
  readonly level: LogLevel
  readonly message: string
}

/** What handlers write while they run. `false`, and nothing written, where the lease is not held. */
export async function report(tx: Transaction, updates: readonly RunUpdate[]): Promise<boolean[]> {
  const rows = await tx.rows<HeldRun>(
    `SELECT runs.number, runs.schedule_id, runs.fire_time, runs.request_id, runs.fence, runs.log_bytes, runs.log_lines
     FROM ${LEASES} JOIN @runs runs USING (schedule_id, fire_time, request_id, fence)
     WHERE runs.queue = 4 ORDER BY runs.number FOR NO KEY UPDATE OF runs`,
    leaseValues(updates),
  )
  const held = new Map(rows.map((row) => [leaseKeyOf(row), row]))
  const lines: NewLine[] = []
  const progress = new Map<HeldRun, string>()
  const accepted = updates.map((update) => {
    const run = held.get(leaseKey(update))
    if (run === undefined) return false
    lines.push(...newLines(run, update.log))
    if (update.progress !== null) progress.set(run, JSON.stringify({ ...update.progress, at: tx.now }))
    return true
  })
  await append(tx, lines)
  const changed = [...new Set(held.values())]
  await tx.query(
    `UPDATE @runs runs SET log_bytes = new.log_bytes, log_lines = new.log_lines,
            progress = coalesce(new.progress, runs.progress)
     FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::text[]) AS new (number, log_bytes, log_lines, progress)
     WHERE runs.number = new.number`,
    [
      changed.map((run) => run.number),
      changed.map((run) => run.log_bytes),
      changed.map((run) => run.log_lines),
      changed.map((run) => progress.get(run) ?? null),
    ],
  )
  return accepted
}

/** Those that have room; counts them on `run`. */
function newLines(run: HeldRun, log: RunUpdate['log']): NewLine[] {
  const { fitting, bytes } = linesThatFit(run.log_bytes, log)
  run.log_bytes = bytes
  return fitting.map(({ level, message }) => ({ run: run.number, line: ++run.log_lines, level, message }))
}

async function append(tx: Transaction, lines: readonly NewLine[]): Promise<void> {
  if (lines.length === 0) return
  await tx.query(
    `INSERT INTO @run_logs (run, line, at, level, message)
     SELECT new.run, new.line, $1, new.level, new.message
     FROM unnest($2::bigint[], $3::integer[], $4::text[], $5::text[]) AS new (run, line, level, message)`,
    [
      tx.now,
      lines.map(({ run }) => run),
      lines.map(({ line }) => line),
      lines.map(({ level }) => level),
      lines.map(({ message }) => message),
    ],
  )
}

export async function readLog(db: Database, id: RunId, after: number, limit: number): Promise<LogPage> {
  const identity = parseRunId(id)
  const { scheduleId = '', fireTime = 0, requestId = '' } = identity ?? {}
  const { rows } = await db.query<LogLine & { line: number }>(
    `SELECT line, at, level, message FROM @run_logs
     WHERE run = (SELECT number FROM @runs WHERE schedule_id = $1 AND fire_time = $2 AND request_id = $3) AND line > $4
     ORDER BY line LIMIT $5`,
    [scheduleId, fireTime, requestId, after, limit],
  )
  return {
    lines: rows.map(({ at, level, message }) => ({ at, level, message })),
    position: rows.at(-1)?.line ?? after,
  }
}
