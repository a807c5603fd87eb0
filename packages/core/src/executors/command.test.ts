import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { SIZE_LIMITS } from '../domain/policies.js'
import type { LogLevel } from '../domain/run.js'
import type { TaskContext, TaskLog } from '../domain/task.js'
import { jsonBytes } from './bounded-text.js'
import { commandTask, type CommandResult, type CommandTaskOptions } from './command.js'
import type { CommandInput } from './command-input.js'

interface Attempt {
  readonly outcome: Promise<CommandResult>
  readonly lines: string[]
  /** Resolves when the log has a line that contains this. */
  logged(part: string): Promise<void>
}

function start(
  input: object,
  signal = new AbortController().signal,
  options: CommandTaskOptions = {},
): Attempt {
  const lines: string[] = []
  const waiting = new Map<string, () => void>()
  const write = (level: LogLevel) => (message: string) => {
    lines.push(`${level} ${message}`)
    for (const [part, wake] of waiting) if (message.includes(part)) wake()
  }
  const log: TaskLog = Object.assign(write('info'), {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  })
  const task = commandTask(options)
  const execute = async (): Promise<CommandResult> => {
    const checked = await task.inputSchema!['~standard'].validate(input)
    if (checked.issues !== undefined) {
      const [issue] = checked.issues
      throw new Error(`${issue!.path?.map(String).join('.')}: ${issue!.message}`)
    }
    const context: TaskContext<CommandInput> = {
      input: checked.value as CommandInput,
      run: {
        id: 'report@1',
        scheduleId: 'report',
        kind: 'scheduled',
        task: 'command',
        dueAt: 1,
        createdAt: 1,
      },
      attempt: 3,
      fireTime: new Date(1764000000000),
      fence: 9,
      signal,
      log,
      progress: () => {},
      complete: () => Promise.resolve(),
    }
    return (await task.run(context)) as CommandResult
  }
  return {
    outcome: execute(),
    lines,
    logged: (part) => new Promise((resolve) => waiting.set(part, resolve)),
  }
}

const node = (script: string, ...args: string[]): object => ({
  program: process.execPath,
  args: ['-e', script, ...args],
})

test('the outputs, the exit code and every line are kept', async () => {
  const attempt = start(
    node('console.log("one\\ntwo"); console.error("careful"); process.stdout.write("three")'),
  )
  const result = await attempt.outcome
  expect(result).toMatchObject({
    exitCode: 0,
    stdout: 'one\ntwo\nthree',
    stderr: 'careful\n',
    truncated: { stdout: false, stderr: false },
  })
  expect(attempt.lines.toSorted()).toEqual(['info one', 'info three', 'info two', 'warn careful'])
})

test('arguments are literal: nothing in them reaches a shell', async () => {
  const hostile = ['$(id)', '; rm -rf /', '`id`', '| cat', '*', '\'"', '', '--', '\n']
  const { outcome } = start({
    ...node('console.log(JSON.stringify(process.argv.slice(1)))'),
    args: ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...hostile],
  })
  expect(JSON.parse((await outcome).stdout)).toEqual(hostile)
})

test('a command knows its run, and none of the secrets of its node', async () => {
  vi.stubEnv('EVERTICK_TOKENS', 'secret')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  try {
    const { outcome } = start({
      ...node('console.log(JSON.stringify(process.env))'),
      env: { GREETING: 'hello' },
    })
    const env = JSON.parse((await outcome).stdout) as Record<string, string>
    expect(env).toMatchObject({
      PATH: process.env['PATH'],
      GREETING: 'hello',
      EVERTICK_RUN_ID: 'report@1',
      EVERTICK_ATTEMPT: '3',
      EVERTICK_FENCE: '9',
      EVERTICK_FIRE_TIME: '2025-11-24T16:00:00.000Z',
    })
    expect(Object.values(env)).not.toContain('secret')
  } finally {
    vi.unstubAllEnvs()
  }
})

test('it runs where it is told to, and reads what it is given', async () => {
  const cwd = await realpath(await mkdtemp(join(tmpdir(), 'evertick-')))
  try {
    const { outcome } = start({
      ...node('process.stdin.on("data", (d) => console.log(process.cwd() + " " + d))'),
      cwd,
      stdin: 'héllo',
    })
    expect((await outcome).stdout).toBe(`${cwd} héllo\n`)
  } finally {
    await rm(cwd, { recursive: true })
  }
})

test('a program that never reads its input does not fail for it', async () => {
  const { outcome } = start({ ...node('process.exit(0)'), stdin: 'x'.repeat(60_000) })
  expect(await outcome).toMatchObject({ exitCode: 0 })
})

test('an exit code that is not accepted fails with the last line of what the program said', async () => {
  const failing = node('console.error("first\\nthe disk is full"); process.exitCode = 3')
  const { outcome } = start(failing)
  await expect(outcome).rejects.toMatchObject({ code: 'COMMAND_FAILED', retryable: true })
  await expect(outcome).rejects.toThrow('ended with exit code 3: the disk is full')
  expect(await start({ ...failing, acceptExitCodes: [0, 3] }).outcome).toMatchObject({ exitCode: 3 })
})

test('a program that kills itself fails with the signal', async () => {
  await expect(start(node('process.kill(process.pid, "SIGKILL")')).outcome).rejects.toThrow(
    'was ended by signal SIGKILL',
  )
})

test('a program or a directory that does not exist is named, and not tried again', async () => {
  await expect(start({ program: 'no-such-program-here' }).outcome).rejects.toMatchObject({
    code: 'COMMAND_FAILED',
    retryable: false,
    message: 'no-such-program-here could not be started: there is no such program',
  })
  await expect(start({ program: process.execPath, cwd: '/no/such/place' }).outcome).rejects.toMatchObject({
    retryable: false,
    message: expect.stringContaining('there is no directory /no/such/place') as unknown,
  })
})

test('10 MB of output are read to the end and kept up to the limit', async () => {
  const attempt = start(
    node('process.stdout.write(("x".repeat(99) + "\\n").repeat(100_000)); console.error("done")'),
  )
  const result = await attempt.outcome
  expect(result).toMatchObject({ exitCode: 0, stderr: 'done\n', truncated: { stdout: true, stderr: false } })
  expect(jsonBytes(result)).toBeLessThanOrEqual(SIZE_LIMITS.result)
  expect(result.stdout.length).toBeGreaterThan(60_000)
  const logged = attempt.lines.filter((line) => line.startsWith('info'))
  expect(logged).toHaveLength(1001)
  expect(logged.at(-1)).toBe('info … more than 1000 lines; the rest is not logged')
})

test('one endless line is logged cut, and the output never ends in half a character', async () => {
  const attempt = start({ ...node('process.stdout.write("€".repeat(1000))'), maxOutputBytes: 100 })
  expect(await attempt.outcome).toMatchObject({ stdout: '€'.repeat(33), truncated: { stdout: true } })
  expect(attempt.lines).toEqual([`info ${'€'.repeat(500)}…`])
})

test('an abort ends the program politely', async () => {
  const controller = new AbortController()
  const reason = new Error('cancelled')
  const script =
    'process.on("SIGTERM", () => { console.log("bye"); process.exit(0) }); setInterval(() => {}, 1000); console.log("up")'
  const attempt = start(node(script), controller.signal)
  await attempt.logged('up')
  controller.abort(reason)
  await expect(attempt.outcome).rejects.toBe(reason)
  expect(attempt.lines).toContain('info bye')
})

test('a program that ignores SIGTERM is killed, with the children that it started', async () => {
  // A connection that breaks is the proof of death that also holds for a process that nobody reaps.
  const broken: Promise<void>[] = []
  let connected: () => void
  const both = new Promise<void>((resolve) => (connected = resolve))
  const server = createServer((socket) => {
    broken.push(new Promise((resolve) => socket.on('error', () => {}).on('close', () => resolve())))
    if (broken.length === 2) connected()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const stubborn = `process.on("SIGTERM", () => {}); require("node:net").connect(${port}, "127.0.0.1");`
  const script = `${stubborn}
    require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(stubborn)}], { stdio: "inherit" })`

  const controller = new AbortController()
  const attempt = start(node(script), controller.signal, { killAfterMs: 50 })
  await both
  controller.abort(new Error('timeout'))
  await expect(attempt.outcome).rejects.toThrow('timeout')
  await Promise.all(broken)
  server.close()
})

test('a grandchild that holds the output open is not waited for', async () => {
  const script = `const child = require("node:child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "inherit", detached: true });
    child.unref(); console.log("left", child.pid); process.exit(0)`
  const attempt = start(node(script))
  const { stdout, durationMs } = await attempt.outcome
  process.kill(Number(/left (\d+)/.exec(stdout)![1]), 'SIGKILL')
  expect(durationMs).toBeLessThan(30_000)
})

test('an attempt that is aborted before it starts starts nothing', async () => {
  const reason = new Error('lost')
  const attempt = start(node('console.log("ran")'), AbortSignal.abort(reason))
  await expect(attempt.outcome).rejects.toBe(reason)
  expect(attempt.lines).toEqual([])
})

test.each([
  [{}, 'program: must be text that is not empty and has no null characters, but is nothing'],
  [
    { program: 'df -h' },
    'program: must be one program without its arguments, which belong in args, but is "df -h"',
  ],
  [{ program: 'a\0b' }, 'program: must be text'],
  [{ program: 'ls', args: '-l' }, 'args: must be a list of texts, but is "-l"'],
  [{ program: 'ls', args: ['-l', 3] }, 'args[1]: must be text and has no null characters, but is 3'],
  [{ program: 'ls', env: { '1X': 'a' } }, 'env.1X: is not a variable'],
  [{ program: 'ls', env: { EVERTICK_RUN_ID: 'a' } }, 'env.EVERTICK_RUN_ID: cannot be given'],
  [{ program: 'ls', env: { PASSWORD: 'secret\0' } }, 'env.PASSWORD: must be text without null characters'],
  [{ program: 'ls', acceptExitCodes: [] }, 'acceptExitCodes: must be a list of whole numbers from 0 to 255'],
  [
    { program: 'ls', maxOutputBytes: -1 },
    'maxOutputBytes: must be a whole number from 0 to 65536, but is -1',
  ],
  [{ program: 'ls', shell: true }, 'shell: is not a known field'],
])('%j is refused', async (input, problem) => {
  const failure = start(input).outcome
  await expect(failure).rejects.toThrow(problem)
})
