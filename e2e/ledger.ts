import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What a node wrote of an attempt, in the order in which it happened: `start` before the body, `end` after it, then the
 * store's answer to its outcome. `at` is in milliseconds on the monotonic clock of the machine.
 */
export type LedgerLine = AttemptLine | SessionLine

export interface AttemptLine {
  readonly event: 'start' | 'end' | 'accepted' | 'refused'
  readonly node: string
  readonly at: number
  readonly run: string
  readonly attempt: number
  readonly fence: number
  /** Of the schedule's input, and when the run was created by the store's clock. Only of a `start`. */
  readonly version?: number
  readonly createdAt?: number
}

/** The node gave its session up. */
export interface SessionLine {
  readonly event: 'sessionLost'
  readonly node: string
  readonly at: number
}

/** Where a node writes: a file of its own, to which it only ever appends. */
export function ledgerPath(folder: string, node: string): string {
  return join(folder, `${node}.jsonl`)
}

/** Follows the ledger of one node while it is written. */
export class LedgerReader {
  readonly #path: string
  readonly #lines: LedgerLine[] = []
  readonly #inFlight = new Set<string>()
  #position = 0
  #rest = ''

  constructor(path: string) {
    this.#path = path
  }

  /** All lines so far. */
  read(): readonly LedgerLine[] {
    const file = openSync(this.#path, 'a+')
    try {
      const buffer = Buffer.allocUnsafe(1 << 16)
      for (let bytes; (bytes = readSync(file, buffer, 0, buffer.length, this.#position)) > 0;) {
        this.#position += bytes
        this.#rest += buffer.toString('latin1', 0, bytes)
      }
    } finally {
      closeSync(file)
    }
    const texts = this.#rest.split('\n')
    this.#rest = texts.pop()!
    for (const text of texts) this.#add(JSON.parse(text) as LedgerLine)
    return this.#lines
  }

  /** Attempts that have started and not ended, as far as the ledger tells by now. */
  inFlight(): number {
    this.read()
    return this.#inFlight.size
  }

  /** The process has died: what it had in flight will not end. */
  forget(): void {
    this.read()
    this.#inFlight.clear()
  }

  #add(line: LedgerLine): void {
    this.#lines.push(line)
    if (line.event === 'start') this.#inFlight.add(`${line.run} ${line.fence}`)
    else if (line.event === 'end') this.#inFlight.delete(`${line.run} ${line.fence}`)
  }
}
