// One node of a test cluster: runs the task `work` on the store given. Its ledger says what really happened: a line
// before each attempt, a line when it ended, and a line with the store's answer to its outcome.
import { openSync, writeSync } from 'node:fs'
import { createScheduler, defineTask } from '@evertick/core'

const { store, ledger: path, name, lease } = JSON.parse(process.argv[2])
const ledger = openSync(path, 'a')

// One write for one line: it is there as a whole or not at all, whenever the process is killed.
function write(event, fields) {
  const at = Number(process.hrtime.bigint()) / 1e6
  writeSync(ledger, `${JSON.stringify({ event, node: name, at, ...fields })}\n`)
}

const work = defineTask({
  name: 'work',
  // Deaf to its signal: the most stubborn handler there is.
  run: async ({ input, run, attempt, fence }) => {
    const about = { run: run.id, attempt, fence }
    write('start', { ...about, version: input.version, createdAt: run.createdAt })
    await new Promise((resolve) => void setTimeout(resolve, input.bodyMs))
    write('end', about)
  },
})

const log =
  (level) =>
  ({ err, ...fields }, message) =>
    process.stderr.write(
      `${new Date().toISOString()} ${level} ${message} ${JSON.stringify(fields)} ${err?.message ?? ''}\n`,
    )
const scheduler = await createScheduler({
  store,
  tasks: [work],
  node: { name },
  lease,
  log: { debug() {}, info: log('info'), warn: log('warn'), error: log('error') },
})
scheduler.on('run.succeeded', ({ runId, attempt, fence }) =>
  write('accepted', { run: runId, attempt, fence }),
)
scheduler.on('run.leaseLost', ({ runId, attempt, fence }) => write('refused', { run: runId, attempt, fence }))
scheduler.on('node.sessionLost', () => write('sessionLost'))
await scheduler.start()
process.stdout.write('ready\n')
// Never outlive the test, however it ends.
process.stdin
  .resume()
  .on('end', () => process.exit(1))
  .unref()
process.on('SIGTERM', () => void scheduler.stop({ graceMs: lease.leaseMs }))
