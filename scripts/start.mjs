// npm start: builds what is stale, then serves the demo until Ctrl-C. Its history is kept in .evertick/.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'
import { build } from './demo/build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, '.evertick')
const env = process.env

const coloured = env.FORCE_COLOR
  ? env.FORCE_COLOR !== '0'
  : process.stdout.isTTY && !env.NO_COLOR && env.TERM !== 'dumb'
const paint = (format, text) => (coloured ? styleText(format, text, { validateStream: false }) : text)
const write = (line) => process.stdout.write(`${line}\n`)

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

// What goes well can be seen from the runs.
const log = {
  debug() {},
  info() {},
  warn: (fields, message) => void process.stderr.write(`warn  ${message} ${JSON.stringify(fields)}\n`),
  error: ({ err, ...fields }, message) =>
    void process.stderr.write(`error ${message} ${JSON.stringify(fields)} ${err?.stack ?? ''}\n`),
}

function welcome(url, store) {
  const at = url === 'http://127.0.0.1:4747' ? '' : ` --server ${url}`
  const tries = [
    ['schedule list', 'what is planned'],
    ['runs --follow', 'what happens, as it happens'],
    ['schedule run flaky --wait', 'run one now and see how it ends'],
    ['schedule pause heartbeat', 'and then: schedule resume heartbeat'],
  ]
  return [
    '',
    `  ${paint('bold', 'Evertick')} is up, with its history in ${store}`,
    '',
    `  ${paint('gray', 'open    ')}  ${url}/`,
    `  ${paint('gray', 'docs    ')}  ${url}/docs`,
    `  ${paint('gray', 'OpenAPI ')}  ${url}/openapi.json`,
    '',
    `  ${paint('gray', 'try')}`,
    ...tries.map(
      ([command, what]) =>
        `    npx evertick ${`${command}${at}`.padEnd(28 + at.length)}${paint('gray', what)}`,
    ),
    `    npx evertick ${"preview '0 9 * * MON-FRI'".padEnd(28 + at.length)}${paint('gray', 'when a trigger would fire')}`,
    '',
    `  Ctrl-C stops it; started again, it goes on where it was.`,
    '',
  ].join('\n')
}

function untilInterrupted() {
  return new Promise((resolve) => {
    let interrupts = 0
    const interrupt = () => {
      interrupts += 1
      if (interrupts > 1) process.exit(130)
      resolve()
    }
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  })
}

try {
  build(root)
} catch (error) {
  fail(error.message)
}
// Only now is there something to import.
const { readServeConfig, serve } = await import('../packages/server/dist/index.js')
const { demoSchedules } = await import('./demo/schedules.mjs')
const { printRuns } = await import('./demo/run-lines.mjs')

await mkdir(folder, { recursive: true })
const interrupted = untilInterrupted()
try {
  const given = readServeConfig({}, env)
  const config = {
    ...given,
    store: env.EVERTICK_STORE ? given.store : `sqlite:${join(folder, 'evertick.db')}`,
    tasks: [join(root, 'scripts/demo/tasks.mjs'), ...given.tasks],
  }
  const server = await serve(config, { log })
  const { scheduler, url } = server
  write(welcome(url, scheduler.store.info.location))
  if (env.EVERTICK_QUIET !== '1') printRuns(scheduler, write, paint)
  for (const schedule of demoSchedules(url, join(folder, 'logs'))) {
    // What was changed by hand stays; but this one must know the port of today.
    const ifExists = schedule.id === 'check-health' ? 'replace' : 'keep'
    await scheduler.schedules.put(schedule, { ifExists })
  }
  await interrupted
  write('\nStopping …')
  await server.close()
} catch (error) {
  fail(error.code === undefined ? error.stack : `error ${error.code}: ${error.message}`)
}
