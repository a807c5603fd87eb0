import { appendFile, mkdir, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { defineTask } from '@evertick/core'

/** Writes a line into a log file of its own minute, and says which beat it was. */
export const heartbeat = defineTask({
  name: 'heartbeat',
  description: 'Writes a line into the log of the minute.',
  async run({ input, fireTime, run }) {
    await mkdir(input.folder, { recursive: true })
    const at = fireTime.toISOString()
    await appendFile(join(input.folder, `${at.slice(0, 16).replace(':', '')}.log`), `${at} ${run.id}\n`)
    return { beat: at }
  },
})

/** Deletes the logs that nobody wrote to lately. The fire time decides what is old, so a late run does the same. */
export const tidyLogs = defineTask({
  name: 'tidy-logs',
  description: 'Deletes logs that are older than a few minutes.',
  async run(context) {
    const { input, fireTime, log, signal } = context
    await mkdir(input.folder, { recursive: true })
    const names = (await readdir(input.folder)).filter((name) => name.endsWith('.log'))
    const oldest = fireTime.getTime() - input.keepMinutes * 60_000
    let deleted = 0
    for (const [index, name] of names.entries()) {
      signal.throwIfAborted()
      const path = join(input.folder, name)
      if ((await stat(path)).mtimeMs < oldest) {
        await unlink(path)
        log(`deleted ${name}`)
        deleted += 1
      }
      context.progress((index + 1) / names.length)
    }
    return { deleted, kept: names.length - deleted }
  },
})

/** Fails twice and then succeeds, so that retries can be watched. */
export const flaky = defineTask({
  name: 'flaky',
  description: 'Succeeds at every third attempt.',
  retry: { maxAttempts: 3, initialDelayMs: 500, jitter: 0 },
  run({ attempt, log }) {
    log.warn(`attempt ${attempt} of 3`)
    if (attempt % 3 !== 0) throw new Error('the other side hung up')
    return { attempts: attempt }
  },
})
