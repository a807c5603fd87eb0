import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { EvertickError } from '@evertick/core'
import type { CliIo } from './io.js'

/** A program that a command started, and that has the terminal meanwhile. */
export interface Child {
  /**
   * Its exit code as a shell tells it: 128 and the number of the signal that ended it.
   * Rejects with COMMAND_FAILED when it could not be started.
   */
  readonly ended: Promise<number>
  /** To the program, and to all that it started where it leads a process group of its own. */
  kill(signal: NodeJS.Signals): void
}

export function startChild(
  [program, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  io: CliIo,
): Child {
  // Who can be interrupted at a terminal must stay in the group that the terminal interrupts, and may read from it.
  const isLeader = !io.interactive
  const child = spawn(program, args, {
    env,
    stdio: io.stdio === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    detached: isLeader,
    windowsHide: true,
  })
  child.stdout?.setEncoding('utf8').on('data', (text: string) => io.stdout.write(text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => io.stderr.write(text))
  return {
    ended: ended(child, program),
    kill: (signal) => kill(child, signal, isLeader),
  }
}

function ended(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const message = `${program} could not be started: ${error.message}`
      reject(new EvertickError('COMMAND_FAILED', message, { cause: error }))
    })
    child.once('close', (code, signal) => resolve(code ?? exitCodeOf(signal!)))
  })
}

function kill(child: ChildProcess, signal: NodeJS.Signals, isLeader: boolean): void {
  if (child.pid === undefined) return
  try {
    if (isLeader && process.platform !== 'win32') process.kill(-child.pid, signal)
    else child.kill(signal)
  } catch {
    // Nothing of it is left.
  }
}

/** As a shell says it. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
