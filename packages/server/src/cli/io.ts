import { systemClock, type Clock } from '@evertick/core'

export interface Output {
  /** `false`: it has more than it can pass on at once, and says `drain` when it can take more. */
  write(text: string): unknown
  once?(event: 'drain', listener: () => void): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Everything outside that the command line touches, so that it can be run within a test. */
export interface CliIo {
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** What a program that a command starts reads and writes: what this process does, or nothing and the two above. */
  readonly stdio: 'inherit' | 'pipe'
  /** Somebody sits at a terminal, and can type and interrupt. */
  readonly interactive: boolean
  /** Calls `listener` on each SIGINT and SIGTERM, which then end nothing by themselves. Returns what removes it. */
  onInterrupt(listener: (signal: NodeJS.Signals) => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
}

/** The IO of this process. */
export function processIo(): CliIo {
  return {
    // Taken only by who reads it: a process that has touched it waits for its end.
    get stdin() {
      return process.stdin as AsyncIterable<Uint8Array>
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    clock: systemClock,
    stdio: 'inherit',
    interactive: process.stdin.isTTY,
    onInterrupt(listener) {
      process.on('SIGINT', listener).on('SIGTERM', listener)
      return () => void process.off('SIGINT', listener).off('SIGTERM', listener)
    },
    exit: (code) => process.exit(code),
  }
}

/** Writes `text`, and waits where whoever reads it is slower: what is long must not pile up in memory. */
export async function writeWhenReady(output: Output, text: string): Promise<void> {
  if (output.write(text) !== false || output.once === undefined) return
  await new Promise<void>((resolve) => void output.once!('drain', resolve))
}

/** Runs `body` with a signal that aborts at the first interrupt. */
export async function untilInterrupted<Result>(
  io: CliIo,
  body: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController()
  const stopListening = io.onInterrupt(() => controller.abort())
  try {
    return await body(controller.signal)
  } finally {
    stopListening()
  }
}

/** Waits, and answers whether it waited to the end: `false` when `signal` aborted first. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const cancel = clock.setTimer(() => {
      signal.removeEventListener('abort', abort)
      resolve(true)
    }, ms)
    const abort = (): void => {
      cancel()
      resolve(false)
    }
    signal.addEventListener('abort', abort, { once: true })
  })
}
