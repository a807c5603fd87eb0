import { parseRunId, type RunId } from '../../domain/ids.js'
import type { LogLine } from '../../domain/run.js'
import type { LogPage, RunUpdate } from '../../store/contract.js'
import { linesThatFit, logBytesOf } from '../../store/log-limit.js'
import type { Database } from './database.js'

interface HeldRun {
  number: number
  log_bytes: number
}

/** What handlers write while they run. */
export class RunLog {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Inside a transaction. Answers `false`, and writes nothing, when the lease is not held. */
  report({ runId, fence, log, progress }: RunUpdate): boolean {
    const identity = parseRunId(runId)
    if (identity === null) return false
    const run = this.#db
      .statement(
        `SELECT number, log_bytes FROM runs
         WHERE schedule_id = ? AND fire_time = ? AND request_id = ? AND fence = ? AND queue = 4`,
      )
      .get(identity.scheduleId, identity.fireTime, identity.requestId, fence) as HeldRun | undefined
    if (run === undefined) return false
    if (log.length > 0) this.#append(run, log)
    if (progress !== null) {
      this.#db
        .statement('UPDATE runs SET progress = ? WHERE number = ?')
        .run(JSON.stringify({ ...progress, at: this.#db.now() }), run.number)
    }
    return true
  }

  #append(run: HeldRun, lines: RunUpdate['log']): void {
    const { fitting, bytes } = linesThatFit(run.log_bytes, lines)
    if (fitting.length === 0) return
    const { last } = this.#db
      .statement('SELECT coalesce(max(line), 0) AS last FROM run_logs WHERE run = ?')
      .get(run.number) as { last: number }
    const insert = this.#db.statement('INSERT INTO run_logs VALUES (?, ?, ?, ?, ?)')
    const now = this.#db.now()
    for (const [index, { level, message }] of fitting.entries())
      insert.run(run.number, last + 1 + index, now, level, message)
    this.#db.statement('UPDATE runs SET log_bytes = ? WHERE number = ?').run(bytes, run.number)
  }

  /** In place of what is there. Answers its size, to be kept with the run. */
  replace(run: number, lines: readonly LogLine[]): number {
    this.#db.statement('DELETE FROM run_logs WHERE run = ?').run(run)
    const insert = this.#db.statement('INSERT INTO run_logs VALUES (?, ?, ?, ?, ?)')
    for (const [index, { at, level, message }] of lines.entries())
      insert.run(run, index + 1, at, level, message)
    return logBytesOf(lines)
  }

  read(id: RunId, after: number, limit: number): LogPage {
    const identity = parseRunId(id)
    if (identity === null) return { lines: [], position: after }
    const rows = this.#db
      .statement(
        `SELECT line, at, level, message FROM run_logs
         WHERE run = (SELECT number FROM runs WHERE schedule_id = ? AND fire_time = ? AND request_id = ?) AND line > ?
         ORDER BY line LIMIT ?`,
      )
      .all(identity.scheduleId, identity.fireTime, identity.requestId, after, limit) as (LogLine & {
      line: number
    })[]
    return {
      lines: rows.map(({ at, level, message }) => ({ at, level, message })),
      position: rows.at(-1)?.line ?? after,
    }
  }
}
