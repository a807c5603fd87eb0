// One node of a test cluster: runs the task `work` on the store given, and appends a line to the ledger at the
// start and at the end of every attempt. The ledger is what really happened, whatever the store says.
import { appendFileSync } from 'node:fs'
import { createScheduler, defineTask } from '@evertick/core'

const [store, ledger, name] = process.argv.slice(2)

function write(line) {
  appendFileSync(ledger, `${JSON.stringify(line)}\n`)
}

const work = defineTask({
  name: 'work',
  run: async ({ run, attempt, fence }) => {
    write({ event: 'start', node: name, run: run.id, attempt, fence })
    await new Promise((resolve) => void setTimeout(resolve, 20))
    write({ event: 'end', node: name, run: run.id, attempt, fence })
  },
})

const problems = (fields, message) => process.stderr.write(`${name}: ${message} ${fields.err ?? ''}\n`)
const scheduler = await createScheduler({
  store,
  tasks: [work],
  node: { name },
  lease: { leaseMs: 3000, renewMs: 1000 },
  log: { debug() {}, info() {}, warn: problems, error: problems },
})
await scheduler.start()
process.stdout.write('ready\n')
process.on('SIGTERM', () => void scheduler.stop({ graceMs: 5000 }))
