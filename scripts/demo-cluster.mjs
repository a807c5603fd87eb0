// npm run demo:cluster [-- --seconds N]: a Redis and three servers on this machine, busy, for you to kill. Without a terminal,
// or for so many seconds, it kills them itself, and ends with 0 only if nothing was missed and nothing ran twice.
import { fileURLToPath } from 'node:url'
import { parseArgs, styleText } from 'node:util'
import { build } from './demo/build.mjs'

const SECONDS_ALONE = 30
const EVENTS_KEPT = 100
const USAGE = 2
const INTERRUPTED = 130

const { env, stdin, stdout } = process
const live = Boolean(stdout.isTTY) && env.TERM !== 'dumb'
const coloured = env.FORCE_COLOR ? env.FORCE_COLOR !== '0' : live && !env.NO_COLOR
const paint = (format, text) => (coloured ? styleText(format, text, { validateStream: false }) : text)
const write = (line) => void stdout.write(`${line}\n`)

function fail(message, code) {
  process.stderr.write(`${message}\n`)
  process.exit(code)
}

/** For how long it goes on by itself; `null`: until someone ends it. */
function readSeconds() {
  try {
    const { seconds } = parseArgs({ options: { seconds: { type: 'string' } } }).values
    if (seconds === undefined) return live ? null : SECONDS_ALONE
    if (!/^[1-9]\d{0,5}$/.test(seconds))
      throw new Error(`--seconds must be a whole number above 0, but is ${JSON.stringify(seconds)}`)
    return Number(seconds)
  } catch (error) {
    return fail(error.message, USAGE)
  }
}

const seconds = readSeconds()
try {
  build(fileURLToPath(new URL('..', import.meta.url)))
} catch (error) {
  fail(error.message, 1)
}
// Only now is there something to import.
const { Cluster } = await import('./demo/cluster/cluster.mjs')
const { Course } = await import('./demo/cluster/course.mjs')
const { press } = await import('./demo/cluster/keys.mjs')
const { screen, statusLine } = await import('./demo/cluster/screen.mjs')
const { summary } = await import('./demo/cluster/summary.mjs')
const { Terminal } = await import('./demo/cluster/terminal.mjs')

const began = Date.now()
const events = []
const cluster = new Cluster((tone, text) => {
  const at = Date.now()
  events.push({ at, tone, text })
  if (events.length > EVENTS_KEPT) events.shift()
  if (!live) write(`${((at - began) / 1000).toFixed(1).padStart(7)} s  ${text}`)
})
const course = new Course(cluster)
const terminal = new Terminal(stdout, stdin)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => course.leave())

let started = false
try {
  write('Starting a Redis and three servers …')
  await cluster.start()
  started = true
  const view = () => ({ ...terminal.size, paint, began, events, notice: course.notice })
  if (live) terminal.open((key) => press(key, cluster, course))
  const show = live
    ? [250, () => terminal.draw(screen(cluster, view()))]
    : [5000, () => write(statusLine(cluster))]
  await course.run(seconds, [show])
} catch (error) {
  cluster.failures.push(error.code === undefined ? error.stack : error.message)
} finally {
  if (live && started) terminal.close()
  write('Stopping …')
  await cluster.stop({ hurry: course.wasLeft })
}

if (started) for (const line of summary(cluster, course.ranMs, paint)) write(line)
else for (const failure of cluster.failures) process.stderr.write(`${failure}\n`)
const isGood = cluster.failures.length === 0 && cluster.audit?.problems.length === 0
process.exitCode = started && !isGood ? 1 : course.wasLeft ? INTERRUPTED : isGood ? 0 : 1
