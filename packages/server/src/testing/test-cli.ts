import { Readable } from 'node:stream'
import { systemClock, type Clock } from '@evertick/core'
import type { CliIo } from '../cli/io.js'
import { runCli } from '../cli/main.js'
import { expect } from 'vitest'

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly isTTY?: boolean
  readonly columns?: number
  readonly clock?: Clock
  /** What stands on standard input. */
  readonly stdin?: string
}

export interface CliOutcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A command line that goes on, with what a user sees of it and can do to it. */
export interface StartedCli {
  readonly outcome: Promise<CliOutcome>
  /** Standard output so far. */
  output(): string
  /** Resolves when standard output holds this text. */
  shows(text: string): Promise<void>
  /** Resolves when standard error holds this text. */
  complains(text: string): Promise<void>
  /** Resolves when the interrupt was heard. */
  interrupt(signal?: NodeJS.Signals): Promise<void>
}

/** Runs a command line in this process, to its end. */
export function cli(argv: readonly string[], options: CliOptions = {}): Promise<CliOutcome> {
  return startCli(argv, options).outcome
}

export function startCli(argv: readonly string[], options: CliOptions = {}): StartedCli {
  const out = new Recorder()
  const err = new Recorder()
  const listeners = new Set<(signal: NodeJS.Signals) => void>()
  let listening = (): void => {}
  const heard = new Promise<void>((resolve) => (listening = resolve))
  const terminal = {
    isTTY: options.isTTY ?? false,
    ...(options.columns === undefined ? {} : { columns: options.columns }),
  }
  let exited: (code: number) => void
  const exit = new Promise<number>((resolve) => (exited = resolve))
  const io: CliIo = {
    stdin: Readable.from([options.stdin ?? '']),
    stdout: { write: (text) => out.add(text), ...terminal },
    stderr: { write: (text) => err.add(text), ...terminal },
    env: options.env ?? {},
    clock: options.clock ?? systemClock,
    stdio: 'pipe',
    interactive: false,
    onInterrupt(listener) {
      listeners.add(listener)
      listening()
      return () => listeners.delete(listener)
    },
    exit: (code) => exited(code),
  }
  const code = Promise.race([runCli(argv, io), exit])
  return {
    outcome: code.then((ended) => ({ code: ended, out: out.text, err: err.text })),
    output: () => out.text,
    shows: (text) => out.has(text),
    complains: (text) => err.has(text),
    async interrupt(signal: NodeJS.Signals = 'SIGINT') {
      await heard
      for (const listener of listeners) listener(signal)
    },
  }
}

/** The one object that a command answered with --json, having nothing to complain of. */
export function answered({ out, err, code }: CliOutcome): Record<string, unknown> {
  expect({ err, code }).toEqual({ err: '', code: 0 })
  return JSON.parse(out) as Record<string, unknown>
}

class Recorder {
  text = ''
  readonly #waiting = new Map<string, () => void>()

  add(text: string): void {
    this.text += text
    for (const [wanted, resolve] of this.#waiting) if (this.text.includes(wanted)) resolve()
  }

  has(wanted: string): Promise<void> {
    if (this.text.includes(wanted)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.set(wanted, resolve))
  }
}
