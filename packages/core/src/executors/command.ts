import { stat } from 'node:fs/promises'
import { type Clock, systemClock } from '../domain/clock.js'
import { defineTask } from '../domain/define-task.js'
import { SIZE_LIMITS } from '../domain/policies.js'
import type { Task, TaskContext } from '../domain/task.js'
import { BoundedBytes, cutToJsonBytes, jsonBytes, LineSplitter } from './bounded-text.js'
import { type ChildEnd, runChild } from './child-process.js'
import { commandInput, type CommandInput } from './command-input.js'
import { TaskFailedError } from './task-failed-error.js'

export interface CommandTaskOptions {
  /** @default 'command' */
  readonly name?: string
  /** From SIGTERM to SIGKILL, when an attempt is aborted. @default 5000 */
  readonly killAfterMs?: number
  /** @default systemClock */
  readonly clock?: Clock
}

/** What a command that ended as accepted leaves as the run's result. */
export interface CommandResult {
  readonly exitCode: number
  readonly durationMs: number
  readonly stdout: string
  readonly stderr: string
  /** There was more than `maxOutputBytes`, or than a result may hold. */
  readonly truncated: { readonly stdout: boolean; readonly stderr: boolean }
}

/**
 * A task that runs one program with its arguments, without a shell.
 *
 * The program gets EVERTICK_RUN_ID, EVERTICK_ATTEMPT, EVERTICK_FENCE and EVERTICK_FIRE_TIME, the input's `env`, and of
 * the node's own environment only what a program needs to find its way: never the node's secrets. Its output goes
 * to the run's log line by line (standard error as warnings) and, up to `maxOutputBytes` each, into the result.
 * An attempt fails with COMMAND_FAILED on an exit code that is not accepted, and without retries when there is no
 * such program. On abort the process group gets SIGTERM, and SIGKILL after `killAfterMs`; what a program left
 * running after it ended is not waited for.
 */
export function commandTask(options: CommandTaskOptions = {}): Task<CommandInput> {
  const clock = options.clock ?? systemClock
  return defineTask({
    name: options.name ?? 'command',
    description: 'Runs one program with its arguments, without a shell.',
    input: commandInput,
    run: (context) => execute(context, clock, options.killAfterMs ?? 5000),
  })
}

// Well below the 1 MiB that a run's log may take.
const LOG_LIMITS = { lines: 1000, charactersPerLine: 500 }

async function execute(
  context: TaskContext<CommandInput>,
  clock: Clock,
  killAfterMs: number,
): Promise<CommandResult> {
  const { input, log, signal } = context
  const startedAt = clock.monotonic()
  const output = {
    stdout: new BoundedBytes(input.maxOutputBytes),
    stderr: new BoundedBytes(input.maxOutputBytes),
  }
  const lines = {
    stdout: new LineSplitter(LOG_LIMITS, (line) => log.info(line)),
    stderr: new LineSplitter(LOG_LIMITS, (line) => log.warn(line)),
  }
  let end: ChildEnd
  try {
    end = await runChild({
      ...input,
      env: environmentOf(context),
      signal,
      killAfterMs,
      clock,
      onOutput(from, chunk) {
        output[from].add(chunk)
        lines[from].add(chunk)
      },
    })
  } catch (error) {
    signal.throwIfAborted()
    throw await startError(input, error)
  }
  lines.stdout.end()
  lines.stderr.end()
  signal.throwIfAborted()

  const { exitCode } = end
  if (exitCode === null || !input.acceptExitCodes.includes(exitCode))
    throw endError(input, end, output.stderr)
  return { exitCode, durationMs: Math.round(clock.monotonic() - startedAt), ...fitted(output) }
}

// Enough to find programs, the home directory, the language and a place for temporary files; the second line is
// what Windows programs cannot start without.
const INHERITED =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TEMP|TMP|XDG_RUNTIME_DIR|SYSTEMROOT|COMSPEC|PATHEXT|USERPROFILE|APPDATA)$/i

function environmentOf({
  input,
  run,
  attempt,
  fence,
  fireTime,
}: TaskContext<CommandInput>): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => INHERITED.test(name))),
    ...input.env,
    EVERTICK_RUN_ID: run.id,
    EVERTICK_ATTEMPT: String(attempt),
    EVERTICK_FENCE: String(fence),
    EVERTICK_FIRE_TIME: fireTime.toISOString(),
  }
}

// For the exit code, the duration and the flags.
const ENVELOPE_BYTES = 1024

/** Both outputs, cut so that together they fit into a result; the shorter one is not cut for the longer one. */
function fitted(
  output: Record<'stdout' | 'stderr', BoundedBytes>,
): Omit<CommandResult, 'exitCode' | 'durationMs'> {
  const room = SIZE_LIMITS.result - ENVELOPE_BYTES
  const whole = { stdout: output.stdout.text(), stderr: output.stderr.text() }
  const stderr = cutToJsonBytes(whole.stderr, Math.max(room / 2, room - jsonBytes(whole.stdout)))
  const stdout = cutToJsonBytes(whole.stdout, room - jsonBytes(stderr))
  return {
    stdout,
    stderr,
    truncated: {
      stdout: output.stdout.truncated || stdout.length < whole.stdout.length,
      stderr: output.stderr.truncated || stderr.length < whole.stderr.length,
    },
  }
}

const LONGEST_HINT = 300

function endError(
  { program }: CommandInput,
  { exitCode, signal }: ChildEnd,
  stderr: BoundedBytes,
): TaskFailedError {
  const how = exitCode === null ? `was ended by signal ${signal}` : `ended with exit code ${exitCode}`
  // Programs say last what went wrong.
  const lastLine = stderr.truncated ? '' : (stderr.text().trim().split('\n').at(-1) ?? '')
  const hint = lastLine === '' ? '' : `: ${lastLine.slice(0, LONGEST_HINT)}`
  return new TaskFailedError('COMMAND_FAILED', `${program} ${how}${hint}`, { retryable: true })
}

// The machine is short of something that it may have again later; anything else stays as it is.
const TEMPORARY = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ETXTBSY'])

async function startError({ program, cwd }: CommandInput, error: unknown): Promise<TaskFailedError> {
  const { code, message } = error as NodeJS.ErrnoException
  const retryable = code !== undefined && TEMPORARY.has(code)
  const why =
    // The operating system gives the same error for a missing directory as for a missing program.
    cwd !== undefined && !(await isDirectory(cwd))
      ? `there is no directory ${cwd} to run it in`
      : code === 'ENOENT'
        ? 'there is no such program'
        : code === 'EACCES'
          ? 'it may not be executed'
          : message
  return new TaskFailedError('COMMAND_FAILED', `${program} could not be started: ${why}`, {
    cause: error,
    retryable,
  })
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
