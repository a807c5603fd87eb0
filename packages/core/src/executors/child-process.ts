import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Clock } from '../domain/clock.js'

export interface ChildOptions {
  readonly program: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string | undefined
  readonly stdin: string | undefined
  /** Ends the whole process group: first politely, and with SIGKILL after `killAfterMs`. */
  readonly signal: AbortSignal
  readonly killAfterMs: number
  readonly clock: Clock
  readonly onOutput: (from: 'stdout' | 'stderr', chunk: Buffer) => void
}

/** How a program ended: one of the two is `null`. */
export interface ChildEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

// A grandchild that goes on in the background may hold the pipes for ever; what the program itself wrote is
// already in them, and is read well within this time.
const PIPES_AFTER_EXIT_MS = 500

/**
 * Runs a program without a shell, in a process group of its own, and answers when it has ended and its output is read.
 * Never waits for grandchildren. On abort it answers too, once nothing of the group is left that could be ended.
 * Rejects with the error of the operating system when the program could not be started.
 */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const { clock, signal } = options
  signal.throwIfAborted()
  const child = spawn(options.program, options.args, {
    env: options.env,
    cwd: options.cwd,
    stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    // The leader of a new group, so that what it starts can be ended with it.
    detached: true,
    windowsHide: true,
  })
  listen(child.stdout, 'stdout', options)
  listen(child.stderr, 'stderr', options)
  // A program that does not read its input breaks this pipe; that is no failure.
  child.stdin?.on('error', () => {}).end(options.stdin)

  let cancelKill: (() => void) | null = null
  const abort = (): void => {
    killGroup(child, 'SIGTERM')
    cancelKill = clock.setTimer(() => killGroup(child, 'SIGKILL'), options.killAfterMs)
  }
  signal.addEventListener('abort', abort, { once: true })
  // Listened for from the beginning: it often comes in the same turn as the exit.
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  try {
    const end = await ended(child)
    await atMost(PIPES_AFTER_EXIT_MS, closed, clock)
    // What ignored SIGTERM and outlived its leader.
    if (signal.aborted) killGroup(child, 'SIGKILL')
    return end
  } finally {
    signal.removeEventListener('abort', abort)
    ;(cancelKill as (() => void) | null)?.()
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
}

function listen(stream: Readable | null, from: 'stdout' | 'stderr', { onOutput }: ChildOptions): void {
  stream?.on('data', (chunk: Buffer) => onOutput(from, chunk))
  stream?.on('error', () => {})
}

function ended(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
}

async function atMost(ms: number, event: Promise<void>, clock: Clock): Promise<void> {
  let cancel = (): void => {}
  const late = new Promise<void>((resolve) => (cancel = clock.setTimer(resolve, ms)))
  await Promise.race([event, late])
  cancel()
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // Nothing of the group is left.
  }
}
