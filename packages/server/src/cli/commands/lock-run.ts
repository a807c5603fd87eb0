import { type Lock, LOCK_TTL } from '@evertick/core'
import type { Command } from 'commander'
import { exitCodeOf, startChild, type Child } from '../child.js'
import { UnreachableError, UsageError } from '../failures.js'
import { readDurationMs } from '../option-values.js'
import { useClient, withTarget, type CliContext, type ClientContext, type ClientFlags } from './context.js'

interface RunFlags extends ClientFlags {
  readonly ttl: string
  readonly wait: string
}

/**
 * From SIGTERM to SIGKILL once the lock is lost. With the shortest ttl it can be relied on until 500 ms before others
 * may have it.
 */
const KILL_AFTER_MS = 500
const SHORTEST_TTL_MS = 2 * KILL_AFTER_MS

const EXAMPLES = `
The command gets EVERTICK_LOCK and EVERTICK_LOCK_FENCE, a number that rises with every holder. When the lock is
lost (the server or store could not be reached in time), it gets SIGTERM, and SIGKILL after half a second. Nobody is
left to do so when evertick itself dies of kill -9 or stands still: then the command goes on, also when another has the
lock. Let what it changes refuse an older EVERTICK_LOCK_FENCE, or end them together (a container, systemd-run).

Exit codes: that of the command, and
  75   the lock was not to be had in time
  76   the lock was lost, and the command ended
  127  the command could not be started

Examples:
  $ evertick lock run backup -- pg_dump --file backup.sql
  $ evertick lock run deploy --wait 10m --ttl 30s -- ./deploy.sh
  $ evertick lock run report --wait 0s -- node report.js || echo 'somebody else does it'
`

/** `evertick lock run`: a program that runs on one machine at a time. */
export function addLockRun(parent: Command, context: CliContext): void {
  withTarget(
    parent
      .command('run')
      .argument('<name>')
      .argument('[command...]', 'after --: a program and its arguments'),
  )
    .description('run a program while no one else does under the same lock')
    .option('--ttl <duration>', 'how long the lock stays taken when this machine dies', '10s')
    .option('--wait <duration>', 'how long to wait for the lock; 0s: try once', '30s')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, [program, ...args]: string[], flags: RunFlags) => {
      if (program === undefined) throw new UsageError('what to run is missing: give a program after --')
      const ttlMs = readDurationMs('--ttl', flags.ttl)
      if (ttlMs < SHORTEST_TTL_MS || ttlMs > LOCK_TTL.mostMs)
        throw new UsageError(`--ttl must be from 1s to 1d, but is ${JSON.stringify(flags.ttl)}`)
      const waitMs = readDurationMs('--wait', flags.wait)
      await useClient(context, flags, async (client) => {
        context.exitCode = await runLocked(client, name, [program, ...args], { ttlMs, waitMs })
      })
    })
}

async function runLocked(
  { client, io }: ClientContext,
  name: string,
  words: readonly [string, ...string[]],
  times: { readonly ttlMs: number; readonly waitMs: number },
): Promise<number> {
  // A place that is wrong is told at once; one that goes away is waited for.
  await client.listLocks({ limit: 1 })
  const waiting = new AbortController()
  let child: Child | null = null
  let interrupts = 0
  let interruptedBy: NodeJS.Signals = 'SIGINT'
  const stopListening = io.onInterrupt((signal) => {
    interruptedBy = signal
    waiting.abort()
    child?.kill(++interrupts > 1 ? 'SIGKILL' : 'SIGTERM')
  })
  let cancelKill: (() => void) | null = null
  let lock: Lock | null = null
  try {
    lock = await client.locks.acquire(name, { ...times, signal: waiting.signal })
    const fence = { EVERTICK_LOCK: name, EVERTICK_LOCK_FENCE: String(lock.fence) }
    if (waiting.signal.aborted) return exitCodeOf(interruptedBy)
    lock.signal.throwIfAborted()
    const started = startChild(words, { ...io.env, ...fence }, io)
    child = started
    lock.signal.addEventListener('abort', () => {
      started.kill('SIGTERM')
      cancelKill = io.clock.setTimer(() => started.kill('SIGKILL'), KILL_AFTER_MS)
    })
    const exitCode = await started.ended
    // What ignored SIGTERM and outlived the program.
    if (lock.signal.aborted) started.kill('SIGKILL')
    lock.signal.throwIfAborted()
    return exitCode
  } catch (error) {
    if (lock === null && waiting.signal.aborted) return exitCodeOf(interruptedBy)
    const { cause } = error as Error
    throw cause instanceof UnreachableError ? cause : error
  } finally {
    ;(cancelKill as (() => void) | null)?.()
    stopListening()
    await lock?.release()
  }
}
