import { emitKeypressEvents } from 'node:readline'

// The page, no cursor, and no line that goes on in the next row.
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'

/** A page of its own on the terminal, that is drawn over again and again; the one before comes back at the end. */
export class Terminal {
  #output
  #input
  #onKey = null

  constructor(output, input) {
    this.#output = output
    this.#input = input
  }

  /** `pressed` is told each key by its name; Ctrl-C too, as `ctrl-c`. */
  open(pressed) {
    this.#output.write(ENTER)
    if (!this.#input.isTTY) return
    this.#onKey = (_text, { name, ctrl, sequence }) => pressed(ctrl ? `ctrl-${name}` : (name ?? sequence))
    emitKeypressEvents(this.#input)
    this.#input.setRawMode(true)
    this.#input.on('keypress', this.#onKey)
    this.#input.resume()
  }

  get size() {
    return { columns: this.#output.columns ?? 80, rows: this.#output.rows ?? 24 }
  }

  draw(lines) {
    // In one write, each line cleared to its end, so that nothing flickers.
    this.#output.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`)
  }

  close() {
    if (this.#onKey !== null) {
      this.#input.off('keypress', this.#onKey)
      this.#input.setRawMode(false)
      this.#input.pause()
      this.#onKey = null
    }
    this.#output.write(LEAVE)
  }
}
