import type { EpochMs } from '../../domain/clock.js'
import type { RunId } from '../../domain/ids.js'
import { SIZE_LIMITS } from '../../domain/policies.js'
import type { LogLine } from '../../domain/run.js'
import type { LogPage, RunUpdate } from '../../store/contract.js'
import { LOG_CUT } from '../../store/reasons.js'

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
    for (const { level, message } of lines) {
      if (log.bytes > SIZE_LIMITS.logPerRun) return
      // The line that does not fit takes the log over its limit, so nothing follows the mark.
      log.bytes += Buffer.byteLength(message) + 1
      const fits = log.bytes <= SIZE_LIMITS.logPerRun
      log.lines.push(
        Object.freeze(fits ? { at: now, level, message } : { at: now, level: 'warn', message: LOG_CUT }),
      )
    }
  }

  read(id: RunId, after: number, limit: number): LogPage {
    const lines = this.#logs.get(id)?.lines.slice(after, after + limit) ?? []
    return { lines, position: after + lines.length }
  }

  /** In place of what is there. */
  replace(id: RunId, lines: readonly LogLine[]): void {
    const bytes = lines.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 1, 0)
    this.#logs.set(id, { lines: lines.map((line) => Object.freeze({ ...line })), bytes })
  }

  delete(id: RunId): void {
    this.#logs.delete(id)
  }
}
