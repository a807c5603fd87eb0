import type { Logger } from '../domain/logger.js'
import type { Clock, Random } from '../domain/clock.js'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5000

/** What a step answers that could not try anything: whether it would have worked is not known. */
export interface NotTried {
  readonly sleepMs: number
}

/** Since when the steps of a loop fail, on the monotonic clock, and what the last one failed of. */
export interface Trouble {
  readonly since: number
  readonly error: unknown
}

export interface LoopOptions {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Of the growing pauses after failures. @default 5000 */
  readonly longestPauseMs?: number
  /** One round of work. Answers how many milliseconds to sleep unless woken; `Infinity` is until woken. */
  readonly step: () => Promise<number | NotTried>
}

/**
 * A supervised loop: a step that fails is logged and tried again after a growing pause with jitter.
 * It ends only by `stop`, which waits for the step under way.
 */
export class Loop {
  readonly #options: LoopOptions
  #running: Promise<void> | null = null
  #stopping = false
  #woken = false
  #wakeUp: (() => void) | null = null
  #trouble: Trouble | null = null

  constructor(options: LoopOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  /** `null` where the last step that tried anything succeeded. */
  get trouble(): Trouble | null {
    return this.#trouble
  }

  start(): void {
    if (this.#running !== null) return
    this.#stopping = false
    this.#running = this.#run()
  }

  /** Ends the sleep, or makes the next one empty when a step is under way. */
  wake(): void {
    this.#woken = true
    this.#wakeUp?.()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.wake()
    await this.#running
    this.#running = null
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stopping) {
      this.#woken = false
      let sleepMs: number
      try {
        const answer = await this.#options.step()
        if (typeof answer === 'number') {
          sleepMs = answer
          if (failures > 0) this.#options.log.info({ loop: this.#options.name, failures }, 'Working again')
          failures = 0
          this.#trouble = null
        } else {
          sleepMs = answer.sleepMs
        }
      } catch (error) {
        sleepMs = this.#pauseAfter(++failures, error)
        this.#trouble = { since: this.#trouble?.since ?? this.#options.clock.monotonic(), error }
        // What woke us may be what fails: the pause holds.
        this.#woken = false
      }
      await this.#sleep(sleepMs)
    }
  }

  #pauseAfter(failures: number, error: unknown): number {
    const { name, log, random, longestPauseMs = LONGEST_PAUSE_MS } = this.#options
    const pauseMs = Math.min(longestPauseMs, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (0.5 + random() / 2)
    log.error(
      { err: error, loop: name, failures, pauseMs: Math.round(pauseMs) },
      'A step failed and will be repeated',
    )
    return pauseMs
  }

  async #sleep(sleepMs: number): Promise<void> {
    if (this.#stopping) return
    if (this.#woken || sleepMs <= 0) {
      // One turn for timers and sockets: a busy loop must not starve the handlers.
      await new Promise<void>((resolve) => void setImmediate(resolve))
      return
    }
    await new Promise<void>((resolve) => {
      const cancel = sleepMs === Infinity ? null : this.#options.clock.setTimer(resolve, sleepMs)
      this.#wakeUp = () => {
        cancel?.()
        resolve()
      }
    })
    this.#wakeUp = null
  }
}
