import { StringDecoder } from 'node:string_decoder'

/** Keeps the first `limit` bytes of a stream and counts the rest. */
export class BoundedBytes {
  readonly #limit: number
  readonly #chunks: Uint8Array[] = []
  #kept = 0
  #truncated = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether everything that was added has been kept. */
  get truncated(): boolean {
    return this.#truncated
  }

  add(chunk: Uint8Array): void {
    const room = this.#limit - this.#kept
    if (chunk.length > room) this.#truncated = true
    if (room <= 0 || chunk.length === 0) return
    // A copy, because a small view would keep its large buffer alive.
    const part = chunk.slice(0, room)
    this.#chunks.push(part)
    this.#kept += part.length
  }

  /** As text; a character that the limit cut in half is left out. Bytes that are not text become U+FFFD. */
  text(encoding = 'utf-8'): string {
    return new TextDecoder(encoding).decode(Buffer.concat(this.#chunks), { stream: this.#truncated })
  }
}

/** The longest beginning of `text` whose JSON is at most `limit` bytes of UTF-8, quotes included. */
export function cutToJsonBytes(text: string, limit: number): string {
  if (jsonBytes(text) <= limit) return text
  let used = 2
  let end = 0
  for (const character of text) {
    used += jsonBytes(character) - 2
    if (used > limit) break
    end += character.length
  }
  return text.slice(0, end)
}

/** Bytes of UTF-8 that `value` takes as JSON. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? 'null')
}

export interface LineLimits {
  readonly lines: number
  readonly charactersPerLine: number
}

/**
 * Splits a stream of UTF-8 into lines and hands on the first `limits.lines` of them, each cut to its limit;
 * then one last line that says so.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  readonly #limits: LineLimits
  readonly #emit: (line: string) => void
  #pending = ''
  #cut = false
  #left: number

  constructor(limits: LineLimits, emit: (line: string) => void) {
    this.#limits = limits
    this.#emit = emit
    this.#left = limits.lines
  }

  add(chunk: Buffer): void {
    if (this.#left >= 0) this.#split(this.#decoder.write(chunk))
  }

  /** Hands on what came after the last line break. */
  end(): void {
    if (this.#left >= 0) this.#split(this.#decoder.end())
    if (this.#pending !== '' || this.#cut) this.#line()
  }

  #split(text: string): void {
    let from = 0
    for (let to = text.indexOf('\n'); to !== -1 && this.#left >= 0; to = text.indexOf('\n', from)) {
      this.#append(text.slice(from, to))
      this.#line()
      from = to + 1
    }
    this.#append(text.slice(from))
  }

  #append(text: string): void {
    const room = this.#limits.charactersPerLine - this.#pending.length
    if (text.length > room) this.#cut = true
    this.#pending += text.slice(0, Math.max(0, room))
  }

  #line(): void {
    const line = this.#cut ? `${this.#pending}…` : this.#pending.replace(/\r$/, '')
    this.#pending = ''
    this.#cut = false
    if (this.#left < 0) return
    this.#emit(this.#left === 0 ? `… more than ${this.#limits.lines} lines; the rest is not logged` : line)
    this.#left -= 1
  }
}
