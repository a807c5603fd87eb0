import { parseRunId, type RunId, type ScheduleId } from '../../domain/ids.js'
import { SIZE_LIMITS } from '../../domain/policies.js'
import type { LogLine, Run } from '../../domain/run.js'
import type { AttemptOutcome, AttemptReport, LogPage, RecoveredRun, RunUpdate } from '../../store/contract.js'
import { logBytesOf } from '../../store/log-limit.js'
import { LOG_CUT } from '../../store/reasons.js'
import type { Cells } from './cells.js'
import type { ScriptName } from './scripts.js'
import { runOf, type RunRow } from './rows.js'

/** What becomes of runs that there are. */
export class Runs {
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  finish(reports: readonly AttemptReport[]): Promise<boolean[]> {
    return this.#fenced(reports, 'finish', (own) => ({
      reports: own.map(({ runId, fence, outcome }) => [
        runId,
        String(fence),
        outcome.kind,
        ...outcomeArgs(outcome),
      ]),
    }))
  }

  report(updates: readonly RunUpdate[]): Promise<boolean[]> {
    return this.#fenced(updates, 'report', (own) => ({
      updates: own.map(({ runId, fence, log, progress }) => [
        runId,
        String(fence),
        log.flatMap((line) => [line.level, JSON.stringify(line.message), logBytesOf([line])]),
        progress === null ? false : JSON.stringify(progress).slice(0, -1),
      ]),
      logLimit: SIZE_LIMITS.logPerRun,
      cut: JSON.stringify(LOG_CUT),
    }))
  }

  #fenced<Item extends { readonly runId: RunId }>(
    items: readonly Item[],
    script: ScriptName,
    args: (own: readonly Item[]) => unknown,
  ): Promise<boolean[]> {
    return this.#cells.each(
      items,
      ({ runId }) => scheduleOfRun(runId),
      async (cell, own) => Array.from(await cell.run<string>(script, args(own)), (answer) => answer === '1'),
    )
  }

  cancel(id: RunId): Promise<Run | null> {
    return this.#one('cancel-run', id)
  }

  retry(id: RunId): Promise<Run | null> {
    return this.#one('retry-run', id)
  }

  get(id: RunId): Promise<Run | null> {
    return this.#one('get-run', id)
  }

  async #one(script: ScriptName, id: RunId): Promise<Run | null> {
    const row = await this.#cells.of(scheduleOfRun(id)).run<RunRow | null>(script, { id: knownForm(id) })
    return row === null ? null : runOf(row)
  }

  async readLog(id: RunId, after: number, limit: number): Promise<LogPage> {
    const cell = this.#cells.of(scheduleOfRun(id))
    const lines = await cell.run<string[]>('read-log', { id: knownForm(id), after, limit })
    return { lines: lines.map((text) => JSON.parse(text) as LogLine), position: after + lines.length }
  }

  async recover(limit: number): Promise<RecoveredRun[]> {
    type Row = readonly [id: RunId, task: string, status: RecoveredRun['status'], attempt: string]
    const recovered: RecoveredRun[] = []
    const recoverIn = async (cell: Cells['first'], most: number): Promise<number> => {
      const rows = await cell.run<Row[]>('recover', { limit: most })
      for (const [id, task, status, attempt] of rows)
        recovered.push({ id, scheduleId: scheduleOfRun(id), task, status, attempt: Number(attempt) })
      return rows.length
    }
    // As many cells at once as can each be given a part of what is left of the limit.
    let waiting = this.#cells.all
    while (waiting.length > 0 && recovered.length < limit) {
      const room = limit - recovered.length
      const asked = waiting.slice(0, room)
      const part = Math.floor(room / asked.length)
      const found = await Promise.all(asked.map((cell) => recoverIn(cell, part)))
      waiting = [...asked.filter((_, i) => found[i] === part), ...waiting.slice(room)]
    }
    return recovered
  }
}

/** Text that is no run's id leads to a cell in which there is none of that name. */
function scheduleOfRun(id: RunId): ScheduleId {
  return parseRunId(id)?.scheduleId ?? ''
}

function knownForm(id: RunId): string {
  return parseRunId(id) === null ? '' : id
}

/** What is said of how an attempt ended, and after how long it is tried again; see lua/finish.lua. */
export function outcomeArgs(outcome: AttemptOutcome): readonly [said: string | false, delayMs: number] {
  switch (outcome.kind) {
    case 'succeeded':
      return [outcome.result ?? false, 0]
    case 'retry':
      return [JSON.stringify(outcome.error), outcome.delayMs]
    case 'released':
      return [false, 0]
    default:
      return [JSON.stringify(outcome.error), 0]
  }
}
