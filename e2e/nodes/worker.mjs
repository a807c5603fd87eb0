// One node of a test cluster: runs the task `work` on the store given. Its ledger says what really happened: a line
// before each attempt, a line when it ended, and a line with the store's answer to its outcome.
import { appendFileSync } from 'node:fs'
import { createScheduler, defineTask } from '@evertick/core'

const [store, ledger, node] = process.argv.slice(2)

function write(event, { run, attempt, fence }) {
  appendFileSync(ledger, `${JSON.stringify({ event, node, run, attempt, fence, at: Date.now() })}\n`)
}

const work = defineTask({
  name: 'work',
  run: async ({ run, attempt, fence }) => {
    write('start', { run: run.id, attempt, fence })
    await new Promise((resolve) => void setTimeout(resolve, 20))
    write('end', { run: run.id, attempt, fence })
  },
})

const problem = (fields, message) => process.stderr.write(`${node}: ${message} ${fields.err ?? ''}\n`)
const scheduler = await createScheduler({
  store,
  tasks: [work],
  node: { name: node },
  lease: { leaseMs: 3000, renewMs: 1000 },
  log: { debug() {}, info() {}, warn: problem, error: problem },
})
scheduler.on('run.succeeded', ({ runId, attempt, fence }) =>
  write('accepted', { run: runId, attempt, fence }),
)
scheduler.on('run.leaseLost', ({ runId, attempt, fence }) => write('refused', { run: runId, attempt, fence }))
await scheduler.start()
process.stdout.write('ready\n')
process.on('SIGTERM', () => void scheduler.stop({ graceMs: 5000 }))
