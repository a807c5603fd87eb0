import { setTimeout as sleep } from 'node:timers/promises'
import { unattended } from './unattended.mjs'

/** Longer than any run takes that was under way at the end: the lease of a dead node, its attempts, and patience. */
const SETTLE_MS = 90_000

/** What happens from the start of a cluster to its end. */
export class Course {
  /** What a person should know now, or `null`. */
  notice = null
  /** From the first fire to when the end began. */
  ranMs = 0
  #cluster
  #ending = new AbortController()
  #leaving = new AbortController()
  #over = new AbortController()
  #failed

  constructor(cluster) {
    this.#cluster = cluster
  }

  /** Nothing more is done to it, and what is under way comes to its end. Asked for again, that is not waited for. */
  end() {
    if (this.#ending.signal.aborted) this.#leaving.abort()
    this.#ending.abort()
  }

  /** Everything ends at once. */
  leave() {
    this.#ending.abort()
    this.#leaving.abort()
  }

  get isEnding() {
    return this.#ending.signal.aborted
  }

  get wasLeft() {
    return this.#leaving.signal.aborted
  }

  /**
   * Follows the cluster until it is ended, or has done to itself for `seconds` what it can. `shows` are `[everyMs, show]`.
   * @throws whatever goes wrong in doing so.
   */
  async run(seconds, shows) {
    const began = Date.now()
    const failure = new Promise((_resolve, reject) => (this.#failed = reject))
    const loops = Promise.all(
      [
        [100, () => this.#cluster.read()],
        [500, () => this.#cluster.look()],
        [1000, () => this.#cluster.check()],
        ...shows,
      ].map(([everyMs, work]) => this.#every(everyMs, work)),
    )
    try {
      const course = this.#untilEnding(seconds).then(() => {
        this.ranMs = Date.now() - began
        return this.#settle()
      })
      await Promise.race([course, aborted(this.#leaving.signal), loops, failure])
    } finally {
      this.#ending.abort()
      this.#over.abort()
      await loops
    }
  }

  /** Work that was begun by hand: where it fails, so does the course. */
  do(work) {
    work.catch((error) => this.#failed(error))
  }

  async #untilEnding(seconds) {
    const { signal } = this.#ending
    if (seconds === null) {
      await aborted(signal)
      return
    }
    const doing = unattended(this.#cluster, signal)
    await Promise.race([waited(seconds * 1000, signal), doing])
    this.#ending.abort()
    await doing
  }

  /** What was due until now is accounted for, or never will be. */
  async #settle() {
    const { audit } = this.#cluster
    await this.#cluster.heal()
    audit.close(Date.now())
    const until = performance.now() + SETTLE_MS
    while (audit.waiting > 0 && !this.wasLeft) {
      if (performance.now() > until) audit.giveUp()
      const what = audit.waiting === 1 ? 'the last run' : `the last ${audit.waiting} runs`
      this.notice = `Waiting for ${what} to be accounted for; q again leaves at once`
      await waited(200, this.#leaving.signal)
    }
  }

  async #every(ms, work) {
    while (!this.#over.signal.aborted) {
      await work()
      await waited(ms, this.#over.signal)
    }
  }
}

/** Waits for so long, but not longer than until `signal` aborts. */
async function waited(ms, signal) {
  await sleep(ms, undefined, { signal }).catch(() => {})
}

function aborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
