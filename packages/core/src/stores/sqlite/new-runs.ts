import type { Database } from './database.js'
import type { NewRun } from '../sql/new-run.js'
import { QUEUE } from '../sql/rows.js'

const INSERT_RUN = `
INSERT OR IGNORE INTO runs (schedule_id, fire_time, request_id, kind, task, status, queue, attempt, session, fence,
  priority, grp, delivery, due_at, created_at, started_at, ended_at, spec, error, missed, stretched_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** How rows of `runs` come to be. Runs inside a transaction. */
export class NewRuns {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Answers the number of the run, or `null` when it existed already. */
  insert(run: NewRun): number | null {
    const now = this.#db.now()
    const { lease } = run
    const { changes, lastInsertRowid } = this.#db
      .statement(INSERT_RUN)
      .run(
        run.scheduleId,
        run.fireTime,
        run.requestId,
        run.kind,
        run.task,
        run.status,
        run.queue,
        lease === null ? 0 : 1,
        lease === null ? null : lease.session,
        lease === null ? 0 : lease.fence,
        run.priority,
        run.group,
        run.delivery,
        run.dueAt,
        now,
        lease === null ? null : now,
        run.queue === QUEUE.ended ? now : null,
        run.spec,
        run.error,
        run.missed,
        run.stretchedMs ?? null,
      )
    return Number(changes) === 0 ? null : Number(lastInsertRowid)
  }
}
