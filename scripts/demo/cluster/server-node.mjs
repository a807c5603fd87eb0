import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const EVERTICK = fileURLToPath(new URL('../../../packages/server/bin/evertick.js', import.meta.url))
const TASKS = fileURLToPath(new URL('tasks.mjs', import.meta.url))
// Longer than the longest handler, and then some.
const STOP_GRACE_SECONDS = 10

/** One `evertick serve`, in a process of its own, that is started again as often as one likes. */
export class ServerNode {
  name
  /** `starting`, `up`, `frozen`, `dead`, or `stopped` when it was asked to. */
  state = 'dead'
  /** When its state began. */
  since = Date.now()
  url = null
  /** Names its present life, or the last one. */
  life = null
  #store
  #ledger
  #endedByItself
  #lives = 0
  #port = 0
  #child = null

  constructor({ name, store, ledger, endedByItself }) {
    this.name = name
    this.#store = store
    this.#ledger = ledger
    this.#endedByItself = endedByItself
  }

  /** Resolves when it serves, or was killed before that. @throws {Error} when it ends by itself, with what it said. */
  async start() {
    this.life = `${this.name}.${++this.#lives}`
    const flags = ['--store', this.#store, '--port', this.#port, '--node-name', this.name, '--tasks', TASKS]
    const child = spawn(
      process.execPath,
      [EVERTICK, 'serve', ...flags.map(String), '--stop-grace', String(STOP_GRACE_SECONDS)],
      {
        env: { ...environment(), EVERTICK_DEMO_LEDGER: this.#ledger.pathOf(this.life) },
        stdio: ['ignore', 'pipe', 'pipe'],
        // Ctrl-C reaches the whole group of a terminal; here only the demo shall decide who ends when.
        detached: true,
      },
    )
    this.#child = child
    this.#become('starting')
    let errors = ''
    child.stderr.on('data', (text) => (errors += text))
    const ended = once(child, 'exit').then(([code, signal]) => {
      if (child !== this.#child || this.state === 'dead' || this.state === 'stopped') return null
      const wasStarting = this.state === 'starting'
      this.#become('dead')
      if (wasStarting) throw new Error(`${this.name} did not start: ${errors.trim() || (code ?? signal)}`)
      this.#endedByItself(this, code ?? signal)
      return null
    })
    const serving = new Promise((resolve) => {
      createInterface(child.stdout).on('line', (line) => {
        const url = servingAt(line)
        if (url !== null) resolve(url)
      })
    })
    const url = await Promise.race([serving, ended])
    // Killed before it was up.
    if (url === null || child !== this.#child || this.state !== 'starting') return
    this.url = url
    // Started again it is found where it was.
    this.#port = new URL(url).port
    this.#become('up')
  }

  /** kill -9. */
  async kill() {
    this.#become('dead')
    await this.#end('SIGKILL')
  }

  /** It stands still, and knows nothing of it. */
  freeze() {
    this.#child.kill('SIGSTOP')
    this.#become('frozen')
  }

  thaw() {
    this.#child.kill('SIGCONT')
    this.#become('up')
  }

  /** SIGTERM; answers the exit code, or `null` where it had to be killed after all. */
  async stop(timeoutMs) {
    this.#become('stopped')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs)
    const code = await this.#end('SIGTERM')
    clearTimeout(timer)
    return code
  }

  async #end(signal) {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill(signal)
    return (await exit)[0]
  }

  #become(state) {
    this.state = state
    this.since = Date.now()
  }
}

/** Nothing of the user's own set-up shall reach the servers of the demo. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('EVERTICK_')))
}

function servingAt(line) {
  try {
    const { msg, url } = JSON.parse(line)
    return msg === 'Evertick serves' ? url : null
  } catch {
    return null
  }
}
