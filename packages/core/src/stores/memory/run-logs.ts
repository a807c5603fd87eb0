import type { EpochMs } from '../../domain/clock.js'
import type { RunId } from '../../domain/ids.js'
import type { LogLine } from '../../domain/run.js'
import type { LogPage, RunUpdate } from '../../store/contract.js'
import { linesThatFit, logBytesOf } from '../../store/log-limit.js'

interface Log {
  readonly lines: LogLine[]
  bytes: number
}

/** What handlers write. A position in a log is the number of lines before it. */
export class RunLogs {
  readonly #logs = new Map<RunId, Log>()

  append(id: RunId, lines: RunUpdate['log'], now: EpochMs): void {
    if (lines.length === 0) return
    const log = this.#logs.get(id) ?? { lines: [], bytes: 0 }
    this.#logs.set(id, log)
    const { fitting, bytes } = linesThatFit(log.bytes, lines)
    for (const { level, message } of fitting) log.lines.push(Object.freeze({ at: now, level, message }))
    log.bytes = bytes
  }

  read(id: RunId, after: number, limit: number): LogPage {
    const lines = this.#logs.get(id)?.lines.slice(after, after + limit) ?? []
    return { lines, position: after + lines.length }
  }

  /** In place of what is there. */
  replace(id: RunId, lines: readonly LogLine[]): void {
    this.#logs.set(id, {
      lines: lines.map((line) => Object.freeze({ ...line })),
      bytes: logBytesOf(lines),
    })
  }

  delete(id: RunId): void {
    this.#logs.delete(id)
  }
}
