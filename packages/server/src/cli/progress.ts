import type { Clock } from '@evertick/core'
import type { CliIo } from './io.js'
import { styleFor } from './style.js'

const WIDTH = 24
/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_MS = 100
/** Where nobody looks, a line now and then tells a log that it goes on. */
const LINE_MS = 10_000

/**
 * Tells on standard error how far something has come: a bar that is drawn over itself on a terminal, else a line every ten
 * seconds. `total` is `null` where it is not known.
 */
export class Progress {
  readonly #io: CliIo
  readonly #clock: Clock
  readonly #isTerminal: boolean
  #drawnAt: number
  #drawn = 0

  constructor(io: CliIo) {
    this.#io = io
    this.#clock = io.clock
    this.#isTerminal = io.stderr.isTTY === true
    this.#drawnAt = io.clock.monotonic()
  }

  /** `text` says what was done so far. */
  show(text: string, done: number, total: number | null): void {
    const now = this.#clock.monotonic()
    if (now - this.#drawnAt < (this.#isTerminal ? REDRAW_MS : LINE_MS)) return
    this.#drawnAt = now
    if (!this.#isTerminal) {
      this.#io.stderr.write(`${text}\n`)
      return
    }
    const line = total === null || total === 0 ? text : `${this.#bar(done / total)} ${text}`
    const shown = cut(line, (this.#io.stderr.columns ?? 80) - 1)
    this.#io.stderr.write(`\r${shown}${' '.repeat(Math.max(0, this.#drawn - shown.length))}`)
    this.#drawn = shown.length
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#drawn > 0) this.#io.stderr.write(`\r${' '.repeat(this.#drawn)}\r`)
    this.#drawn = 0
  }

  #bar(share: number): string {
    const filled = Math.round(WIDTH * Math.min(1, share))
    const { dim } = styleFor(this.#io.stderr, this.#io.env)
    return `${'█'.repeat(filled)}${dim('░'.repeat(WIDTH - filled))} ${String(Math.floor(100 * Math.min(1, share))).padStart(3)} %`
  }
}

/** Colours take no place, and stand only in the bar at its beginning. */
function cut(line: string, columns: number): string {
  return line.length > columns + 20 ? `${line.slice(0, columns + 19)}…` : line
}
