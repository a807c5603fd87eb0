// One node of the heartbeat tests. Writes a line for each thing that happens, at once, even while it blocks itself; takes
// orders on its standard input. A handler that blocks or waits does so until the file `release` exists.
import { existsSync, writeSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { createInterface } from 'node:readline'
import threads from 'node:worker_threads'

const { store, name, lease, release } = JSON.parse(process.argv[2])

// The thread cannot be killed from outside: what makes it is watched.
let heartbeatThread = null
threads.Worker = class extends threads.Worker {
  constructor(...args) {
    super(...args)
    heartbeatThread = this
    this.once('online', () => write('threadOnline'))
    this.once('exit', () => write('threadEnded'))
  }
}
syncBuiltinESMExports()
const { createScheduler, defineTask } = await import('@evertick/core')

function write(event, fields = {}) {
  writeSync(1, `${JSON.stringify({ event, at: Date.now(), ...fields })}\n`)
}

const released = () => existsSync(release)

const started = ({ run, attempt, signal }) => {
  write('started', { run: run.id, task: run.task, attempt })
  signal.addEventListener('abort', () => write('aborted', { run: run.id, code: signal.reason.code }))
}

const block = defineTask({
  name: 'block',
  run: (context) => {
    started(context)
    const nobody = new Int32Array(new SharedArrayBuffer(4))
    while (!released()) Atomics.wait(nobody, 0, 0, 20)
    return name
  },
})

const wait = defineTask({
  name: 'wait',
  run: async (context) => {
    started(context)
    while (!released()) await new Promise((resolve) => void setTimeout(resolve, 20))
    return name
  },
})

const tick = defineTask({ name: 'tick', run: started })

const log = (level) => (fields, message) =>
  write('log', { level, message, error: fields.err?.message, code: fields.err?.code })
const scheduler = await createScheduler({
  store,
  tasks: [block, wait, tick],
  node: { name },
  lease,
  log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
})
scheduler.on('run.succeeded', ({ runId }) => write('succeeded', { run: runId }))
scheduler.on('run.leaseLost', ({ runId }) => write('leaseLost', { run: runId }))
scheduler.on('node.sessionLost', () => write('sessionLost'))
await scheduler.start()
write('ready')

const orders = {
  cancel: (run) => scheduler.runs.cancel(run),
  endThread: () => heartbeatThread.terminate(),
  health: async () => write('health', await scheduler.health()),
  exit: () => process.exit(0),
  async stop() {
    await scheduler.stop()
    lines.close()
    process.stdin.destroy()
  },
}
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const [order, ...args] = line.split(' ')
  void orders[order](...args)
})
